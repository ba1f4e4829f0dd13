#include "backend/cpu/kinds/WinogradWeightGradient.h"

#include "backend/cpu/kinds/WinogradPlan.h"
#include "backend/cpu/kinds/WinogradTiles.h"
#include "backend/cpu/vector/Prefetch.h"
#include "backend/cpu/vector/TransposeBlock.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

constexpr int64_t kTaps = 9, kLineElements = 64 / int64_t(sizeof(float));

SmallVector<Value> none() {
  return {};
}

/// Sizes of the blocks. A unit is `images` images times one slice of the outputs.
struct Plan {
  int64_t tileRows = 0, tileColumns = 0; ///< of an image
  int64_t images = 0;                    ///< of a unit
  int64_t slices = 0, sliceWidth = 0;    ///< of the outputs; whole register tiles
  int64_t blockRows = 0;                 ///< tile rows transformed together
  WinogradTile tile;                     ///< input channels x vectors of outputs
  int64_t paddedChannels = 0, lanes = 0;

  int64_t blockTiles() const { return blockRows * tileColumns; }
  int64_t sliceVectors() const { return sliceWidth / lanes; }
  /// One cache line more than they need, as in WinogradPlan.
  int64_t inputStride() const { return blockTiles() * paddedChannels + 16; }
  int64_t gradStride() const { return blockTiles() * sliceWidth + 16; }
  int64_t sumStride(int64_t channels) const { return channels * sliceWidth + 16; }
};

Plan planOf(const ConvolutionProblem& problem, const WinogradForm& form, const CpuTarget& target) {
  // Transforming the input again for each slice costs 4 % of the products of 128 outputs, 7 % of those of 64; the sums
  // of a slice should not fall out of the caches of a processor altogether.
  constexpr int64_t kSliceOutputs = 128, kNarrowSliceOutputs = 64;
  // Each unit pays one inverse transform of all its sums: 3 % of the products of 64 tiles.
  constexpr int64_t kUnitTiles = 64;
  // Each unit also writes its sums, which combine reads: together they are at most a quarter of the images that the
  // launch reads, in bytes of memory as in time. (512 channels to 512 at 28 x 28, 128 images: 100 MB and not 1.2 GB.)
  constexpr int64_t kImagesOverSums = 4;
  // Sums are read and written once per block, transformed tiles once at all: the block is as long as the sums need, even
  // if it leaves the second-level cache.
  constexpr int64_t kBlockTiles = 32;
  Plan plan;
  plan.lanes = target.lanes;
  plan.tileRows = ceilDiv(problem.output[0], form.outputs);
  plan.tileColumns = ceilDiv(problem.output[1], form.outputs);
  plan.paddedChannels = ceilDiv(problem.channels, plan.lanes) * plan.lanes;
  plan.tile = winogradTile(target, problem.outputs);
  int64_t imageElements = problem.image[0] * problem.image[1] * problem.channels +
                          problem.output[0] * problem.output[1] * problem.outputs;
  plan.images = std::max({int64_t(1), kUnitTiles / (plan.tileRows * plan.tileColumns),
                          ceilDiv(kImagesOverSums * problem.weights(), imageElements)});
  int64_t panel = plan.tile.vectors * plan.lanes;
  // A unit of more images than this is a whole batch for many who train networks so wide, and slices are all that threads
  // can share then: narrow ones (640 channels to 640 at 8 x 8, 16 images, two threads: 5 slices 435 GFLOP/s, 10 slices
  // 520). Larger batches pay the 3 % that transforms cost more.
  constexpr int64_t kWholeBatch = 32;
  plan.slices = std::max<int64_t>(1, problem.outputs /
                                         (plan.images > kWholeBatch ? kNarrowSliceOutputs : kSliceOutputs));
  plan.sliceWidth = ceilDiv(ceilDiv(problem.outputs, plan.slices), panel) * panel;
  plan.slices = ceilDiv(problem.outputs, plan.sliceWidth);
  plan.blockRows = std::min(ceilDiv(kBlockTiles, plan.tileColumns), plan.images * plan.tileRows);
  return plan;
}

class WeightGradient {
public:
  WeightGradient(KernelContext& context, const ConvolutionOp& conv, const WinogradForm& form)
      : context_(context), conv_(conv), problem_(conv.problem), form_(form),
        plan_(planOf(conv.problem, form, context.target)) {}

  mlir::LogicalResult emit() {
    if (mlir::failed(endsItsKernel(context_.kernel, conv_))) return mlir::failure();
    KernelInfo& info = context_.info;
    info.rows = tensorTypeOf(conv_.image()).getDimSize(0);
    info.units = {plan_.slices, plan_.images};
    info.temporaries.push_back({"partial sums", info.units, partialElements() * sizeof(float)});
    info.combineSymbol = context_.combineSymbol;
    info.combineUnits = {ceilDiv(problem_.outputs, plan_.lanes), 0};
    inputBuffer_ = inputTiles().bufferElements(plan_.lanes);
    gradBuffer_ = gradTiles({}, {}).bufferElements(plan_.lanes);
    inputs_ = form_.points() * plan_.inputStride();
    grads_ = form_.points() * plan_.gradStride();
    int64_t sums = form_.points() * plan_.sumStride(problem_.channels);
    int64_t combined = plan_.lanes * plan_.lanes;
    info.scratchBytes =
        std::max(inputBuffer_ + gradBuffer_ + inputs_ + grads_ + sums, combined) * sizeof(float);
    if (mlir::failed(emitLaunch())) return mlir::failure();
    return emitCombine();
  }

private:
  /// [vector of the slice, channel, tap, lane]
  uint64_t partialElements() const { return plan_.sliceWidth * problem_.channels * kTaps; }

  WinogradTiles inputTiles() const {
    WinogradTiles tiles;
    tiles.tensor = conv_.image();
    tiles.height = problem_.image[0];
    tiles.width = problem_.image[1];
    tiles.channels = {problem_.channels};
    tiles.top = problem_.paddingLow[0];
    tiles.left = problem_.paddingLow[1];
    tiles.tileRows = plan_.tileRows;
    tiles.tileColumns = plan_.tileColumns;
    tiles.step = form_.step;
    tiles.transform = form_.input;
    tiles.asksAhead = !prefetchesBlocks();
    return tiles;
  }

  WinogradTiles gradTiles(Value from, Value to) const {
    WinogradTiles tiles;
    tiles.tensor = conv_.outputGrad();
    tiles.height = problem_.output[0];
    tiles.width = problem_.output[1];
    tiles.channels = {problem_.outputs, from, to};
    tiles.tileRows = plan_.tileRows;
    tiles.tileColumns = plan_.tileColumns;
    tiles.step = form_.outputs;
    tiles.transform = form_.outputGrad;
    tiles.asksAhead = !prefetchesBlocks();
    return tiles;
  }

  /// True if the next block of tile rows is asked for while the products of this one are computed, which need no memory:
  /// where all outputs are one slice, and a block stays in the second-level cache beside the planes.
  bool prefetchesBlocks() const {
    constexpr int64_t kMostBytes = 256 << 10;
    int64_t bytes = 0;
    for (Value argument : context_.kernel.getBlock().getArguments())
      if (mlir::RankedTensorType type = tensorTypeOf(argument); type.getRank() == 4) {
        int64_t rows =
            plan_.blockRows * (type.getDimSize(1) == problem_.image[0] ? form_.step : form_.outputs);
        bytes += rows * type.getDimSize(2) * type.getDimSize(3) * int64_t(sizeof(float));
      }
    return plan_.slices == 1 && bytes <= kMostBytes;
  }

  // --- launch

  mlir::LogicalResult emitLaunch() {
    KernelFrame frame(context_.module, context_.symbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    bindOperands(e, frame, context_.kernel);
    int64_t slot = firstExtraSlot(context_.kernel);
    Value partials = frame.buffer(slot), inputBuffer = frame.buffer(slot + 1);
    auto behind = [&](Value base, int64_t elements) {
      return b.elementPointer(base, b.f32(), b.index(elements));
    };
    Value gradBuffer = behind(inputBuffer, inputBuffer_), inputs = behind(gradBuffer, gradBuffer_);
    Value grads = behind(inputs, inputs_), sums = behind(grads, grads_);
    Value images = frame.size(0);
    WinogradTiles input = inputTiles();
    clearTileBuffer(b, input, inputBuffer);
    clearTileBuffer(b, gradTiles({}, {}), gradBuffer);
    e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
      Value block = divideDown(b, unit, plan_.slices);
      Value slice = b.sub(unit, b.mul(block, b.index(plan_.slices)));
      Value from, to;
      if (plan_.slices > 1) {
        from = b.mul(slice, b.index(plan_.sliceWidth));
        to = b.min(b.add(from, b.index(plan_.sliceWidth)), b.index(problem_.outputs));
      }
      WinogradTiles grad = gradTiles(from, to);
      Value outputs = to ? b.sub(to, from) : b.index(problem_.outputs);
      Value firstImage = b.mul(block, b.index(plan_.images));
      Value lastImage = b.min(b.add(firstImage, b.index(plan_.images)), images);
      Value first = b.mul(firstImage, b.index(plan_.tileRows)),
            last = b.mul(lastImage, b.index(plan_.tileRows));
      e.loop(first, last, plan_.blockRows, {}, [&](Value row, ValueRange) {
        Value rows = b.min(b.sub(last, row), b.index(plan_.blockRows));
        e.loop(b.index(0), rows, 1, {}, [&](Value r, ValueRange) {
          Value at = b.add(row, r), image = divideDown(b, at, plan_.tileRows);
          Value tileRow = b.sub(at, b.mul(image, b.index(plan_.tileRows)));
          Value tile = b.mul(r, b.index(plan_.tileColumns));
          auto planeAt = [&](Value base, int64_t stride) {
            return b.elementPointer(base, b.f32(), b.mul(tile, b.index(stride)));
          };
          emitTileRow(b, e, input, image, tileRow, inputBuffer,
                      {planeAt(inputs, plan_.paddedChannels), plan_.inputStride(), plan_.paddedChannels});
          emitTileRow(b, e, grad, image, tileRow, gradBuffer,
                      {planeAt(grads, plan_.sliceWidth), plan_.gradStride(), plan_.sliceWidth});
          return none();
        });
        Value tiles = b.mul(rows, b.index(plan_.tileColumns));
        addProducts(b, inputs, grads, sums, tiles, outputs, b.compare(CmpIPredicate::eq, row, first),
                    [&](Value point) {
                      if (!prefetchesBlocks()) return;
                      Value next = b.add(row, b.index(plan_.blockRows));
                      Value image = divideDown(b, next, plan_.tileRows);
                      Value tileRow = b.sub(next, b.mul(image, b.index(plan_.tileRows)));
                      for (const WinogradTiles* tiles : {&input, &grad})
                        prefetchTileRows(b, e, *tiles, image, tileRow, plan_.blockRows, point,
                                         form_.points());
                    });
        return none();
      });
      Value partial = b.elementPointer(partials, b.f32(), b.mul(unit, b.index(int64_t(partialElements()))));
      emitInverse(b, sums, partial, outputs);
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  /// sums[point] (+)= inputs[point]^T grads[point] over `tiles` tiles; the first time there is nothing to add to.
  /// `beside(point)` is emitted before the products of each point.
  void addProducts(VectorBuilder& b, Value inputs, Value grads, Value sums, Value tiles, Value outputs,
                   Value isFirst, llvm::function_ref<void(Value)> beside) {
    int64_t lanes = plan_.lanes, width = plan_.tile.vectors * lanes;
    // Every panel is whole: the lanes behind the outputs hold anything and are never read.
    Value panels = divideDown(b, b.add(outputs, b.index(width - 1)), width);
    b.loop(b.index(0), b.index(form_.points()), 1, {}, [&](Value point, ValueRange) {
      beside(point);
      Value v = at(b, inputs, b.mul(point, b.index(plan_.inputStride())));
      Value g = at(b, grads, b.mul(point, b.index(plan_.gradStride())));
      Value s = at(b, sums, b.mul(point, b.index(plan_.sumStride(problem_.channels))));
      b.loop(b.index(0), panels, 1, {}, [&](Value panel, ValueRange) {
        Value column = b.mul(panel, b.index(width));
        Value from = at(b, g, column), to = at(b, s, column);
        int64_t channel = 0;
        for (unsigned rows = plan_.tile.rows; rows > 0; rows = nextTileRows(rows)) {
          int64_t end = channel + (problem_.channels - channel) / rows * rows;
          if (channel < end)
            b.loop(b.index(channel), b.index(end), rows, {}, [&](Value first, ValueRange) {
              addTile(b, at(b, v, first), from, at(b, to, b.mul(first, b.index(plan_.sliceWidth))), tiles,
                      rows, isFirst);
              return none();
            });
          channel = end;
        }
        return none();
      });
      return none();
    });
  }

  /// An outer product of `rows` channels and a panel of outputs, over all tiles.
  void addTile(VectorBuilder& b, Value v, Value g, Value to, Value tiles, unsigned rows, Value isFirst) {
    unsigned vectors = plan_.tile.vectors;
    if (asksForSums())
      for (unsigned row = 0; row < rows; ++row)
        for (unsigned vector = 0; vector < vectors;
             vector += std::max<int64_t>(1, kLineElements / plan_.lanes))
          prefetchForWrite(b, at(b, to, b.index(row * plan_.sliceWidth + vector * plan_.lanes)));
    SmallVector<Value> carried(rows * vectors, b.constant(b.lanesOf(b.f32()), 0));
    carried.push_back(v);
    carried.push_back(g);
    auto loop = b.loop(b.index(0), tiles, 1, carried, [&](Value, ValueRange args) {
      Value v = args[rows * vectors], g = args[rows * vectors + 1];
      SmallVector<Value> columns, next;
      for (unsigned j = 0; j < vectors; ++j)
        columns.push_back(b.loadLanes(g, b.f32(), b.index(j * plan_.lanes)));
      for (unsigned i = 0; i < rows; ++i) {
        Value broadcast = b.splat(b.load(v, b.f32(), b.index(i)));
        for (unsigned j = 0; j < vectors; ++j)
          next.push_back(b.fma(broadcast, columns[j], args[i * vectors + j]));
      }
      next.push_back(at(b, v, b.index(plan_.paddedChannels)));
      next.push_back(at(b, g, b.index(plan_.sliceWidth)));
      return next;
    });
    storeTile(b, loop.getResults().drop_back(2), to, vectors, plan_.sliceWidth, isFirst);
  }

  /// True if sums are asked for before the products that are added to them: where they do not stay in the second-level
  /// cache, nothing else hides the way to them (160 channels to 320 and more: 240 GFLOP/s on one thread, then 350).
  bool asksForSums() const {
    int64_t bytes = form_.points() * plan_.sumStride(problem_.channels) * int64_t(sizeof(float));
    return bytes > winogradCacheBytes(context_.target);
  }

  Value at(VectorBuilder& b, Value base, Value elements) { return b.elementPointer(base, b.f32(), elements); }

  /// partial = G^T sums G for every channel and vector of outputs.
  void emitInverse(VectorBuilder& b, Value sums, Value partial, Value outputs) {
    Value vectors = divideDown(b, b.add(outputs, b.index(plan_.lanes - 1)), plan_.lanes);
    b.loop(b.index(0), vectors, 1, {}, [&](Value vector, ValueRange) {
      Value from = at(b, sums, b.mul(vector, b.index(plan_.lanes)));
      Value to = at(b, partial, b.mul(vector, b.index(problem_.channels * kTaps * plan_.lanes)));
      b.loop(b.index(0), b.index(problem_.channels), 1, {}, [&](Value channel, ValueRange) {
        Value source = at(b, from, b.mul(channel, b.index(plan_.sliceWidth)));
        Value target = at(b, to, b.mul(channel, b.index(kTaps * plan_.lanes)));
        SmallVector<Value> taps = form_.weightGrad.applyTwice(b, [&](int64_t i, int64_t j) {
          return b.loadLanes(source, b.f32(),
                             b.index((i * form_.pointsOfDim() + j) * plan_.sumStride(problem_.channels)));
        });
        for (auto [tap, value] : llvm::enumerate(taps))
          b.store(value, target, b.index(int64_t(tap) * plan_.lanes));
        return none();
      });
      return none();
    });
  }

  // --- combine

  /// Unit: one vector of outputs. Adds the partial sums of all blocks of images in order, then turns [channel, tap,
  /// output] into [output, channel, tap].
  mlir::LogicalResult emitCombine() {
    KernelFrame frame(context_.module, context_.combineSymbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    int64_t slot = firstExtraSlot(context_.kernel), lanes = plan_.lanes;
    Value partials = frame.buffer(slot), scratch = frame.buffer(slot + 1);
    Value result = frame.buffer(resultSlot(context_.kernel, 0));
    Value blocks = divideDown(b, b.add(frame.size(0), b.index(plan_.images - 1)), plan_.images);
    int64_t positions = problem_.channels * kTaps;
    b.loop(frame.begin, frame.end, 1, {}, [&](Value vector, ValueRange) {
      Value slice = divideDown(b, vector, plan_.sliceVectors());
      Value inSlice = b.sub(vector, b.mul(slice, b.index(plan_.sliceVectors())));
      Value source = at(b, partials,
                        b.add(b.mul(slice, b.index(int64_t(partialElements()))),
                              b.mul(inSlice, b.index(positions * lanes))));
      Value target = at(b, result, b.mul(vector, b.index(lanes * positions)));
      auto piece = [&](Value first, int64_t rows, int64_t outputs) {
        addBlocks(b, at(b, source, b.mul(first, b.index(lanes))), scratch, blocks, rows);
        transposeBlock(b, {scratch, at(b, target, first), lanes, positions}, b.index(0), rows, outputs,
                       /*keepsRest=*/true);
      };
      auto all = [&](int64_t outputs) {
        int64_t full = positions / lanes * lanes;
        if (full > 0)
          b.loop(b.index(0), b.index(full), lanes, {}, [&](Value first, ValueRange) {
            piece(first, lanes, outputs);
            return none();
          });
        if (full < positions) piece(b.index(full), positions - full, outputs);
      };
      int64_t full = problem_.outputs / lanes, rest = problem_.outputs % lanes;
      if (rest == 0) {
        all(lanes);
      } else {
        if (full > 0) b.ifThen(b.compare(CmpIPredicate::slt, vector, b.index(full)), [&] { all(lanes); });
        b.ifThen(b.compare(CmpIPredicate::eq, vector, b.index(full)), [&] { all(rest); });
      }
      return none();
    });
    frame.finish();
    return mlir::success();
  }

  /// `rows` vectors of the partial sums of all blocks, added in order.
  void addBlocks(VectorBuilder& b, Value source, Value scratch, Value blocks, int64_t rows) {
    auto vectorAt = [&](Value base, int64_t row) {
      return b.loadLanes(base, b.f32(), b.index(row * plan_.lanes));
    };
    SmallVector<Value> carried;
    for (int64_t row = 0; row < rows; ++row)
      carried.push_back(vectorAt(source, row));
    auto loop = b.loop(b.index(1), blocks, 1, carried, [&](Value block, ValueRange sums) {
      Value from = at(b, source, b.mul(block, b.index(plan_.slices * int64_t(partialElements()))));
      SmallVector<Value> next;
      for (int64_t row = 0; row < rows; ++row)
        next.push_back(b.add(sums[row], vectorAt(from, row)));
      return next;
    });
    for (int64_t row = 0; row < rows; ++row)
      b.store(loop.getResult(row), scratch, b.index(row * plan_.lanes));
  }

  KernelContext& context_;
  const ConvolutionOp& conv_;
  const ConvolutionProblem& problem_;
  const WinogradForm& form_;
  Plan plan_;
  int64_t inputBuffer_ = 0, gradBuffer_ = 0, inputs_ = 0, grads_ = 0;
};

} // namespace

mlir::LogicalResult emitWinogradWeightGradient(KernelContext& context, const ConvolutionOp& conv,
                                               const WinogradForm& form) {
  return WeightGradient(context, conv, form).emit();
}

} // namespace tailor::backend
