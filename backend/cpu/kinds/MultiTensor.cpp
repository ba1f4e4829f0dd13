// Optimizer ops: one flat loop over the contiguous regions of a state group.

#include "backend/codegen/MultiTensorEvaluator.h"
#include "backend/cpu/kinds/KernelEmitter.h"

#include "passes/analysis/KernelBuffers.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

constexpr int64_t kBlock = 4096; // elements of one unit

/// The regions of a multi-tensor kernel, bound to its buffers.
class MultiTensor {
public:
  MultiTensor(KernelFrame& frame, Evaluator& e, ir::KernelOp kernel) : b_(frame.b()), ops_(e, kernel) {
    for (auto [slot, buffer] : llvm::enumerate(passes::kernelBuffers(kernel))) {
      Value pointer = frame.buffer(int64_t(slot));
      if (buffer.isResult) {
        results_.push_back({yieldedValues(kernel)[buffer.first], pointer});
        continue;
      }
      Value argument = kernel.getBlock().getArgument(buffer.first);
      ops_.bind(argument, pointer);
      if (tensorTypeOf(argument).getRank() == 0) e.bind(argument, pointer);
    }
  }

  MultiTensorEvaluator& ops() { return ops_; }

  /// Emits all results for `vectors` vectors from `index` on; `decays` says whether weight decay acts there.
  /// All loads come before the stores: regions often lie a multiple of 4096 bytes and a little apart, and a
  /// load just behind a store with the same low address bits waits for it.
  void emitAt(Value index, unsigned vectors, bool decays) {
    SmallVector<Value> stored;
    for (unsigned v = 0; v < vectors; ++v) {
      ops_.setIndex(b_.add(index, b_.index(int64_t(v) * b_.lanes())));
      ops_.evaluate(decays);
      for (auto& [value, pointer] : results_)
        stored.push_back(ops_.at(value));
    }
    for (unsigned v = 0; v < vectors; ++v)
      for (auto [i, result] : llvm::enumerate(results_))
        b_.storeLanes(stored[v * results_.size() + i], result.second,
                      tensorTypeOf(result.first).getElementType(),
                      b_.add(index, b_.index(int64_t(v) * b_.lanes())));
  }

private:
  VectorBuilder& b_;
  MultiTensorEvaluator ops_;
  SmallVector<std::pair<Value, Value>> results_; // first value of a result role, its buffer
};

/// One unit: sum of squares of its elements; then the root of the sum over units.
mlir::LogicalResult emitNorm(KernelContext& context, ir::GlobalNormOp norm) {
  ir::KernelOp kernel = context.kernel;
  context.info.temporaries.push_back({"partial sums", context.info.units, sizeof(float)});
  context.info.combineSymbol = context.combineSymbol;
  context.info.combinesItself = true;
  auto numUnits = [](VectorBuilder& b, Value elements) {
    return mlir::arith::DivUIOp::create(b.builder(), b.loc(), b.add(elements, b.index(kBlock - 1)),
                                        b.index(kBlock))
        .getResult();
  };
  int64_t partialSlot = static_cast<int64_t>(passes::kernelBuffers(kernel).size());
  auto combine = [&](KernelFrame& frame, Evaluator& e) {
    VectorBuilder& b = frame.b();
    Value partials = frame.buffer(partialSlot);
    auto loop = b.loop(b.index(0), numUnits(b, frame.size(0)), 1, b.constant(b.f32(), 0),
                       [&](Value unit, ValueRange sum) {
                         return SmallVector<Value>{b.add(sum[0], b.load(partials, b.f32(), unit))};
                       });
    b.store(b.sqrt(loop.getResult(0)), frame.buffer(partialSlot - 1), b.index(0));
  };
  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, true);
  MultiTensor regions(frame, e, kernel);
  MultiTensorEvaluator& ops = regions.ops();
  Value elements = frame.size(0), partials = frame.buffer(partialSlot);
  b.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
    Value from = b.mul(unit, b.index(kBlock)), to = b.min(b.add(from, b.index(kBlock)), elements);
    // Four sums side by side: one would wait for its own addition at every vector.
    constexpr int64_t kSums = 4;
    auto addSquare = [&](Value index, Value sum) {
      ops.setIndex(index);
      return ops.addSquare(norm, sum);
    };
    int64_t step = kSums * b.lanes();
    Value border = b.sub(to, b.bitAnd(b.sub(to, from), b.index(step - 1)));
    SmallVector<Value> zeros(kSums, b.constant(b.lanesOf(b.f32()), 0));
    auto wide = b.loop(from, border, step, zeros, [&](Value index, ValueRange sums) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < kSums; ++i)
        next.push_back(addSquare(b.add(index, b.index(i * b.lanes())), sums[i]));
      return next;
    });
    Value sum =
        b.add(b.add(wide.getResult(0), wide.getResult(1)), b.add(wide.getResult(2), wide.getResult(3)));
    auto rest = b.loop(border, to, b.lanes(), sum, [&](Value index, ValueRange sums) {
      return SmallVector<Value>{addSquare(index, sums[0])};
    });
    Value total = b.foldLanes(rest.getResult(0), [&](Value x, Value y) { return b.add(x, y); });
    b.store(total, partials, unit);
    return SmallVector<Value>();
  });
  Value all = b.bitAnd(b.compare(CmpIPredicate::eq, frame.begin, b.index(0)),
                       b.compare(CmpIPredicate::eq, frame.end, numUnits(b, elements)));
  b.ifThen(all, [&] { combine(frame, e); });
  frame.finish();
  KernelFrame last(context.module, context.combineSymbol, kernel, context.target);
  Evaluator lastEvaluator(last.b(), true);
  combine(last, lastEvaluator);
  last.finish();
  return mlir::success();
}

} // namespace

static mlir::LogicalResult emitMultiTensor(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  // Padding to 64 bytes: the driver passes the true extents of the regions in sizes.
  context.info.units = {1, kBlock};
  int64_t elements = 0;
  for (mlir::Operation& op : kernel.getBlock())
    if (auto multi = mlir::dyn_cast<ir::MultiTensorOpInterface>(op)) {
      if (multi.getNumTensors() == 0) return op.emitError("has no tensors, which target cpu cannot run");
      elements = 0;
      for (unsigned i = 0; i < multi.getNumTensors(); ++i) {
        int64_t size =
            tensorTypeOf(op.getOperand(multi.getOperandRoles().front().begin + i)).getNumElements();
        elements += (size + 15) / 16 * 16;
      }
    }
  context.info.rows = elements;
  if (auto norm = mlir::dyn_cast<ir::GlobalNormOp>(kernel.getBlock().front())) return emitNorm(context, norm);

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, true);
  MultiTensor regions(frame, e, kernel);
  regions.ops().prepare();
  Value from = b.mul(frame.begin, b.index(kBlock)),
        to = b.min(b.mul(frame.end, b.index(kBlock)), frame.size(0));
  ir::MultiTensorOpInterface update; // decays; there is at most one
  for (mlir::Operation& op : kernel.getBlock())
    if (auto multi = mlir::dyn_cast<ir::MultiTensorOpInterface>(op); multi && multi.isParameterUpdate())
      update = multi;
  auto run = [&](Value first, Value stop, bool decays) {
    constexpr unsigned kUnrolled = 4;
    int64_t step = int64_t(kUnrolled) * b.lanes();
    Value count = b.max(b.sub(stop, first), b.index(0));
    Value border = b.add(first, b.sub(count, b.bitAnd(count, b.index(step - 1))));
    for (auto [from, to, vectors] : {std::tuple{first, border, kUnrolled}, {border, stop, 1u}})
      e.loop(from, to, int64_t(vectors) * b.lanes(), {}, [&](Value index, ValueRange) {
        regions.emitAt(index, vectors, decays);
        return SmallVector<Value>();
      });
  };
  if (!update) {
    run(from, to, false);
  } else if (update.getNumSegments() == 1) {
    Value border = frame.size(1); // elements before it decay
    run(from, b.min(to, border), true);
    run(b.max(from, border), to, false);
  } else {
    // The same code for each segment; sizes as regionSizes says.
    auto size = [&](Value slot) { return b.load(frame.sizes, b.i64(), slot); };
    e.loop(b.index(0), b.index(update.getNumSegments()), 1, {}, [&](Value segment, ValueRange) {
      Value twice = b.add(segment, segment);
      Value isFirst = b.compare(CmpIPredicate::eq, segment, b.index(0));
      Value begin = b.max(from, b.select(isFirst, b.index(0), size(twice)));
      Value border = size(b.add(twice, b.index(1))), end = b.min(to, size(b.add(twice, b.index(2))));
      regions.ops().setSegment(update, segment);
      run(begin, b.min(end, border), true);
      run(b.max(begin, border), end, false);
      return SmallVector<Value>();
    });
  }
  frame.finish();
  return mlir::failure(e.failed());
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  return single ? *single == ir::FusionClass::MultiTensor : kernel.getKind() == ir::FusionKind::MultiTensor;
}

extern const KernelKind kMultiTensor{"multi_tensor", fits, emitMultiTensor};

} // namespace tailor::backend
