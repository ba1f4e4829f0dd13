#include "passes/analysis/Groups.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace tailor::passes {
namespace {

using ir::FusionClass;
using ir::FusionKind;

int64_t rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

/// The kind that the op's class asks for.
FusionKind kindWanted(Operation* op) {
  bool isScalar =
      op->getNumResults() > 0 && llvm::all_of(op->getResults(), [](Value v) { return rankOf(v) == 0; });
  switch (ir::fusionClassOf(op)) {
  case FusionClass::Elementwise:
  case FusionClass::Leaf:
  case FusionClass::Map:
  case FusionClass::ChannelMap:
    return isScalar ? FusionKind::Scalar : FusionKind::Map;
  case FusionClass::RowReduction: // of a vector: the vector is one row
    return rankOf(op->getOperand(0)) == 1 ? FusionKind::Scalar : FusionKind::Rows;
  case FusionClass::Loss:
  case FusionClass::LayerNorm:
    return FusionKind::Rows;
  case FusionClass::ColumnReduction: // channels of images are not columns
  case FusionClass::BatchNorm:
    return rankOf(op->getOperand(0)) == 2 ? FusionKind::Columns : FusionKind::Single;
  case FusionClass::ChannelReduction:
    return FusionKind::Channels;
  case FusionClass::FullReduction:
    return ir::fitsKind(op, FusionKind::Scalar) ? FusionKind::Scalar : FusionKind::Rows;
  case FusionClass::Contraction:
    return FusionKind::Gemm;
  case FusionClass::MultiTensor:
    return FusionKind::MultiTensor;
  case FusionClass::Convolution:
  case FusionClass::Movement: // FuseConvolutions gives it to who reads it
  case FusionClass::Other:
    return FusionKind::Single;
  }
  llvm_unreachable("every class has a kind");
}

/// How a broadcast reads its operand, relative to its result.
Layout broadcastLayout(ir::BroadcastOp broadcast) {
  int64_t rank = rankOf(broadcast.getOperand()), resultRank = rankOf(broadcast.getResult());
  if (rank == 0) return Layout::scalar;
  if (rank != 1 || domainOf(broadcast.getOperand().getType()).rows == 1) return Layout::whole;
  if (broadcast.getDims()[0] == 0) return Layout::row;
  return resultRank == 2 ? Layout::column : Layout::whole;
}

} // namespace

FusionKind kindOfSingle(Operation* op) {
  if (auto fused = dyn_cast<ir::FusedOp>(op)) return fused.getKind();
  FusionKind wanted = kindWanted(op);
  return wanted == FusionKind::Single || ir::fitsKind(op, wanted) ? wanted : FusionKind::Single;
}

Domain domainOf(Type type) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
  Domain domain;
  if (!shape.empty()) {
    domain.rows = shape.front();
    for (int64_t size : shape.drop_front())
      domain.columns *= size;
  }
  return domain;
}

Domain domainOf(Operation* op) {
  switch (ir::fusionClassOf(op)) {
  case FusionClass::RowReduction:
  case FusionClass::ColumnReduction:
  case FusionClass::FullReduction:
  case FusionClass::ChannelReduction:
  case FusionClass::BatchNorm:
  case FusionClass::LayerNorm:
    return domainOf(op->getOperand(0).getType());
  case FusionClass::Loss: // the logits, which are the first matrix among the operands (or the first vector)
    for (Value operand : op->getOperands())
      if (rankOf(operand) == 2) return domainOf(operand.getType());
    for (Value operand : op->getOperands())
      if (rankOf(operand) == 1) return domainOf(operand.getType());
    return Domain();
  default:
    return op->getNumResults() ? domainOf(op->getResult(0).getType()) : Domain();
  }
}

Layout readLayout(OpOperand& use) {
  Operation* op = use.getOwner();
  int64_t rank = rankOf(use.get());
  switch (ir::fusionClassOf(op)) {
  case FusionClass::Elementwise:
    return rank == 0 ? Layout::scalar : Layout::full;
  case FusionClass::Leaf:
    if (auto broadcast = dyn_cast<ir::BroadcastOp>(op)) return broadcastLayout(broadcast);
    return rank == 0 ? Layout::scalar : Layout::whole;
  case FusionClass::Map: // a table, an index or a key is read as the op likes
    return Layout::whole;
  case FusionClass::RowReduction:
  case FusionClass::ColumnReduction:
    return use.getOperandNumber() == 0 ? Layout::full : Layout::whole;
  case FusionClass::FullReduction:
    return use.getOperandNumber() == 0 ? Layout::row : Layout::whole;
  case FusionClass::Loss:
  case FusionClass::BatchNorm:
  case FusionClass::ChannelMap:
  case FusionClass::ChannelReduction:
    if (rank == 0) return Layout::scalar;
    return rank >= 2 && domainOf(use.get().getType()) == domainOf(op) ? Layout::full : Layout::whole;
  case FusionClass::LayerNorm:
  case FusionClass::Contraction:
  case FusionClass::Convolution:
  case FusionClass::MultiTensor:
  case FusionClass::Movement:
  case FusionClass::Other:
    return Layout::whole;
  }
  llvm_unreachable("every class reads its operands somehow");
}

Layout writeLayout(OpResult result) {
  Operation* op = result.getOwner();
  int64_t rank = rankOf(result);
  if (rank == 0) return Layout::scalar;
  bool isFull = rank >= 2 && domainOf(result.getType()) == domainOf(op);
  switch (ir::fusionClassOf(op)) {
  case FusionClass::Elementwise:
  case FusionClass::Leaf:
  case FusionClass::Map:
  case FusionClass::ChannelMap:
  case FusionClass::Contraction:
    return Layout::full;
  case FusionClass::RowReduction:
  case FusionClass::Loss:
    return isFull ? Layout::full : Layout::row;
  case FusionClass::ColumnReduction:
  case FusionClass::BatchNorm:
    return isFull ? Layout::full : Layout::column;
  case FusionClass::ChannelReduction:
    return Layout::column;
  case FusionClass::FullReduction:
  case FusionClass::LayerNorm:
  case FusionClass::Convolution:
  case FusionClass::MultiTensor:
  case FusionClass::Movement:
  case FusionClass::Other:
    return Layout::whole;
  }
  llvm_unreachable("every class writes its results somehow");
}

} // namespace tailor::passes
