#include "backend/codegen/LaneRules.h"

#include "backend/codegen/RowTotal.h"
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

} // namespace tailor::backend
