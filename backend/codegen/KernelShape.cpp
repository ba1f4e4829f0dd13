#include "backend/codegen/KernelShape.h"

#include "backend/codegen/LaneRules.h"
#include "ir/StoredValue.h"

#include "llvm/ADT/STLExtras.h"

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::RankedTensorType;
using mlir::Value;

static RankedTensorType tensorTypeOf(Value v) {
  return mlir::cast<RankedTensorType>(v.getType());
}

mlir::ValueRange yieldedValues(ir::KernelOp kernel) {
  return kernel.getBlock().getTerminator()->getOperands();
}

std::optional<ir::FusionClass> singleClass(ir::KernelOp kernel) {
  if (kernel.getKind() != ir::FusionKind::Single) return std::nullopt;
  return ir::fusionClassOf(&kernel.getBlock().front());
}

llvm::SmallVector<ResultGroup> groupResults(ir::KernelOp kernel) {
  llvm::SmallVector<ResultGroup> groups;
  for (auto [i, value] : llvm::enumerate(yieldedValues(kernel))) {
    RankedTensorType type = tensorTypeOf(value);
    auto same =
        llvm::find_if(groups, [&](const ResultGroup& g) { return g.shape.getShape() == type.getShape(); });
    if (same == groups.end()) {
      groups.push_back({type, {}});
      same = std::prev(groups.end());
    }
    same->results.push_back(static_cast<unsigned>(i));
  }
  return groups;
}

bool isFlat(ir::KernelOp kernel, ArrayRef<int64_t> shape) {
  auto fits = [&](Value v) {
    RankedTensorType type = tensorTypeOf(v);
    return type.getRank() == 0 || type.getShape() == shape;
  };
  for (mlir::Operation& op : kernel.getBlock()) {
    if (op.hasTrait<mlir::OpTrait::IsTerminator>()) continue;
    if (auto constant = mlir::dyn_cast<ir::ConstantOp>(op)) {
      auto elements = mlir::dyn_cast<mlir::DenseElementsAttr>(constant.getValue());
      if (!elements || !elements.isSplat()) return false;
    } else if (auto broadcast = mlir::dyn_cast<ir::BroadcastOp>(op)) {
      if (tensorTypeOf(broadcast.getOperand()).getRank() != 0) return false;
    } else if (!op.hasTrait<ir::Elementwise>()) {
      return false;
    }
    if (!llvm::all_of(op.getOperands(), fits) || !llvm::all_of(op.getResults(), fits)) return false;
  }
  return true;
}

mlir::BlockArgument operandInMemory(Value value) {
  return mlir::dyn_cast<mlir::BlockArgument>(ir::storedValue(value));
}

bool isStoredInBf16(Value value) {
  mlir::BlockArgument stored = operandInMemory(value);
  return stored && tensorTypeOf(stored).getElementType().isBF16();
}

bool isNumberOfBf16(Value value) {
  auto cast = value.getDefiningOp<ir::CastOp>();
  return cast && tensorTypeOf(cast.getOperand()).getElementType().isBF16();
}

bool isRoundedToTf32(Value value) {
  return value.getDefiningOp<ir::RoundTf32Op>() != nullptr;
}

ir::DotOp tiledDot(ir::KernelOp kernel) {
  ir::DotOp dot;
  for (mlir::Operation& op : kernel.getBlock())
    if (auto found = mlir::dyn_cast<ir::DotOp>(op)) {
      if (dot) return {};
      dot = found;
    }
  if (!dot || !dot.getLhsBatch().empty() || dot.getLhsContract().size() != 1) return {};
  RankedTensorType lhs = tensorTypeOf(dot.getLhs()), rhs = tensorTypeOf(dot.getRhs());
  if (lhs.getRank() != 2 || rhs.getRank() != 2 || !operandInMemory(dot.getLhs()) ||
      !operandInMemory(dot.getRhs()))
    return {};
  for (Value result : yieldedValues(kernel))
    if (tensorTypeOf(result).getShape() != tensorTypeOf(dot.getResult()).getShape()) return {};
  if (llvm::is_contained(tensorTypeOf(dot.getResult()).getShape(), 0) ||
      llvm::is_contained(lhs.getShape(), 0))
    return {};
  return dot;
}

std::optional<ColumnShape> columnShapeOf(ir::KernelOp kernel) {
  int64_t channels = -1, rows = -1;
  bool fits = lanesPassThrough(kernel);
  auto agree = [&](int64_t& known, int64_t size) {
    fits &= known < 0 || known == size;
    known = size;
  };
  for (mlir::Operation& op : kernel.getBlock()) {
    if (mlir::isa<ir::TransposeOp, ir::ReshapeOp>(op)) fits = false;
    for (Value operand : op.getOperands())
      if (tensorTypeOf(operand).getRank() >= 2) {
        agree(rows, tensorTypeOf(operand).getDimSize(0));
        agree(channels, tensorTypeOf(operand).getShape().back());
      }
  }
  for (const ResultGroup& group : groupResults(kernel)) {
    fits &= group.shape.getRank() >= 1;
    if (group.shape.getRank() == 1) agree(channels, group.shape.getDimSize(0));
    if (group.shape.getRank() >= 2) agree(rows, group.shape.getDimSize(0));
  }
  if (!fits || rows < 0 || channels <= 0) return std::nullopt;
  return ColumnShape{rows, channels};
}

KernelWork workOf(ir::KernelOp kernel) {
  KernelWork work;
  auto bytesOf = [](mlir::Type type) {
    auto tensor = mlir::cast<RankedTensorType>(type);
    return uint64_t(tensor.getNumElements()) * std::max(8u, tensor.getElementTypeBitWidth()) / 8;
  };
  for (mlir::Type type : kernel.getArgumentTypes())
    work.bytes += bytesOf(type);
  for (mlir::Type type : kernel.getResultTypes())
    work.bytes += bytesOf(type);
  for (mlir::Operation& op : kernel.getBlock()) {
    if (auto dot = mlir::dyn_cast<ir::DotOp>(op)) {
      uint64_t depth = 1;
      for (int64_t dim : dot.getLhsContract())
        depth *= uint64_t(tensorTypeOf(dot.getLhs()).getDimSize(dim));
      work.flops += 2 * depth * uint64_t(tensorTypeOf(dot.getResult()).getNumElements());
    } else if (!op.hasTrait<mlir::OpTrait::IsTerminator>()) {
      uint64_t elements = 0;
      for (Value operand : op.getOperands())
        elements = std::max<uint64_t>(elements, tensorTypeOf(operand).getNumElements());
      work.flops += elements;
    }
  }
  return work;
}

} // namespace tailor::backend
