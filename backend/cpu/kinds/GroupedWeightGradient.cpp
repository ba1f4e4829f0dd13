// Weight gradient of narrow groups and of depthwise convolutions.
//
//   dw[o, i, tap] = sum over images, output pixels t of dy[t, o] * x[t + tap, group(o) + i]
//
// For a vector of output channels and a row of the kernel, the sums of all its taps and channels stay in registers over
// the rows of an image. Inside a row several pixels are unrolled, so that a vector of x serves every tap it meets; pixels
// near the sides, where some taps read padding, go tap by tap. Units are fixed blocks of images with partial sums of
// their own, combined in order.

#include "backend/cpu/kinds/ConvolutionTaps.h"
#include "backend/cpu/kinds/Grouped.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;

namespace {

/// Images of a unit: partial sums are a few kilobytes, so that balance between threads decides.
constexpr int64_t kImagesPerBlock = 4;
/// Pixels of a row that are unrolled.
constexpr int64_t kPixels = 4;

class GroupedWeightGradient {
public:
  GroupedWeightGradient(KernelContext& context, const ConvolutionOp& conv)
      : context_(context), conv_(conv), problem_(conv.problem), lanes_(context.target.lanes),
        width_(problem_.groupChannels()), channels_(problem_.channels), blocks_(ceilDiv(channels_, lanes_)),
        column_(forwardTaps(problem_.image[1], problem_.output[1], problem_.kernel[1], problem_.strides[1],
                            problem_.paddingLow[1], problem_.dilation[1])) {
    // Positions whose taps all read.
    while (insideFrom_ < column_.count && !column_.isInterior(insideFrom_, insideFrom_ + 1))
      ++insideFrom_;
    insideTo_ = insideFrom_;
    while (insideTo_ < column_.count && column_.isInterior(insideTo_, insideTo_ + 1))
      ++insideTo_;
    // Sums of one pass: at most what registers hold beside a few vectors of x and dy.
    int64_t most = context.target.registers >= 32 ? 24 : 10;
    SmallVector<Sum> all;
    for (int64_t c = 0; c < width_; ++c)
      for (int64_t tap = 0; tap < problem_.kernel[1]; ++tap)
        all.push_back({c, tap});
    int64_t passes = ceilDiv(int64_t(all.size()), most), perPass = ceilDiv(int64_t(all.size()), passes);
    for (int64_t at = 0; at < int64_t(all.size()); at += perPass)
      passes_.push_back(
          SmallVector<Sum>(all.begin() + at, all.begin() + std::min<int64_t>(at + perPass, all.size())));
  }

  mlir::LogicalResult emit() {
    if (mlir::failed(endsItsKernel(context_.kernel, conv_))) return mlir::failure();
    KernelInfo& info = context_.info;
    info.rows = tensorTypeOf(conv_.image()).getDimSize(0);
    info.units = {1, kImagesPerBlock};
    info.temporaries.push_back(
        {"partial sums", info.units, static_cast<uint64_t>(blocks_ * blockElements()) * sizeof(float)});
    info.combineSymbol = context_.combineSymbol;
    info.combineUnits = {blocks_, 0};
    info.scratchBytes = panelBytes(conv_);
    if (mlir::failed(emitLaunch())) return mlir::failure();
    return emitCombine();
  }

private:
  /// One sum of a pass: channel of the group, tap column.
  struct Sum {
    int64_t channel, tap;
  };

  static SmallVector<Value> none() { return {}; }
  /// Sums of one vector of channels: [tap row][channel of the group][tap column][lane].
  int64_t rowElements() const { return width_ * problem_.kernel[1] * lanes_; }
  int64_t blockElements() const { return problem_.kernel[0] * rowElements(); }
  int64_t elementOf(const Sum& sum) const { return (sum.channel * problem_.kernel[1] + sum.tap) * lanes_; }

  // --- launch

  mlir::LogicalResult emitLaunch() {
    KernelFrame frame(context_.module, context_.symbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    b_ = &b;
    bindOperands(e, frame, context_.kernel);
    Value partials = frame.buffer(firstExtraSlot(context_.kernel));
    Value scratch = context_.info.scratchBytes ? frame.buffer(firstExtraSlot(context_.kernel) + 1) : Value();
    Value images = frame.size(0);
    e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
      int64_t elements = blocks_ * blockElements();
      Value sums = b.elementPointer(partials, b.f32(), b.mul(unit, b.index(elements)));
      b.loop(b.index(0), b.index(elements), lanes_, {}, [&](Value at, ValueRange) {
        b.store(zero(), sums, at);
        return none();
      });
      Value from = b.mul(unit, b.index(kImagesPerBlock));
      Value to = b.min(b.add(from, b.index(kImagesPerBlock)), images);
      e.loop(from, to, 1, {}, [&](Value n, ValueRange) {
        Value behind = scratch;
        if (scratch && !isInMemory(conv_.image()))
          behind = b.elementPointer(scratch, b.f32(), b.index(imageElements(conv_.image())));
        x_ = imagePointer(e, frame, conv_.image(), n, scratch);
        dy_ = imagePointer(e, frame, conv_.outputGrad(), n, behind);
        int64_t full = channels_ / lanes_;
        if (full > 0)
          b.loop(b.index(0), b.index(full), 1, {}, [&](Value block, ValueRange) {
            emitBlock(block, sums, {});
            return none();
          });
        if (channels_ % lanes_ != 0) emitBlock(b.index(full), sums, b.prefixMask(channels_ % lanes_));
        return none();
      });
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  /// Adds the products of one vector of channels of the image at hand.
  void emitBlock(Value block, Value sums, Value mask) {
    VectorBuilder& b = *b_;
    Value x = b.elementPointer(x_, b.f32(), b.mul(block, b.index(lanes_)));
    Value dy = b.elementPointer(dy_, b.f32(), b.mul(block, b.index(lanes_)));
    Value blockSums = b.elementPointer(sums, b.f32(), b.mul(block, b.index(blockElements())));
    b.loop(b.index(0), b.index(problem_.kernel[0]), 1, {}, [&](Value ky, ValueRange) {
      Value offset = b.sub(b.mul(ky, b.index(problem_.dilation[0])), b.index(problem_.paddingLow[0]));
      // Output rows oy with 0 <= oy * stride + offset < height.
      Value start = b.index(0);
      Value fromRow = divideUp(b, b.max(b.sub(start, offset), start), problem_.strides[0]);
      Value toRow = divideUp(b, b.max(b.sub(b.index(problem_.image[0]), offset), start), problem_.strides[0]);
      toRow = b.min(toRow, b.index(problem_.output[0]));
      Value rowSums = b.elementPointer(blockSums, b.f32(), b.mul(ky, b.index(rowElements())));
      for (const SmallVector<Sum>& pass : passes_)
        emitPass(pass, x, dy, rowSums, fromRow, toRow, offset, mask);
      return none();
    });
  }

  void emitPass(llvm::ArrayRef<Sum> pass, Value x, Value dy, Value rowSums, Value fromRow, Value toRow,
                Value offset, Value mask) {
    VectorBuilder& b = *b_;
    // Few sums are kept in several copies, one per unrolled pixel in turn: 8 chains hide the latency of multiply-adds.
    int64_t copies = std::clamp<int64_t>(ceilDiv(8, int64_t(pass.size())), 1, kPixels);
    SmallVector<Value> carried;
    for (const Sum& sum : pass)
      carried.push_back(b.loadLanes(rowSums, b.f32(), b.index(elementOf(sum))));
    carried.append((copies - 1) * pass.size(), zero());
    auto rows = b.loop(fromRow, toRow, 1, carried, [&](Value oy, ValueRange args) {
      SmallVector<Value> sums(args);
      Value iy = b.add(b.mul(oy, b.index(problem_.strides[0])), offset);
      Value xRow = b.elementPointer(x, b.f32(), b.mul(iy, b.index(problem_.image[1] * channels_)));
      Value dyRow = b.elementPointer(dy, b.f32(), b.mul(oy, b.index(problem_.output[1] * channels_)));
      auto side = [&](int64_t from, int64_t to) {
        for (auto [i, sum] : llvm::enumerate(pass)) {
          int64_t first = from, last = to; // positions of this tap that read
          while (first < last && !column_.reads(first, sum.tap))
            ++first;
          while (last > first && !column_.reads(last - 1, sum.tap))
            --last;
          if (first < last) sums[i] = addPixels(sums[i], sum, xRow, dyRow, first, last, mask);
        }
      };
      side(0, insideFrom_);
      int64_t unrolled = insideFrom_ + (insideTo_ - insideFrom_) / kPixels * kPixels;
      addInside(sums, pass, copies, xRow, dyRow, insideFrom_, unrolled, kPixels, mask);
      addInside(sums, pass, copies, xRow, dyRow, unrolled, insideTo_, 1, mask);
      side(insideTo_, column_.count);
      return sums;
    });
    for (auto [i, sum] : llvm::enumerate(pass)) {
      Value total = rows.getResult(i);
      for (int64_t copy = 1; copy < copies; ++copy)
        total = b.add(total, rows.getResult(copy * pass.size() + i));
      b.store(total, rowSums, b.index(elementOf(sum)));
    }
  }

  /// One tap over the positions [from, to).
  Value addPixels(Value start, const Sum& sum, Value xRow, Value dyRow, int64_t from, int64_t to,
                  Value mask) {
    VectorBuilder& b = *b_;
    return b
        .loop(b.index(from), b.index(to), 1, start,
              [&](Value t, ValueRange args) {
                Value place = b.add(b.mul(t, b.index(column_.sourceStride)),
                                    b.index(column_.first + sum.tap * column_.step));
                Value source = b.loadLanes(xRow, b.f32(), b.mul(place, b.index(channels_)), mask);
                Value gradient = b.loadLanes(dyRow, b.f32(), b.mul(t, b.index(channels_)), mask);
                return SmallVector<Value>{
                    b.fma(broadcastInGroups(b, source, width_, sum.channel), gradient, args[0])};
              })
        .getResult(0);
  }

  /// All taps of the pass over the positions [from, to), `pixels` at a time.
  void addInside(SmallVector<Value>& sums, llvm::ArrayRef<Sum> pass, int64_t copies, Value xRow, Value dyRow,
                 int64_t from, int64_t to, int64_t pixels, Value mask) {
    if (from >= to) return;
    VectorBuilder& b = *b_;
    auto loop = b.loop(b.index(from), b.index(to), pixels, sums, [&](Value t, ValueRange args) {
      SmallVector<Value> next(args);
      Value source = b.elementPointer(xRow, b.f32(), b.mul(sourceStart(b, column_, t), b.index(channels_)));
      Value gradient = b.elementPointer(dyRow, b.f32(), b.mul(t, b.index(channels_)));
      SmallVector<Value> gradients;
      for (int64_t i = 0; i < pixels; ++i)
        gradients.push_back(b.loadLanes(gradient, b.f32(), b.index(i * channels_), mask));
      std::map<std::pair<int64_t, int64_t>, Value> loaded; // (place, channel of the group)
      for (int64_t i = 0; i < pixels; ++i)
        for (auto [s, sum] : llvm::enumerate(pass)) {
          int64_t place = i * column_.sourceStride + sum.tap * column_.step;
          Value& whole = loaded[{place, -1}];
          if (!whole) whole = b.loadLanes(source, b.f32(), b.index(place * channels_), mask);
          Value& one = loaded[{place, sum.channel}];
          if (!one) one = broadcastInGroups(b, whole, width_, sum.channel);
          Value& total = next[(i % copies) * pass.size() + s];
          total = b.fma(one, gradients[i], total);
        }
      return next;
    });
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  }

  Value zero() { return b_->constant(b_->lanesOf(b_->f32()), 0); }

  // --- combine

  /// Unit p adds the partial sums of one vector of channels, block after block, and writes them as OIHW.
  mlir::LogicalResult emitCombine() {
    KernelFrame frame(context_.module, context_.combineSymbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Value partials = frame.buffer(firstExtraSlot(context_.kernel));
    Value result = frame.buffer(resultSlot(context_.kernel, 0));
    Value units = divideUp(b, frame.size(0), kImagesPerBlock);
    int64_t taps = problem_.taps(), kernelWidth = problem_.kernel[1];
    auto vector = [&](Value block, int64_t active) {
      Value target = b.elementPointer(result, b.f32(), b.mul(block, b.index(lanes_ * width_ * taps)));
      Value sums = b.elementPointer(partials, b.f32(), b.mul(block, b.index(blockElements())));
      b.loop(b.index(0), b.index(problem_.kernel[0]), 1, {}, [&](Value ky, ValueRange) {
        b.loop(b.index(0), b.index(width_), 1, {}, [&](Value channel, ValueRange) {
          b.loop(b.index(0), b.index(kernelWidth), 1, {}, [&](Value kx, ValueRange) {
            Value inRow = b.add(b.mul(channel, b.index(kernelWidth)), kx);
            Value from = b.add(b.mul(ky, b.index(rowElements())), b.mul(inRow, b.index(lanes_)));
            Value zero = b.constant(b.lanesOf(b.f32()), 0);
            auto total = b.loop(b.index(0), units, 1, zero, [&](Value unit, ValueRange args) {
              Value at = b.add(from, b.mul(unit, b.index(blocks_ * blockElements())));
              return SmallVector<Value>{b.add(args[0], b.loadLanes(sums, b.f32(), at))};
            });
            Value place = b.add(b.mul(channel, b.index(taps)), b.add(b.mul(ky, b.index(kernelWidth)), kx));
            for (int64_t lane = 0; lane < active; ++lane) {
              Value element = mlir::vector::ExtractOp::create(b.builder(), b.loc(), total.getResult(0), lane);
              b.store(element, target, b.add(place, b.index(lane * width_ * taps)));
            }
            return none();
          });
          return none();
        });
        return none();
      });
    };
    int64_t full = channels_ / lanes_, rest = channels_ % lanes_;
    b.loop(frame.begin, frame.end, 1, {}, [&](Value block, ValueRange) {
      if (full > 0)
        b.ifThen(b.compare(mlir::arith::CmpIPredicate::slt, block, b.index(full)),
                 [&] { vector(block, lanes_); });
      if (rest > 0)
        b.ifThen(b.compare(mlir::arith::CmpIPredicate::eq, block, b.index(full)),
                 [&] { vector(block, rest); });
      return none();
    });
    frame.finish();
    return mlir::success();
  }

  KernelContext& context_;
  const ConvolutionOp& conv_;
  const ConvolutionProblem& problem_;
  int64_t lanes_, width_, channels_, blocks_;
  TapAxis column_;
  int64_t insideFrom_ = 0, insideTo_ = 0; ///< output columns whose taps all read
  SmallVector<SmallVector<Sum>> passes_;
  Value x_, dy_;
  VectorBuilder* b_ = nullptr;
};

} // namespace

mlir::LogicalResult emitGroupedWeightGradient(KernelContext& context, const ConvolutionOp& conv) {
  return GroupedWeightGradient(context, conv).emit();
}

} // namespace tailor::backend
