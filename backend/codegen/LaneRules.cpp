#include "backend/codegen/LaneRules.h"

#include "backend/codegen/Evaluator.h"
#include "ir/Fusion.h"

namespace tailor::backend {

using mlir::RankedTensorType;
using mlir::Value;

bool lanesPassThrough(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock()) {
    if (mlir::isa<ir::RollOp>(op)) return false;
    if (auto pad = mlir::dyn_cast<ir::PadOp>(op))
      if (!pad.getInterior().empty() && pad.getInterior().back() != 0) return false;
    if (auto reshape = mlir::dyn_cast<ir::ReshapeOp>(op)) {
      auto sizes = [](RankedTensorType type) {
        llvm::SmallVector<int64_t> list(type.getShape());
        llvm::erase(list, 1);
        return list;
      };
      if (sizes(tensorTypeOf(reshape.getOperand())) != sizes(tensorTypeOf(reshape.getResult()))) return false;
    }
  }
  return true;
}

bool looksAcrossRowLosses(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock())
    if (ir::fusionClassOf(&op) == ir::FusionClass::Loss && tensorTypeOf(op.getResult(0)).getRank() == 1)
      return !sumsOverRows(kernel);
  return false;
}

std::optional<llvm::SmallVector<mlir::OpResult>> sumsOverRows(ir::KernelOp kernel) {
  llvm::SmallVector<mlir::OpResult> totals;
  for (mlir::Operation& op : kernel.getBlock())
    for (mlir::OpResult result : op.getResults()) {
      auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
      if (tensorTypeOf(result).getRank() != 0 || result.use_empty() ||
          llvm::none_of(op.getOperands(), hasRows))
        continue;
      if (!mlir::isa<ir::MaskedMeanOp, ir::ReduceSumOp, ir::ReduceMeanOp>(op) &&
          ir::fusionClassOf(&op) != ir::FusionClass::Loss)
        return std::nullopt;
      totals.push_back(result);
    }
  return totals;
}

} // namespace tailor::backend
