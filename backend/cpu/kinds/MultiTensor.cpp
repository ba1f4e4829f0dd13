// Optimizer ops: one flat loop over the contiguous regions of a state group.

#include "backend/cpu/evaluate/VectorMath.h"
#include "backend/cpu/kinds/KernelEmitter.h"

#include "passes/analysis/KernelBuffers.h"

#include "llvm/ADT/TypeSwitch.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

constexpr int64_t kBlock = 4096; // elements of one unit

/// Emits the ops of one multi-tensor kernel for one vector of elements at a time.
class MultiTensor {
public:
  MultiTensor(KernelFrame& frame, Evaluator& e, ir::KernelOp kernel) : b_(frame.b()), e_(e), kernel_(kernel) {
    for (auto [slot, buffer] : llvm::enumerate(passes::kernelBuffers(kernel))) {
      Value pointer = frame.buffer(int64_t(slot));
      if (buffer.isResult) {
        results_.push_back({yieldedValues(kernel)[buffer.first], pointer});
        continue;
      }
      Value argument = kernel.getBlock().getArgument(buffer.first);
      pointers_[argument] = pointer;
      if (tensorTypeOf(argument).getRank() == 0) e.bind(argument, pointer);
    }
  }

  /// Values that do not change over the loop.
  void prepare() {
    for (mlir::Operation& op : kernel_.getBlock())
      llvm::TypeSwitch<mlir::Operation*>(&op)
          .Case([&](ir::SamPerturbOp sam) {
            Value norm = scalar(sam.getNorm());
            Value safe = b_.add(norm, b_.constant(norm.getType(), sam.getEpsilon().convertToDouble()));
            factors_[&op].push_back(b_.splat(b_.div(scalar(sam.getRadius()), safe)));
          })
          .Case([&](ir::AdamwUpdateOp adam) {
            Value step = b_.add(scalar(adam.getStep()), b_.constant(b_.i32(), 1));
            for (Value beta : {adam.getBeta1(), adam.getBeta2()}) {
              Value rate = scalar(beta);
              factors_[&op].push_back(b_.splat(emitOneMinusPower(b_, rate, step)));
            }
          });
  }

  /// Emits all results for `vectors` vectors from `index` on; `decays` says whether weight decay acts there.
  /// All loads come before the stores: regions often lie a multiple of 4096 bytes and a little apart, and a
  /// load just behind a store with the same low address bits waits for it.
  void emitAt(Value index, unsigned vectors, bool decays) {
    SmallVector<Value> stored;
    for (unsigned v = 0; v < vectors; ++v) {
      setIndex(b_.add(index, b_.index(int64_t(v) * b_.lanes())));
      for (mlir::Operation& op : kernel_.getBlock())
        llvm::TypeSwitch<mlir::Operation*>(&op)
            .Case([&](ir::SamPerturbOp sam) { perturb(sam); })
            .Case([&](ir::SgdUpdateOp sgd) { update(sgd, decays); })
            .Case([&](ir::AdamwUpdateOp adam) { update(adam, decays); })
            .Case([&](ir::EmaUpdateOp ema) { average(ema); });
      for (auto& [value, pointer] : results_)
        stored.push_back(at(value));
    }
    for (unsigned v = 0; v < vectors; ++v)
      for (auto [i, result] : llvm::enumerate(results_))
        b_.store(stored[v * results_.size() + i], result.second,
                 b_.add(index, b_.index(int64_t(v) * b_.lanes())));
  }

  /// From here on tensors are of segment `segment` (an i64) of `update`, which has several.
  void setSegment(ir::MultiTensorOpInterface update, Value segment) {
    auto choose = [&](ValueRange scalars) {
      Value chosen = scalar(scalars.front());
      for (auto [number, each] : llvm::enumerate(scalars.drop_front()))
        chosen = b_.select(b_.compare(CmpIPredicate::sgt, segment, b_.index(int64_t(number))), scalar(each),
                           chosen);
      return b_.splat(chosen);
    };
    llvm::TypeSwitch<mlir::Operation*>(update).Case<ir::SgdUpdateOp, ir::AdamwUpdateOp>([&](auto op) {
      lr_ = choose(op.getLr());
      weightDecay_ = choose(op.getWeightDecay());
    });
  }

  /// The vector of a role at the current index: `first` is the role's first tensor.
  Value at(Value first) {
    if (Value known = values_.lookup(first)) return known;
    Value loaded = b_.loadVector(pointers_.lookup(first), b_.f32(), index_);
    values_[first] = loaded;
    return loaded;
  }

  void setIndex(Value index) {
    index_ = index;
    values_.clear();
  }

private:
  Value scalar(Value operand) { return e_.at(operand, {}); }
  Value wide(Value operand) { return b_.splat(scalar(operand)); }
  Value lr(ValueRange perSegment) { return lr_ ? lr_ : wide(perSegment.front()); }
  Value weightDecay(ValueRange perSegment) { return weightDecay_ ? weightDecay_ : wide(perSegment.front()); }

  /// `fresh`, or `old` when the step is empty.
  Value unlessEmpty(Value valid, Value fresh, Value old) {
    if (!valid) return fresh;
    Value count = scalar(valid);
    // A vector condition blends; a scalar one would branch.
    Value some = e_.remember(valid.getAsOpaquePointer(), 1, {}, [&] {
      return b_.splat(b_.compare(CmpIPredicate::sgt, count, b_.zeroLike(count)));
    });
    return b_.select(some, fresh, old);
  }

  void perturb(ir::SamPerturbOp op) {
    Value w = at(op.getParams().front()), g = at(op.getGrads().front());
    if (op.getAdaptive()) g = b_.mul(b_.mul(w, w), g);
    values_[op.getPerturbed().front()] = b_.fma(g, factors_[op][0], w);
  }

  void update(ir::SgdUpdateOp op, bool decays) {
    Value w = at(op.getParams().front()), g = at(op.getGrads().front());
    if (decays) g = b_.fma(weightDecay(op.getWeightDecay()), w, g);
    Value direction = g;
    if (!op.getVelocity().empty()) {
      Value old = at(op.getVelocity().front());
      Value momentum = op.getMomentum() ? wide(op.getMomentum()) : b_.zeroLike(old);
      Value velocity = b_.fma(momentum, old, g);
      direction = op.getNesterov() ? b_.fma(momentum, velocity, g) : velocity;
      values_[op.getNewVelocity().front()] = unlessEmpty(op.getValid(), velocity, old);
    }
    Value next = b_.fma(b_.neg(lr(op.getLr())), direction, w);
    values_[op.getNewParams().front()] = unlessEmpty(op.getValid(), next, w);
  }

  void update(ir::AdamwUpdateOp op, bool decays) {
    Value w = at(op.getParams().front()), g = at(op.getGrads().front());
    Value oldM = at(op.getFirstMoments().front()), oldS = at(op.getSecondMoments().front());
    auto mix = [&](Value beta, Value old, Value fresh) {
      Value rate = wide(beta);
      return b_.fma(b_.sub(b_.constant(rate.getType(), 1), rate), fresh, b_.mul(rate, old));
    };
    Value m = mix(op.getBeta1(), oldM, g), s = mix(op.getBeta2(), oldS, b_.mul(g, g));
    Value rate = lr(op.getLr());
    Value decayed = w;
    if (decays) decayed = b_.fma(b_.neg(b_.mul(rate, weightDecay(op.getWeightDecay()))), w, w);
    Value root = b_.add(b_.sqrt(b_.div(s, factors_[op][1])), wide(op.getEpsilon()));
    Value next = b_.fma(b_.neg(rate), b_.div(b_.div(m, factors_[op][0]), root), decayed);
    values_[op.getNewParams().front()] = unlessEmpty(op.getValid(), next, w);
    values_[op.getNewFirstMoments().front()] = unlessEmpty(op.getValid(), m, oldM);
    values_[op.getNewSecondMoments().front()] = unlessEmpty(op.getValid(), s, oldS);
  }

  void average(ir::EmaUpdateOp op) {
    Value old = at(op.getAverages().front()), value = at(op.getValues().front());
    Value decay = wide(op.getDecay());
    Value rest = b_.sub(b_.constant(decay.getType(), 1), decay);
    values_[op.getNewAverages().front()] =
        unlessEmpty(op.getValid(), b_.fma(rest, value, b_.mul(decay, old)), old);
  }

  VectorBuilder& b_;
  Evaluator& e_;
  ir::KernelOp kernel_;
  Value index_;
  Value lr_, weightDecay_; // of the current segment; null where there is one
  llvm::DenseMap<Value, Value>
      pointers_; // argument -> buffer, for the first tensor of each role and for scalars
  llvm::DenseMap<Value, Value> values_; // first tensor of a role -> its vector at index_
  llvm::DenseMap<mlir::Operation*, SmallVector<Value>> factors_;
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
  MultiTensor ops(frame, e, kernel);
  Value elements = frame.size(0), partials = frame.buffer(partialSlot);
  b.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
    Value from = b.mul(unit, b.index(kBlock)), to = b.min(b.add(from, b.index(kBlock)), elements);
    // Four sums side by side: one would wait for its own addition at every vector.
    constexpr int64_t kSums = 4;
    auto addSquare = [&](Value index, Value sum) {
      ops.setIndex(index);
      Value x = ops.at(norm.getTensors().front());
      if (!norm.getWeights().empty()) x = b.mul(x, ops.at(norm.getWeights().front())); // (|w| x)^2 = (w x)^2
      return b.fma(x, x, sum);
    };
    int64_t step = kSums * b.lanes();
    Value border = b.sub(to, b.bitAnd(b.sub(to, from), b.index(step - 1)));
    SmallVector<Value> zeros(kSums, b.constant(b.vectorOf(b.f32()), 0));
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
  MultiTensor ops(frame, e, kernel);
  ops.prepare();
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
        ops.emitAt(index, vectors, decays);
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
      ops.setSegment(update, segment);
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
