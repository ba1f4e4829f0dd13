// Any op, whatever its shape, in one unit.
#include "backend/codegen/LaneRules.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using mlir::arith::CmpIPredicate;

mlir::LogicalResult emitGeneric(KernelContext& context, std::string why) {
  ir::KernelOp kernel = context.kernel;
  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  Evaluator e(frame.b(), lanesPassThrough(kernel) && !looksAcrossRowLosses(kernel));
  bindOperands(e, frame, kernel);
  context.info.rows = 1;
  context.info.units = {1, 0};
  context.info.oneUnit = std::move(why);
  // Everything in one unit; an empty chunk does nothing.
  frame.b().ifThen(frame.b().compare(CmpIPredicate::slt, frame.begin, frame.end), [&] {
    e.region([&] {
      for (const ResultGroup& group : groupResults(kernel))
        storeGroup(e, frame, kernel, group, {});
    });
  });
  return outcome(e, frame);
}

static bool fits(ir::KernelOp) {
  return true;
}

/// Small by its kind, or of no kind that has loops over rows.
static mlir::LogicalResult emitAnything(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  if (kernel.getKind() == ir::FusionKind::Scalar) return emitGeneric(context, "");
  if (kernel.getKind() == ir::FusionKind::Gemm || singleClass(kernel) == ir::FusionClass::Contraction)
    return emitGeneric(context, "it is no product of two matrices that lie in memory");
  return emitGeneric(context, "its results do not keep dimension 0 as their rows");
}

extern const KernelKind kGeneric{"generic", fits, emitAnything};

} // namespace tailor::backend
