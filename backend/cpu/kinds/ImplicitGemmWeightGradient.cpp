// Weight gradient of any convolution as outer products of pixels.
//
//   dw[o, c, tap] = sum over images, output pixels t of x[t + tap, c] * dy[t, o]
//
// A register tile of T input channels (scalar broadcasts) x V vectors of output channels stays in registers over a block
// of rows of dy that the innermost cache keeps while all taps and channels pass over it. A unit is a fixed block of
// images and a slice of the output channels; it adds up from zero into a partial sum [panel][tap][c][V vectors] of its
// own. `combine` adds the blocks in order and writes OIHW. Blocks are fixed by the problem, so no bit depends on chunks
// or threads.

#include "backend/cpu/kinds/Convolution.h"
#include "backend/cpu/kinds/ConvolutionTaps.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

struct WeightGradientPlan {
  unsigned tileChannels = 8, vectors = 2; ///< of the register tile
  int64_t panels = 1;                     ///< of `vectors` vectors, per group
  int64_t slices = 1, panelsPerSlice = 1; ///< of all groups' panels
  int64_t imagesPerBlock = 1;
  int64_t rowsPerPass = 1; ///< of dy
};

WeightGradientPlan planWeightGradient(const ConvolutionProblem& p, const CpuTarget& target) {
  WeightGradientPlan plan;
  bool wide = target.registers >= 32;
  int64_t vectors = std::max<int64_t>(1, ceilDiv(p.groupOutputs(), target.lanes));
  plan.vectors = static_cast<unsigned>(std::min<int64_t>(vectors, 2));
  plan.panels = ceilDiv(vectors, plan.vectors);

  // 16 accumulators of 32 registers, or up to 12 of 16; a smaller tile that leaves no remainder is better than a larger
  // one that does.
  int64_t most = plan.vectors == 1 ? (wide ? 16 : 8) : (wide ? 8 : 6), channels = p.groupChannels();
  plan.tileChannels = static_cast<unsigned>(std::max<int64_t>(1, std::min(most, channels)));
  for (int64_t tile = plan.tileChannels; tile * 3 > 2 * most; --tile)
    if (channels % tile == 0) {
      plan.tileChannels = static_cast<unsigned>(tile);
      break;
    }

  // About 128 pixels: the vectors of dy that a panel reads stay in a first-level cache of 32 KB, and loading and storing
  // the sums costs an eighth of a tile's multiply-adds at most.
  constexpr int64_t kPixels = 128;
  plan.rowsPerPass = std::clamp<int64_t>(ceilDiv(kPixels, p.output[1]), 1, p.output[0]);

  // Partial sums cost their size per block and are read once more by combine. Small ones are many, for balance between
  // threads; large ones are few, and their units are slices of the outputs instead.
  int64_t bytes = p.weights() * int64_t(sizeof(float)), allPanels = p.groups * plan.panels;
  constexpr int64_t kSmall = 256 << 10, kMiddle = 2 << 20;
  plan.imagesPerBlock = bytes <= kSmall ? 4 : bytes <= kMiddle ? 16 : 64;
  int64_t slices = bytes <= kSmall ? 1 : bytes <= kMiddle ? 4 : 16;
  plan.panelsPerSlice = ceilDiv(allPanels, std::min(slices, allPanels));
  plan.slices = ceilDiv(allPanels, plan.panelsPerSlice);
  return plan;
}

class WeightGradient {
public:
  WeightGradient(KernelContext& context, const ConvolutionOp& conv)
      : context_(context), conv_(conv), problem_(conv.problem),
        plan_(planWeightGradient(conv.problem, context.target)), lanes_(context.target.lanes) {
    // A 1 x 1 convolution knows no rows: short ones are joined. What is computed in the loads is by then in a panel of
    // the image, so only places in memory count.
    if (problem_.taps() == 1 && problem_.image == problem_.output &&
        problem_.strides == std::array<int64_t, 2>{1, 1} && problem_.paddingLow == std::array<int64_t, 2>{}) {
      int64_t joined = plan_.rowsPerPass;
      while (problem_.image[0] % joined != 0)
        --joined;
      problem_.image = problem_.output = {problem_.image[0] / joined, problem_.image[1] * joined};
      plan_.rowsPerPass = 1;
    }
  }

  mlir::LogicalResult emit() {
    if (mlir::failed(endsItsKernel(context_.kernel, conv_))) return mlir::failure();
    KernelInfo& info = context_.info;
    info.rows = tensorTypeOf(conv_.image()).getDimSize(0);
    info.units = {plan_.slices, plan_.imagesPerBlock};
    info.temporaries.push_back(
        {"partial sums", info.units, static_cast<uint64_t>(unitElements()) * sizeof(float)});
    info.combineSymbol = context_.combineSymbol;
    info.combineUnits = {problem_.groups * plan_.panels, 0};
    info.scratchBytes = panelBytes(conv_);
    if (mlir::failed(emitLaunch())) return mlir::failure();
    return emitCombine();
  }

private:
  int64_t width() const { return int64_t(plan_.vectors) * lanes_; }
  int64_t panelElements() const { return problem_.taps() * problem_.groupChannels() * width(); }
  int64_t unitElements() const { return plan_.panelsPerSlice * panelElements(); }

  // --- launch

  mlir::LogicalResult emitLaunch() {
    KernelFrame frame(context_.module, context_.symbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    b_ = &b, e_ = &e;
    bindOperands(e, frame, context_.kernel);
    Value partials = frame.buffer(firstExtraSlot(context_.kernel));
    Value scratch = context_.info.scratchBytes ? frame.buffer(firstExtraSlot(context_.kernel) + 1) : Value();
    Value images = frame.size(0);
    e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
      Value block = divideDown(b, unit, plan_.slices);
      Value slice = b.sub(unit, b.mul(block, b.index(plan_.slices)));
      Value sums = b.elementPointer(partials, b.f32(), b.mul(unit, b.index(unitElements())));
      b.loop(b.index(0), b.index(unitElements()), lanes_, {}, [&](Value at, ValueRange) {
        b.store(b.constant(b.lanesOf(b.f32()), 0), sums, at);
        return none();
      });
      Value from = b.mul(block, b.index(plan_.imagesPerBlock));
      Value to = b.min(b.add(from, b.index(plan_.imagesPerBlock)), images);
      Value firstPanel = b.mul(slice, b.index(plan_.panelsPerSlice));
      Value endPanel =
          b.min(b.add(firstPanel, b.index(plan_.panelsPerSlice)), b.index(problem_.groups * plan_.panels));
      e.loop(from, to, 1, {}, [&](Value n, ValueRange) {
        Value behind = scratch;
        if (scratch && !isInMemory(conv_.image()))
          behind = b.elementPointer(scratch, b.f32(), b.index(imageElements(conv_.image())));
        Value x = imagePointer(e, frame, conv_.image(), n, scratch);
        Value dy = imagePointer(e, frame, conv_.outputGrad(), n, behind);
        emitImage(x, dy, sums, firstPanel, endPanel);
        return none();
      });
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  /// Adds the products of one image to the sums of the panels [firstPanel, endPanel).
  void emitImage(Value x, Value dy, Value sums, Value firstPanel, Value endPanel) {
    VectorBuilder& b = *b_;
    int64_t rows = problem_.output[0];
    b.loop(b.index(0), b.index(rows), plan_.rowsPerPass, {}, [&](Value firstRow, ValueRange) {
      Value endRow = b.min(b.add(firstRow, b.index(plan_.rowsPerPass)), b.index(rows));
      b.loop(firstPanel, endPanel, 1, {}, [&](Value panel, ValueRange) {
        Value group = divideDown(b, panel, plan_.panels);
        Value inGroup = b.sub(panel, b.mul(group, b.index(plan_.panels)));
        Value output =
            b.add(b.mul(group, b.index(problem_.groupOutputs())), b.mul(inGroup, b.index(width())));
        Value panelSums =
            b.elementPointer(sums, b.f32(), b.mul(b.sub(panel, firstPanel), b.index(panelElements())));
        Value xGroup = b.elementPointer(x, b.f32(), b.mul(group, b.index(problem_.groupChannels())));
        Value dyPanel = b.elementPointer(dy, b.f32(), output);
        int64_t full = problem_.groupOutputs() / width(), rest = problem_.groupOutputs() % width();
        auto taps = [&](unsigned vectors, int64_t lastLanes) {
          emitTaps(xGroup, dyPanel, panelSums, firstRow, endRow, vectors, lastLanes);
        };
        auto last = [&] { taps(unsigned(ceilDiv(rest, lanes_)), rest % lanes_ ? rest % lanes_ : lanes_); };
        if (rest == 0) {
          taps(plan_.vectors, lanes_);
        } else if (full == 0) {
          last();
        } else {
          b.ifThen(b.compare(CmpIPredicate::slt, inGroup, b.index(full)),
                   [&] { taps(plan_.vectors, lanes_); });
          b.ifThen(b.compare(CmpIPredicate::eq, inGroup, b.index(full)), last);
        }
        return none();
      });
      return none();
    });
  }

  void emitTaps(Value x, Value dy, Value sums, Value firstRow, Value endRow, unsigned vectors,
                int64_t lastLanes) {
    VectorBuilder& b = *b_;
    b.loop(b.index(0), b.index(problem_.kernel[0]), 1, {}, [&](Value ky, ValueRange) {
      auto [row0, row1] = outputRange(0, ky);
      Value fromRow = b.max(firstRow, row0), toRow = b.min(endRow, row1);
      b.loop(b.index(0), b.index(problem_.kernel[1]), 1, {}, [&](Value kx, ValueRange) {
        auto [fromColumn, toColumn] = outputRange(1, kx);
        Value tap = b.add(b.mul(ky, b.index(problem_.kernel[1])), kx);
        Value tapSums =
            b.elementPointer(sums, b.f32(), b.mul(tap, b.index(problem_.groupChannels() * width())));
        Reach reach{fromRow, toRow, fromColumn, toColumn, sourceOffset(0, ky), sourceOffset(1, kx)};
        int64_t full = problem_.groupChannels() / plan_.tileChannels * plan_.tileChannels;
        auto tile = [&](Value channel, unsigned channels) {
          emitTile(b.elementPointer(x, b.f32(), channel), dy,
                   b.elementPointer(tapSums, b.f32(), b.mul(channel, b.index(width()))), reach, channels,
                   vectors, lastLanes);
        };
        if (full > 0)
          b.loop(b.index(0), b.index(full), plan_.tileChannels, {}, [&](Value channel, ValueRange) {
            tile(channel, plan_.tileChannels);
            return none();
          });
        if (full < problem_.groupChannels())
          tile(b.index(full), static_cast<unsigned>(problem_.groupChannels() - full));
        return none();
      });
      return none();
    });
  }

  /// The output pixels whose tap lies in the image, and where it lies: pixel (oy, ox) reads
  /// (oy * stride + rowOffset, ox * stride + columnOffset).
  struct Reach {
    Value fromRow, toRow, fromColumn, toColumn, rowOffset, columnOffset;
  };

  Value sourceOffset(int axis, Value tap) {
    return b_->sub(b_->mul(tap, b_->index(problem_.dilation[axis])), b_->index(problem_.paddingLow[axis]));
  }

  /// The positions of the output along `axis` whose tap lies in the image.
  std::pair<Value, Value> outputRange(int axis, Value tap) {
    VectorBuilder& b = *b_;
    Value zero = b.index(0), outputs = b.index(problem_.output[axis]), offset = sourceOffset(axis, tap);
    int64_t stride = problem_.strides[axis];
    Value from = divideUp(b, b.max(b.sub(zero, offset), zero), stride);
    Value to = divideUp(b, b.max(b.sub(b.index(problem_.image[axis]), offset), zero), stride);
    return {from, b.min(to, outputs)};
  }

  /// sums[c, v] += x[pixel, c] * dy[pixel, v] over the pixels in reach.
  void emitTile(Value x, Value dy, Value sums, const Reach& reach, unsigned channels, unsigned vectors,
                int64_t lastLanes) {
    VectorBuilder& b = *b_;
    SmallVector<Value> carried;
    for (unsigned c = 0; c < channels; ++c)
      for (unsigned v = 0; v < vectors; ++v)
        carried.push_back(b.loadLanes(sums, b.f32(), b.index(int64_t(c) * width() + int64_t(v) * lanes_)));
    int64_t xPixel = problem_.channels * problem_.strides[1];
    Value mask = lastLanes < lanes_ ? b.prefixMask(lastLanes) : Value();
    auto rows = b.loop(reach.fromRow, reach.toRow, 1, carried, [&](Value oy, ValueRange carried) {
      Value iy = b.add(b.mul(oy, b.index(problem_.strides[0])), reach.rowOffset);
      Value ix = b.add(b.mul(reach.fromColumn, b.index(problem_.strides[1])), reach.columnOffset);
      Value xAt = b.mul(b.add(b.mul(iy, b.index(problem_.image[1])), ix), b.index(problem_.channels));
      Value dyAt =
          b.mul(b.add(b.mul(oy, b.index(problem_.output[1])), reach.fromColumn), b.index(problem_.outputs));
      SmallVector<Value> inner(carried);
      inner.push_back(b.elementPointer(x, b.f32(), xAt));
      inner.push_back(b.elementPointer(dy, b.f32(), dyAt));
      auto columns = b.loop(reach.fromColumn, reach.toColumn, 1, inner, [&](Value, ValueRange args) {
        Value xPlace = args[channels * vectors], dyPlace = args[channels * vectors + 1];
        SmallVector<Value> row, next;
        for (unsigned v = 0; v < vectors; ++v)
          row.push_back(
              b.loadLanes(dyPlace, b.f32(), b.index(int64_t(v) * lanes_), v + 1 == vectors ? mask : Value()));
        for (unsigned c = 0; c < channels; ++c) {
          Value broadcast = b.splat(b.load(xPlace, b.f32(), b.index(c)));
          for (unsigned v = 0; v < vectors; ++v)
            next.push_back(b.fma(broadcast, row[v], args[c * vectors + v]));
        }
        next.push_back(b.elementPointer(xPlace, b.f32(), b.index(xPixel)));
        next.push_back(b.elementPointer(dyPlace, b.f32(), b.index(problem_.outputs)));
        return next;
      });
      SmallVector<Value> next(columns.getResults());
      next.resize(channels * vectors);
      return next;
    });
    for (unsigned c = 0; c < channels; ++c)
      for (unsigned v = 0; v < vectors; ++v)
        b.store(rows.getResult(c * vectors + v), sums, b.index(int64_t(c) * width() + int64_t(v) * lanes_));
  }

  // --- combine

  /// Unit p adds the partial sums of panel p over the blocks, in order, and writes them as OIHW.
  mlir::LogicalResult emitCombine() {
    KernelFrame frame(context_.module, context_.combineSymbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Value partials = frame.buffer(firstExtraSlot(context_.kernel));
    Value result = frame.buffer(resultSlot(context_.kernel, 0));
    Value blocks = divideUp(b, frame.size(0), plan_.imagesPerBlock);
    int64_t full = problem_.groupOutputs() / width(), rest = problem_.groupOutputs() % width();
    int64_t taps = problem_.taps(), channels = problem_.groupChannels();
    b.loop(frame.begin, frame.end, 1, {}, [&](Value panel, ValueRange) {
      Value slice = divideDown(b, panel, plan_.panelsPerSlice);
      Value inSlice = b.sub(panel, b.mul(slice, b.index(plan_.panelsPerSlice)));
      Value group = divideDown(b, panel, plan_.panels);
      Value inGroup = b.sub(panel, b.mul(group, b.index(plan_.panels)));
      Value sums = b.elementPointer(
          partials, b.f32(),
          b.add(b.mul(slice, b.index(unitElements())), b.mul(inSlice, b.index(panelElements()))));
      Value output = b.add(b.mul(group, b.index(problem_.groupOutputs())), b.mul(inGroup, b.index(width())));
      Value target = b.elementPointer(result, b.f32(), b.mul(output, b.index(channels * taps)));
      auto copy = [&](int64_t outputs) {
        b.loop(b.index(0), b.index(channels), 1, {}, [&](Value c, ValueRange) {
          b.loop(b.index(0), b.index(taps), 1, {}, [&](Value tap, ValueRange) {
            Value from = b.mul(b.add(b.mul(tap, b.index(channels)), c), b.index(width()));
            int64_t vectors = ceilDiv(outputs, lanes_);
            SmallVector<Value> zeros(vectors, b.constant(b.lanesOf(b.f32()), 0));
            auto total = b.loop(b.index(0), blocks, 1, zeros, [&](Value block, ValueRange totals) {
              Value at = b.add(from, b.mul(block, b.index(plan_.slices * unitElements())));
              SmallVector<Value> next;
              for (int64_t v = 0; v < vectors; ++v)
                next.push_back(b.add(totals[v], b.loadLanes(sums, b.f32(), b.add(at, b.index(v * lanes_)))));
              return next;
            });
            Value place = b.add(b.mul(c, b.index(taps)), tap);
            for (int64_t o = 0; o < outputs; ++o) {
              Value element = mlir::vector::ExtractOp::create(b.builder(), b.loc(),
                                                              total.getResult(o / lanes_), o % lanes_);
              b.store(element, target, b.add(place, b.index(o * channels * taps)));
            }
            return none();
          });
          return none();
        });
      };
      if (rest == 0) {
        copy(width());
      } else if (full == 0) {
        copy(rest);
      } else {
        b.ifThen(b.compare(CmpIPredicate::slt, inGroup, b.index(full)), [&] { copy(width()); });
        b.ifThen(b.compare(CmpIPredicate::eq, inGroup, b.index(full)), [&] { copy(rest); });
      }
      return none();
    });
    frame.finish();
    return mlir::success();
  }

  static SmallVector<Value> none() { return {}; }

  KernelContext& context_;
  const ConvolutionOp& conv_;
  ConvolutionProblem problem_;
  WeightGradientPlan plan_;
  int64_t lanes_;
  VectorBuilder* b_ = nullptr;
  Evaluator* e_ = nullptr;
};

} // namespace

mlir::LogicalResult emitImplicitGemmWeightGradient(KernelContext& context, const ConvolutionOp& conv) {
  return WeightGradient(context, conv).emit();
}

} // namespace tailor::backend
