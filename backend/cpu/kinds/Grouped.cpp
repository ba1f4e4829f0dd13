// Forward and data gradient of narrow groups and of depthwise convolutions.
//
//   target[t, o] = sum over taps and channels i of o's group of source[t + tap, group(o) + i] * w[o, i, tap]
//
// A strip of neighbouring pixels of one vector of channels stays in registers over all taps. Each vector of the source
// is loaded once per tap row and serves every pixel of the strip that it is a tap of. Rows are outside, channels inside:
// an image is read in the order in which it lies in memory.

#include "backend/cpu/kinds/Grouped.h"
#include "backend/cpu/kinds/ConvolutionTaps.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;

bool isNarrowGrouped(const ConvolutionProblem& problem, int64_t lanes) {
  int64_t width = problem.groupChannels();
  return problem.groups > 1 && width == problem.groupOutputs() && 2 * width <= lanes && lanes % width == 0;
}

Value broadcastInGroups(VectorBuilder& b, Value vector, int64_t width, int64_t channel) {
  if (width == 1) return vector;
  SmallVector<int64_t> lanes;
  for (int64_t lane = 0; lane < b.lanes(); ++lane)
    lanes.push_back(lane / width * width + channel);
  return mlir::vector::ShuffleOp::create(b.builder(), b.loc(), vector, vector, lanes);
}

namespace {

class Grouped {
public:
  Grouped(KernelContext& context, const ConvolutionOp& conv)
      : context_(context), conv_(conv), problem_(conv.problem),
        forward_(problem_.product == ConvolutionProduct::forward), lanes_(context.target.lanes),
        width_(problem_.groupChannels()), channels_(problem_.channels), blocks_(ceilDiv(channels_, lanes_)),
        source_(forward_ ? conv.image() : conv.outputGrad()),
        sourceSize_(forward_ ? problem_.image : problem_.output) {
    for (int axis = 0; axis < 2; ++axis) {
      int64_t target = forward_ ? problem_.output[axis] : problem_.image[axis];
      if (forward_)
        axes_[axis].push_back(forwardTaps(sourceSize_[axis], target, problem_.kernel[axis],
                                          problem_.strides[axis], problem_.paddingLow[axis],
                                          problem_.dilation[axis]));
      else
        axes_[axis] =
            dataGradientTaps(sourceSize_[axis], target, problem_.kernel[axis], problem_.strides[axis],
                             problem_.paddingLow[axis], problem_.dilation[axis]);
    }
    int64_t longest = 1, most = 8;
    for (const TapAxis& column : axes_[1])
      if (column.taps > 0) longest = std::max(longest, column.count);
    // 8 sums hide the latency of multiply-adds; a strip is unrolled over taps and channels of the group, and beyond a few
    // hundred multiply-adds its code leaves the instruction cache.
    while (most > 1 && most * problem_.kernel[1] * width_ > 512)
      most /= 2;
    pixels_ = ceilDiv(longest, ceilDiv(longest, most));
  }

  mlir::LogicalResult emit() {
    KernelInfo& info = context_.info;
    info.rows = tensorTypeOf(source_).getDimSize(0);
    info.units = {1, 1};
    info.prepareSymbol = context_.prepareSymbol;
    info.prepareUnits = {blocks_, 0};
    uint64_t packedBytes = static_cast<uint64_t>(blocks_ * blockElements()) * sizeof(float);
    info.temporaries.push_back({"packed weights", {}, packedBytes});
    info.prepareBytes = packedBytes + static_cast<uint64_t>(problem_.weights()) * sizeof(float);
    if (!isInMemory(source_))
      info.scratchBytes = static_cast<uint64_t>(sourceSize_[0] * sourceSize_[1] * channels_) * sizeof(float);
    if (mlir::failed(emitLaunch())) return mlir::failure();
    return emitPrepare();
  }

private:
  static SmallVector<Value> none() { return {}; }
  /// Packed weights of one vector of channels: [pair of residues][tap row][tap column][channel of the group][lane].
  int64_t blockElements() const { return problem_.taps() * width_ * lanes_; }

  // --- launch

  mlir::LogicalResult emitLaunch() {
    KernelFrame frame(context_.module, context_.symbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    frame_ = &frame, b_ = &b, e_ = &e;
    bindOperands(e, frame, context_.kernel);
    packed_ = frame.buffer(firstExtraSlot(context_.kernel));
    Value scratch = isInMemory(source_) ? Value() : frame.buffer(firstExtraSlot(context_.kernel) + 1);
    e.loop(frame.begin, frame.end, 1, {}, [&](Value n, ValueRange) {
      Value image = imagePointer(e, frame, source_, n, scratch);
      Coord at = e.coord(n);
      int64_t firstTap = 0;
      for (const TapAxis& row : axes_[0])
        for (const TapAxis& column : axes_[1]) {
          emitPair(row, column, firstTap, image, at);
          firstTap += row.taps * column.taps;
        }
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  void emitPair(const TapAxis& row, const TapAxis& column, int64_t firstTap, Value image, const Coord& n) {
    VectorBuilder& b = *b_;
    e_->loop(b.index(0), b.index(row.count), 1, {}, [&](Value ty, ValueRange) {
      Coord y = e_->coord(targetPosition(b, row, ty));
      auto [fromRow, toRow] = tapRange(b, row, ty);
      Value source = b.elementPointer(image, b.f32(),
                                      b.mul(sourceStart(b, row, ty), b.index(sourceSize_[1] * channels_)));
      Rows rows{fromRow, toRow, source, row.step * sourceSize_[1] * channels_};
      auto block = [&](Value number, Value mask) {
        Coord channel = e_->laneCoord(b.mul(number, b.index(lanes_)), mask);
        Value weights = b.elementPointer(
            packed_, b.f32(),
            b.add(b.mul(number, b.index(blockElements())), b.index(firstTap * width_ * lanes_)));
        auto store = [&](Value tx, Value sum) {
          Coord x = e_->coord(targetPosition(b, column, tx));
          storeConvolution(*e_, *frame_, context_.kernel, conv_, {n, y, x, channel}, sum);
        };
        if (row.taps == 0 || column.taps == 0) { // the stride steps over these pixels
          e_->loop(b.index(0), b.index(column.count), 1, {}, [&](Value tx, ValueRange) {
            store(tx, b.constant(b.lanesOf(b.f32()), 0));
            return none();
          });
          return;
        }
        forEachTile(
            *e_, column, pixels_,
            [&](const TapTile& tile) {
              SmallVector<Value> sums = tileSums(rows, column, tile, weights, channel);
              for (unsigned i = 0; i < tile.pixels; ++i)
                store(b.add(tile.position, b.index(i)), sums[i]);
            },
            [&](Value tx) { store(tx, pixelSum(rows, column, tx, weights, channel)); });
      };
      int64_t full = channels_ / lanes_;
      if (full > 0)
        e_->loop(b.index(0), b.index(full), 1, {}, [&](Value number, ValueRange) {
          block(number, {});
          return none();
        });
      if (channels_ % lanes_ != 0) block(b.index(full), b.prefixMask(channels_ % lanes_));
      return none();
    });
  }

  /// The rows of the source that the taps of a target row read.
  struct Rows {
    Value from, to; ///< taps
    Value source;   ///< of tap row 0 and pixel 0 of the source; may lie outside of the image
    int64_t step;   ///< elements
  };

  Value weightAt(Value weights, int64_t tap, int64_t channel) {
    return b_->loadLanes(weights, b_->f32(), b_->index((tap * width_ + channel) * lanes_));
  }

  SmallVector<Value> tileSums(const Rows& rows, const TapAxis& column, const TapTile& tile, Value weights,
                              const Coord& channel) {
    VectorBuilder& b = *b_;
    // Pixels of the source, counted from tap 0 of pixel 0, and the (pixel, tap) they serve.
    std::map<int64_t, SmallVector<std::pair<unsigned, int64_t>>> uses;
    for (unsigned i = 0; i < tile.pixels; ++i)
      for (int64_t tap = 0; tap < column.taps; ++tap)
        if (tile.reads(column, i, tap))
          uses[int64_t(i) * column.sourceStride + tap * column.step].push_back({i, tap});
    Value start = b.add(b.mul(sourceStart(b, column, tile.position), b.index(channels_)), channel.index);
    SmallVector<Value> zeros(tile.pixels, b.constant(b.lanesOf(b.f32()), 0));
    auto loop = b.loop(rows.from, rows.to, 1, zeros, [&](Value tapRow, ValueRange carried) {
      SmallVector<Value> sums(carried);
      Value source = b.elementPointer(rows.source, b.f32(), b.add(start, b.mul(tapRow, b.index(rows.step))));
      Value rowWeights =
          b.elementPointer(weights, b.f32(), b.mul(tapRow, b.index(column.taps * width_ * lanes_)));
      for (int64_t c = 0; c < width_; ++c) {
        SmallVector<Value> tapWeights;
        for (int64_t tap = 0; tap < column.taps; ++tap)
          tapWeights.push_back(weightAt(rowWeights, tap, c));
        for (const auto& [place, users] : uses) {
          Value x = b.loadLanes(source, b.f32(), b.index(place * channels_), channel.mask);
          x = broadcastInGroups(b, x, width_, c);
          for (auto [pixel, tap] : users)
            sums[pixel] = b.fma(x, tapWeights[tap], sums[pixel]);
        }
      }
      return sums;
    });
    return SmallVector<Value>(loop.getResults());
  }

  /// One pixel with the bounds of its taps found at run time.
  Value pixelSum(const Rows& rows, const TapAxis& column, Value tx, Value weights, const Coord& channel) {
    VectorBuilder& b = *b_;
    std::pair<Value, Value> range = tapRange(b, column, tx);
    Value start = b.add(b.mul(sourceStart(b, column, tx), b.index(channels_)), channel.index);
    Value zero = b.constant(b.lanesOf(b.f32()), 0);
    auto loop = b.loop(rows.from, rows.to, 1, zero, [&](Value tapRow, ValueRange carried) {
      Value sum = carried[0];
      for (int64_t c = 0; c < width_; ++c)
        sum =
            b.loop(range.first, range.second, 1, sum, [&](Value tap, ValueRange carried) {
               Value at = b.add(start, b.add(b.mul(tapRow, b.index(rows.step)),
                                             b.mul(tap, b.index(column.step * channels_))));
               Value x = broadcastInGroups(b, b.loadLanes(rows.source, b.f32(), at, channel.mask), width_, c);
               Value place = b.add(b.mul(tapRow, b.index(column.taps)), tap);
               Value weight = b.loadLanes(weights, b.f32(),
                                          b.add(b.mul(place, b.index(width_ * lanes_)), b.index(c * lanes_)));
               return SmallVector<Value>{b.fma(x, weight, carried[0])};
             }).getResult(0);
      return SmallVector<Value>{sum};
    });
    return loop.getResult(0);
  }

  // --- prepare

  mlir::LogicalResult emitPrepare() {
    KernelFrame frame(context_.module, context_.prepareSymbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    bindOperands(e, frame, context_.kernel);
    Value packed = frame.buffer(firstExtraSlot(context_.kernel));
    Value lane = b.laneNumbers();
    Value inGroup = b.convert(b.bitAnd(lane, b.constant(lane.getType(), double(width_ - 1))), b.i64());
    Value groupStart = b.sub(b.convert(lane, b.i64()), inGroup);
    e.loop(frame.begin, frame.end, 1, {}, [&](Value block, ValueRange) {
      Value first = b.mul(block, b.index(lanes_));
      Value mask = channels_ % lanes_ ? b.prefixMask(b.sub(b.index(channels_), first)) : Value();
      Value target = b.elementPointer(packed, b.f32(), b.mul(block, b.index(blockElements())));
      int64_t firstTap = 0;
      for (const TapAxis& row : axes_[0])
        for (const TapAxis& column : axes_[1]) {
          e.loop(b.index(0), b.index(row.taps), 1, {}, [&](Value tapRow, ValueRange) {
            Coord ky = e.coord(kernelPosition(b, row, tapRow));
            e.loop(b.index(0), b.index(column.taps), 1, {}, [&](Value tap, ValueRange) {
              Coord kx = e.coord(kernelPosition(b, column, tap));
              Value place = b.add(b.add(b.mul(tapRow, b.index(column.taps)), tap), b.index(firstTap));
              for (int64_t c = 0; c < width_; ++c) {
                // OIHW: the lanes of the target are outputs forward and inputs of their group backward.
                Coords weight{e.laneCoord(first, mask), e.fixedCoord(c), ky, kx};
                if (!forward_) {
                  Value output = b.add(groupStart, b.splat(b.add(first, b.index(c))));
                  weight[0] = e.gatherCoord(output, e.level());
                  weight[0].mask = mask;
                  weight[1] = e.gatherCoord(inGroup, 0);
                }
                Value at = b.add(b.mul(place, b.index(width_ * lanes_)), b.index(c * lanes_));
                b.store(e.at(conv_.weight(), weight), target, at);
              }
              return none();
            });
            return none();
          });
          firstTap += row.taps * column.taps;
        }
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  KernelContext& context_;
  const ConvolutionOp& conv_;
  const ConvolutionProblem& problem_;
  bool forward_;
  int64_t lanes_, width_, channels_, blocks_, pixels_ = 1;
  Value source_, packed_;
  std::array<int64_t, 2> sourceSize_;
  SmallVector<TapAxis> axes_[2];
  KernelFrame* frame_ = nullptr;
  VectorBuilder* b_ = nullptr;
  Evaluator* e_ = nullptr;
};

} // namespace

mlir::LogicalResult emitGrouped(KernelContext& context, const ConvolutionOp& conv) {
  return Grouped(context, conv).emit();
}

} // namespace tailor::backend
