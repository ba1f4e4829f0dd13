// Optimizer ops: a thread for four elements of the contiguous regions of a state group.
#include "backend/codegen/MultiTensorEvaluator.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/ThreadBuilder.h"
#include "backend/cuda/thread/WarpBuilder.h"

#include "passes/analysis/KernelBuffers.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

/// The regions of a multi-tensor kernel, bound to its pointers.
class Regions {
public:
  Regions(KernelFrame& frame, Evaluator& e, ir::KernelOp kernel) : ops(e, kernel) {
    for (auto [slot, buffer] : llvm::enumerate(passes::kernelBuffers(kernel))) {
      Value pointer = frame.pointer(int64_t(slot));
      if (buffer.isResult) {
        results.push_back({yieldedValues(kernel)[buffer.first], pointer});
        continue;
      }
      Value argument = kernel.getBlock().getArgument(buffer.first);
      ops.bind(argument, pointer);
      if (tensorTypeOf(argument).getRank() == 0) e.bind(argument, pointer);
    }
  }

  MultiTensorEvaluator ops;
  SmallVector<std::pair<Value, Value>> results; ///< first value of a result role, its pointer
};

/// First all elements of a region, then of each segment the end of its decaying part and its own end. A `single` kernel has a
/// region of one tensor.
SmallVector<int64_t> sizesOf(ir::KernelOp kernel) {
  if (kernel.getKind() == ir::FusionKind::MultiTensor) return passes::regionSizes(kernel);
  int64_t elements = (tensorTypeOf(kernel.getBlock().front().getOperand(0)).getNumElements() + 15) / 16 * 16;
  return {elements, passes::isDecayedTensor(kernel, 0) ? elements : 0};
}

/// Elements of one partial sum of a norm: at least 16 for each of the lanes, and so many that a block of 1024 threads
/// adds the partial sums in four rounds at most.
int64_t elementsPerPartial(int64_t elements) {
  constexpr int64_t kLeast = 16 * WarpBuilder::kLanes, kMostPartials = 4096;
  int64_t rounded = (elements + kMostPartials - 1) / kMostPartials;
  return std::max(kLeast, (rounded + kLeast - 1) / kLeast * kLeast);
}

/// A warp adds the squares of its elements; a warp of the last block adds what all found, in their order, and takes the root.
mlir::LogicalResult emitNorm(KernelContext& context, ir::GlobalNormOp norm, int64_t elements) {
  ir::KernelOp kernel = context.kernel;
  constexpr int64_t kLanes = WarpBuilder::kLanes;
  const int64_t share = elementsPerPartial(elements), partials = (elements + share - 1) / share;
  context.info.temporaries.push_back({"partial sums", uint64_t(partials) * sizeof(float)});
  mlir::FailureOr<int64_t> blocks = blocksFor(context, partials * kLanes, kThreads);
  if (mlir::failed(blocks)) return mlir::failure();
  auto add = [](LaneBuilder& b) { return [&b](Value x, Value y) { return b.add(x, y); }; };
  KernelFrame frame(context, "", *blocks, kThreads);
  WarpBuilder b(frame.opBuilder, frame.loc(), frame.entry(), frame.lane());
  Evaluator e(b, true);
  Regions regions(frame, e, kernel);
  Value warp = b.convert(frame.globalWarp(), b.i64());
  b.ifThen(b.compare(CmpIPredicate::slt, warp, b.index(partials)), [&] {
    Value from = b.mul(warp, b.index(share)), to = b.min(b.add(from, b.index(share)), b.index(elements));
    // Regions are whole multiples of 16 elements: the last step of the last warp may have half of its lanes only.
    Value whole = b.sub(to, b.bitAnd(b.sub(to, from), b.index(kLanes - 1)));
    // Four sums side by side: one would wait for its own addition at every step.
    constexpr int64_t kSums = 4;
    Value border = b.sub(whole, b.bitAnd(b.sub(whole, from), b.index(kSums * kLanes - 1)));
    auto addSquare = [&](Value index, Value sum) {
      regions.ops.setIndex(index);
      return regions.ops.addSquare(norm, sum);
    };
    SmallVector<Value> zeros(kSums, b.constant(b.f32(), 0));
    auto wide = b.loop(from, border, kSums * kLanes, zeros, [&](Value index, ValueRange sums) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < kSums; ++i)
        next.push_back(addSquare(b.add(index, b.index(i * kLanes)), sums[unsigned(i)]));
      return next;
    });
    Value sum =
        b.add(b.add(wide.getResult(0), wide.getResult(1)), b.add(wide.getResult(2), wide.getResult(3)));
    auto rest = b.loop(border, whole, kLanes, sum, [&](Value index, ValueRange sums) {
      return SmallVector<Value>{addSquare(index, sums[0])};
    });
    sum = rest.getResult(0);
    if (elements % kLanes != 0) {
      auto half = mlir::scf::IfOp::create(
          b.builder(), b.loc(), mlir::TypeRange{b.f32()},
          b.bitAnd(b.compare(CmpIPredicate::slt, whole, to),
                   b.compare(CmpIPredicate::slt, frame.lane(), b.constant(b.i32(), kLanes / 2))),
          /*addThenBlock=*/true, /*addElseBlock=*/true);
      b.builder().setInsertionPointToStart(half.thenBlock());
      mlir::scf::YieldOp::create(b.builder(), b.loc(), addSquare(whole, sum));
      b.builder().setInsertionPointToStart(half.elseBlock());
      mlir::scf::YieldOp::create(b.builder(), b.loc(), sum);
      b.builder().setInsertionPointAfter(half);
      sum = half.getResult(0);
    }
    b.store(b.foldLanes(sum, add(b)), frame.temporary(0), b.f32(), warp);
  });
  frame.inLastBlock(e, b.constant(b.i32(), 0), 1, *blocks, [&] {
    b.ifThen(b.compare(CmpIPredicate::eq, frame.warp(), b.constant(b.i32(), 0)), [&] {
      Value lane = b.convert(frame.lane(), b.i64());
      auto loop = b.loop(
          b.index(0), b.index(partials), kLanes, b.constant(b.f32(), 0), [&](Value first, ValueRange sums) {
            Value exists = b.compare(CmpIPredicate::slt, b.add(first, lane), b.index(partials));
            return SmallVector<Value>{
                b.add(sums[0], b.loadLanes(frame.temporary(0), b.f32(), first, exists))};
          });
      Value total = b.foldLanes(loop.getResult(0), add(b));
      b.store(b.sqrt(total), frame.pointer(int64_t(passes::kernelBuffers(kernel).size()) - 1), b.f32(),
              b.index(0));
    });
  });
  frame.finish();
  return mlir::failure(e.failed());
}

mlir::LogicalResult emit(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  ir::MultiTensorOpInterface update; // decays; there is at most one
  for (mlir::Operation& op : kernel.getBlock())
    if (auto multi = mlir::dyn_cast<ir::MultiTensorOpInterface>(op)) {
      if (multi.getNumTensors() == 0) return op.emitError("has no tensors, which target cuda cannot run");
      if (multi.isParameterUpdate()) update = multi;
    }
  SmallVector<int64_t> sizes = sizesOf(kernel);
  const int64_t elements = sizes.front();
  if (auto norm = mlir::dyn_cast<ir::GlobalNormOp>(kernel.getBlock().front()))
    return emitNorm(context, norm, elements);

  constexpr int64_t kLanes = ThreadBuilder::kLanes;
  mlir::FailureOr<int64_t> blocks = blocksFor(context, elements / kLanes, kThreads);
  if (mlir::failed(blocks)) return mlir::failure();
  KernelFrame frame(context, "", *blocks, kThreads);
  ThreadBuilder b(frame.opBuilder, frame.loc(), frame.entry());
  Evaluator e(b, true);
  Regions regions(frame, e, kernel);
  Value thread = b.convert(frame.globalThread(), b.i64());
  b.ifThen(b.compare(CmpIPredicate::slt, thread, b.index(elements / kLanes)), [&] {
    e.region([&] {
      Value index = b.mul(thread, b.index(kLanes));
      regions.ops.prepare();
      auto run = [&](bool decays) {
        regions.ops.setIndex(index, kLanes);
        regions.ops.evaluate(decays);
        SmallVector<Value> values;
        for (auto& [result, pointer] : regions.results)
          values.push_back(regions.ops.at(result));
        for (auto [value, result] : llvm::zip_equal(values, regions.results))
          b.storeLanes(value, result.second, tensorTypeOf(result.first).getElementType(), index, {}, kLanes);
      };
      if (!update) return run(false);
      const unsigned segments = update.getNumSegments();
      Value segment = b.index(0), border = b.index(sizes[1]); // elements before the border decay
      for (unsigned next = 1; next < segments; ++next) {
        Value behind = b.compare(CmpIPredicate::sge, index, b.index(sizes[2 * next]));
        segment = b.select(behind, b.index(next), segment);
        border = b.select(behind, b.index(sizes[2 * next + 1]), border);
      }
      if (segments > 1) regions.ops.setSegment(update, segment);
      b.ifThen(b.compare(CmpIPredicate::slt, index, border), [&] { e.region([&] { run(true); }); });
      b.ifThen(b.compare(CmpIPredicate::sge, index, border), [&] { e.region([&] { run(false); }); });
    });
  });
  frame.finish();
  return mlir::failure(e.failed());
}

bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  return single ? *single == ir::FusionClass::MultiTensor : kernel.getKind() == ir::FusionKind::MultiTensor;
}

} // namespace

extern const KernelKind kMultiTensor{"multi_tensor", fits, emit};

} // namespace tailor::backend::cuda
