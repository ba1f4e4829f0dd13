// Any op, whatever its shape, in one unit.
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using mlir::arith::CmpIPredicate;

namespace {

/// True if the losses of single rows go into something over the rows that is no sum (their maximum): its lanes would
/// be rows, and a loss looks up its label one row at a time.
bool looksAcrossRowLosses(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock())
    if (ir::fusionClassOf(&op) == ir::FusionClass::Loss && tensorTypeOf(op.getResult(0)).getRank() == 1)
      return !sumsOverRows(kernel);
  return false;
}

} // namespace

mlir::LogicalResult emitGeneric(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  Evaluator e(frame.b(), lanesPassThrough(kernel) && !looksAcrossRowLosses(kernel));
  bindOperands(e, frame, kernel);
  context.info.rows = 1;
  context.info.units = {1, 0};
  // Everything in one unit; an empty chunk does nothing.
  frame.b().ifThen(frame.b().compare(CmpIPredicate::slt, frame.begin, frame.end), [&] {
    e.region([&] {
      for (const ResultGroup& group : groupResults(kernel))
        storeGroup(e, frame, kernel, group, {});
    });
  });
  return outcome(e, frame);
}

} // namespace tailor::backend
