// Sorts and random permutations: a thread for each element counts those that come before it.
#include "backend/codegen/Order.h"
#include "backend/codegen/EvaluateOps.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/ThreadBuilder.h"

namespace tailor::backend::cuda {

using mlir::RankedTensorType;
using mlir::Value;
using mlir::arith::CmpIPredicate;

namespace {

/// Where thread `number` puts its element, in the result that all share.
using Place = llvm::function_ref<void(ThreadBuilder&, Evaluator&, KernelFrame&, Value number)>;

mlir::LogicalResult emitOrder(KernelContext& context, int64_t elements, Place place) {
  mlir::FailureOr<int64_t> blocks = blocksFor(context, elements, kThreads);
  if (mlir::failed(blocks)) return mlir::failure();
  KernelFrame frame(context, "", *blocks, kThreads);
  ThreadBuilder b(frame.opBuilder, frame.loc(), frame.entry());
  Evaluator e(b, false);
  bindOperands(e, frame, context.kernel);
  Value number = b.convert(frame.globalThread(), b.i64());
  b.ifThen(b.compare(CmpIPredicate::slt, number, b.index(elements)),
           [&] { e.region([&] { place(b, e, frame, number); }); });
  frame.finish();
  return mlir::failure(e.failed());
}

mlir::LogicalResult emitSort(KernelContext& context, ir::SortPermOp op) {
  RankedTensorType type = tensorTypeOf(op.getOperand());
  if (int64_t(op.getDim()) != type.getRank() - 1)
    return op.emitError("sorts along dimension ") << op.getDim() << ", on target cuda only the last one";
  const int64_t length = type.getShape().back();
  return emitOrder(context, type.getNumElements(),
                   [&](ThreadBuilder& b, Evaluator& e, KernelFrame& frame, Value number) {
                     auto [line, i] = divideWithRest(b, number, std::max<int64_t>(length, 1));
                     Value position = i, base = b.sub(number, i);
                     auto load = [&](Value at) {
                       return b.load(e.memoryOf(op.getOperand()), type.getElementType(), b.add(base, at));
                     };
                     Value own = load(position);
                     Value rank = rankOf(e, b.index(length), [&](Value j) {
                       return sortsBefore(b, op, {load(j), j}, {own, position});
                     });
                     b.store(b.convert(position, b.i32()), frame.pointer(resultSlot(context.kernel, 0)),
                             b.i32(), b.add(base, rank));
                   });
}

/// The valid rows by what is drawn for them, the others where they are.
mlir::LogicalResult emitPermutation(KernelContext& context, ir::RandomPermutationOp op) {
  const int64_t rows = tensorTypeOf(op.getResult()).getDimSize(0);
  return emitOrder(context, rows, [&](ThreadBuilder& b, Evaluator& e, KernelFrame& frame, Value number) {
    Value valid = validRows(e, op.getValid(), b.index(rows));
    auto store = [&](Value place) {
      b.store(b.convert(number, b.i32()), frame.pointer(resultSlot(context.kernel, 0)), b.i32(), place);
    };
    b.ifThen(b.compare(CmpIPredicate::slt, number, valid), [&] {
      e.region([&] {
        Value own = permutationWord(e, op, number);
        store(rankOf(e, valid, [&](Value j) {
          return permutesBefore(b, {permutationWord(e, op, j), j}, {own, number});
        }));
      });
    });
    b.ifThen(b.compare(CmpIPredicate::sge, number, valid), [&] { store(number); });
  });
}

mlir::LogicalResult emit(KernelContext& context) {
  mlir::Operation& first = context.kernel.getBlock().front();
  if (auto sort = mlir::dyn_cast<ir::SortPermOp>(first)) return emitSort(context, sort);
  return emitPermutation(context, mlir::cast<ir::RandomPermutationOp>(first));
}

bool fits(ir::KernelOp kernel) {
  return mlir::isa<ir::SortPermOp, ir::RandomPermutationOp>(kernel.getBlock().front());
}

} // namespace

extern const KernelKind kOrder{"order", fits, emit};

} // namespace tailor::backend::cuda
