// Ops that write where the data say: one sequential unit, static shapes.

#include "backend/codegen/EvaluateOps.h"
#include "backend/codegen/Order.h"
#include "backend/cpu/kinds/Draws.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

/// Runs `body` over all elements of `sizes`, one by one.
void forEachIndex(VectorBuilder& b, llvm::ArrayRef<int64_t> sizes, SmallVector<Value> index,
                  llvm::function_ref<void(llvm::ArrayRef<Value>)> body) {
  if (index.size() == sizes.size()) {
    body(index);
    return;
  }
  b.loop(b.index(0), b.index(sizes[index.size()]), 1, {}, [&](Value i, ValueRange) {
    SmallVector<Value> inner = index;
    inner.push_back(i);
    forEachIndex(b, sizes, inner, body);
    return SmallVector<Value>();
  });
}

Value flatten(VectorBuilder& b, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<Value> index) {
  Value flat = b.index(0);
  for (auto [size, i] : llvm::zip_equal(sizes, index))
    flat = b.add(b.mul(flat, b.index(size)), i);
  return flat;
}

void emitSort(VectorBuilder& b, Evaluator& e, ir::SortPermOp op, Value source, Value target) {
  RankedTensorType type = tensorTypeOf(op.getOperand());
  auto dim = static_cast<size_t>(op.getDim());
  SmallVector<int64_t> outer(type.getShape());
  outer[dim] = 1;
  int64_t stride = 1;
  for (int64_t d = type.getRank() - 1; d > int64_t(dim); --d)
    stride *= type.getDimSize(d);
  mlir::Type element = type.getElementType();
  forEachIndex(b, outer, {}, [&](llvm::ArrayRef<Value> index) {
    Value base = flatten(b, type.getShape(), index);
    auto place = [&](Value i) { return b.add(base, b.mul(i, b.index(stride))); };
    Value count = b.index(type.getDimSize(dim));
    b.loop(b.index(0), count, 1, {}, [&](Value i, ValueRange) {
      Value rank = rankOf(e, count, [&](Value j) {
        Value x = b.load(source, element, place(j)), y = b.load(source, element, place(i));
        return sortsBefore(b, op, {x, j}, {y, i});
      });
      b.store(b.convert(i, b.i32()), target, place(rank));
      return SmallVector<Value>();
    });
  });
}

/// The valid rows by (word, row). `words` is memory for one word a row.
void emitPermutation(VectorBuilder& b, Evaluator& e, ir::RandomPermutationOp op, Value target, Value words) {
  const int64_t size = tensorTypeOf(op.getResult()).getDimSize(0), lanes = b.lanes();
  Value valid = validRows(e, op.getValid(), b.index(size));
  forEachBlockVector(b, keyWords(e, op.getKey()), b.index(0), size, [&](const BlockVector& drawn) {
    for (auto [i, column] : llvm::enumerate(drawn.columns))
      b.store(drawn.words[i], words, column, drawn.masks[i]);
  });
  b.loop(b.index(0), valid, 1, {}, [&](Value i, ValueRange) {
    Value word = b.splat(b.load(words, b.i32(), i)), row = b.splat(b.convert(i, b.i32()));
    Value none = b.constant(row.getType(), 0);
    auto rank = b.loop(b.index(0), valid, lanes, none, [&](Value j, ValueRange count) {
      Value mask = b.prefixMask(b.sub(valid, j));
      Value other = b.loadLanes(words, b.i32(), j, mask);
      Value otherRow = b.add(b.splat(b.convert(j, b.i32())), b.laneNumbers());
      Value before = b.bitAnd(mask, permutesBefore(b, {other, otherRow}, {word, row}));
      return SmallVector<Value>{b.add(count[0], b.convert(before, b.i32()))};
    });
    Value place = b.foldLanes(rank.getResult(0), [&](Value x, Value y) { return b.add(x, y); });
    b.store(b.convert(i, b.i32()), target, b.convert(place, b.i64()));
    return SmallVector<Value>();
  });
  b.loop(valid, b.index(size), 1, {}, [&](Value i, ValueRange) {
    b.store(b.convert(i, b.i32()), target, i);
    return SmallVector<Value>();
  });
}

void emitScatterAdd(VectorBuilder& b, ir::ScatterAddOp op, Value table, Value index, Value updates,
                    Value target) {
  RankedTensorType type = tensorTypeOf(op.getTable()), indexType = tensorTypeOf(op.getIndex());
  mlir::Type element = type.getElementType();
  int64_t width = type.getNumElements() / std::max<int64_t>(1, type.getDimSize(0));
  forEachIndex(b, {type.getNumElements()}, {},
               [&](llvm::ArrayRef<Value> i) { b.store(b.load(table, element, i[0]), target, i[0]); });
  forEachIndex(b, {indexType.getNumElements()}, {}, [&](llvm::ArrayRef<Value> i) {
    Value row = b.convert(b.load(index, indexType.getElementType(), i[0]), b.i64());
    row = b.max(b.min(row, b.index(type.getDimSize(0) - 1)), b.index(0));
    Value to = b.mul(row, b.index(width)), from = b.mul(i[0], b.index(width));
    forEachIndex(b, {width}, {}, [&](llvm::ArrayRef<Value> c) {
      Value place = b.add(to, c[0]);
      Value sum = b.add(b.load(target, element, place), b.load(updates, element, b.add(from, c[0])));
      b.store(sum, target, place);
    });
  });
}

} // namespace

static bool fits(ir::KernelOp kernel) {
  return mlir::isa<ir::SortPermOp, ir::RandomPermutationOp, ir::ScatterAddOp>(kernel.getBlock().front());
}

static mlir::LogicalResult emitScattering(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  mlir::Operation* op = &kernel.getBlock().front();
  if (std::next(kernel.getBlock().begin(), 1) != std::prev(kernel.getBlock().end()))
    return op->emitError("must be alone in its kernel for target cpu");
  context.info.rows = 1;
  context.info.units = {1, 0};
  context.info.oneUnit = "where a value goes is known only when it is there";
  if (auto permutation = mlir::dyn_cast<ir::RandomPermutationOp>(op))
    context.info.temporaries.push_back(
        {"draws",
         {},
         sizeof(int32_t) * static_cast<uint64_t>(tensorTypeOf(permutation.getResult()).getNumElements())});
  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, false);
  bindOperands(e, frame, kernel);
  auto buffer = [&](Value operand) {
    return frame.buffer(mlir::cast<mlir::BlockArgument>(operand).getArgNumber());
  };
  Value target = frame.buffer(resultSlot(kernel, 0));
  b.ifThen(b.compare(CmpIPredicate::slt, frame.begin, frame.end), [&] {
    e.region([&] {
      if (auto sort = mlir::dyn_cast<ir::SortPermOp>(op))
        emitSort(b, e, sort, buffer(sort.getOperand()), target);
      if (auto permutation = mlir::dyn_cast<ir::RandomPermutationOp>(op))
        emitPermutation(b, e, permutation, target, frame.buffer(firstExtraSlot(kernel)));
      if (auto scatter = mlir::dyn_cast<ir::ScatterAddOp>(op))
        emitScatterAdd(b, scatter, buffer(scatter.getTable()), buffer(scatter.getIndex()),
                       buffer(scatter.getUpdates()), target);
    });
  });
  frame.finish();
  return mlir::failure(e.failed());
}

extern const KernelKind kScattering{"scattering", fits, emitScattering};

} // namespace tailor::backend
