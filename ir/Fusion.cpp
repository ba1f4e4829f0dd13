#include "ir/Fusion.h"
#include "ir/StoredValue.h"
#include "ir/Tailor.h"

using namespace mlir;

namespace tailor::ir {

/// Largest value of a `scalar` group.
constexpr int64_t kMaxScalarElements = 4096;

FusionClass fusionClassOf(Operation* op) {
  auto fusible = dyn_cast<FusionOpInterface>(op);
  return fusible ? fusible.getFusionClass() : FusionClass::Other;
}

bool isMapClass(FusionClass fusionClass) {
  return fusionClass == FusionClass::Elementwise || fusionClass == FusionClass::Leaf ||
         fusionClass == FusionClass::Map || fusionClass == FusionClass::ChannelMap;
}

/// Every operand and result is rank 0 or a short vector.
static bool hasScalarShapes(Operation* op) {
  auto isShort = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() <= 1 && tensor.hasStaticShape() &&
           tensor.getNumElements() <= kMaxScalarElements;
  };
  return llvm::all_of(op->getOperandTypes(), isShort) && llvm::all_of(op->getResultTypes(), isShort);
}

bool fitsKind(Operation* op, FusionKind kind) {
  FusionClass fusionClass = fusionClassOf(op);
  bool isImageMap = isMapClass(fusionClass) || fusionClass == FusionClass::Movement;
  switch (kind) {
  case FusionKind::Map:
    return isImageMap;
  case FusionKind::Rows:
    return isMapClass(fusionClass) || fusionClass == FusionClass::RowReduction ||
           fusionClass == FusionClass::FullReduction || fusionClass == FusionClass::Loss ||
           fusionClass == FusionClass::LayerNorm;
  case FusionKind::Columns:
    return isMapClass(fusionClass) || fusionClass == FusionClass::ColumnReduction ||
           fusionClass == FusionClass::BatchNorm;
  case FusionKind::Gemm: {
    if (fusionClass != FusionClass::Contraction) return isMapClass(fusionClass);
    return cast<RankedTensorType>(op->getResult(0).getType()).getRank() == 2;
  }
  case FusionKind::MultiTensor:
    return fusionClass == FusionClass::MultiTensor || (isMapClass(fusionClass) && hasScalarShapes(op));
  case FusionKind::Scalar:
    return hasScalarShapes(op) &&
           (isMapClass(fusionClass) || fusionClass == FusionClass::RowReduction ||
            fusionClass == FusionClass::ColumnReduction || fusionClass == FusionClass::FullReduction);
  case FusionKind::Channels:
    return isImageMap || fusionClass == FusionClass::ChannelReduction;
  case FusionKind::Convolution:
    return isImageMap || fusionClass == FusionClass::Convolution;
  case FusionKind::Horizontal:
    return isa<PartOp>(op);
  case FusionKind::Single:
    return !isa<PartOp>(op);
  }
  llvm_unreachable("unknown fusion kind");
}

/// A tensor plays one role: each role is one region of memory, so an argument has one place in it.
static LogicalResult verifyRoles(Operation* owner, ArrayRef<Operation*> optimizerOps) {
  llvm::SmallDenseSet<Value> seen;
  for (Operation* op : optimizerOps) {
    auto multi = cast<MultiTensorOpInterface>(op);
    for (const TensorRole& role : multi.getOperandRoles())
      for (Value value : op->getOperands().slice(role.begin, multi.getNumTensors()))
        if (auto argument = dyn_cast<BlockArgument>(value); argument && !seen.insert(argument).second)
          return (owner->emitOpError("of kind multi_tensor uses argument ")
                  << argument.getArgNumber() << " as two tensors; '" << role.name << "' is the second role")
                     .attachNote(op->getLoc())
                 << "this op";
  }
  return success();
}

/// One optimizer op, or a parameter update and then the EMA of its results.
static LogicalResult verifyMultiTensor(Operation* owner, ArrayRef<Operation*> optimizerOps) {
  if (failed(verifyRoles(owner, optimizerOps))) return failure();
  if (optimizerOps.size() == 1) return success();
  if (optimizerOps.size() == 2 && cast<MultiTensorOpInterface>(optimizerOps[0]).isParameterUpdate())
    if (auto ema = dyn_cast<EmaUpdateOp>(optimizerOps[1]))
      if (llvm::all_of(ema.getValues(), [&](Value v) { return v.getDefiningOp() == optimizerOps[0]; }))
        return success();
  return owner->emitOpError(
             "of kind multi_tensor expects one optimizer op, or an update and the EMA of its results, "
             "but holds ")
         << optimizerOps.size();
}

Value weightOf(Operation* convolution) {
  return isa<Conv2dWeightGradOp>(convolution) ? Value() : convolution->getOperand(1);
}

/// One convolution, whose weight lies in memory.
static LogicalResult verifyConvolution(Operation* owner, ArrayRef<Operation*> convolutions) {
  if (convolutions.size() != 1)
    return owner->emitOpError("of kind convolution expects one convolution but holds ")
           << convolutions.size();
  Operation* convolution = convolutions.front();
  if (Value weight = weightOf(convolution); weight && !isa<BlockArgument>(storedValue(weight)))
    return (owner->emitOpError("of kind convolution computes the weight of its convolution")
                .attachNote(weight.getLoc())
            << "here");
  ArrayRef<int64_t> shape = cast<RankedTensorType>(convolution->getResult(0).getType()).getShape();
  for (Value yielded : owner->getRegion(0).front().getTerminator()->getOperands())
    if (cast<RankedTensorType>(yielded.getType()).getShape() != shape)
      return owner->emitOpError("of kind convolution yields ")
             << yielded.getType() << " beside a convolution of " << convolution->getResult(0).getType();
  return success();
}

/// Reductions over the images and positions of one shape. What they read is computed element by element; what is made of
/// their results, and of other vectors, is a vector over the channels, and the group's results are of these.
static LogicalResult verifyChannels(Operation* owner, ArrayRef<Operation*> reductions) {
  if (reductions.empty()) return owner->emitOpError("of kind channels holds no reduction over the channels");
  Type first = reductions.front()->getOperand(0).getType();
  for (Operation* reduction : reductions)
    if (Type other = reduction->getOperand(0).getType(); other != first)
      return (owner->emitOpError("of kind channels reduces ") << first << " and " << other)
                 .attachNote(reduction->getLoc())
             << "this op";
  ArrayRef<int64_t> channels = cast<RankedTensorType>(reductions.front()->getResult(0).getType()).getShape();
  llvm::SmallDenseSet<Value> made(reductions.front()->result_begin(), reductions.front()->result_end());
  for (Operation& op : owner->getRegion(0).front().without_terminator()) {
    const bool isReduction = llvm::is_contained(reductions, &op);
    auto isVector = [&](Type type) { return cast<RankedTensorType>(type).getShape() == channels; };
    if (llvm::any_of(op.getOperands(), [&](Value value) { return made.contains(value); })) {
      if (isReduction || !llvm::all_of(op.getResultTypes(), isVector))
        return (
            owner->emitOpError("of kind channels uses the result of a reduction before all rows are in it")
                .attachNote(op.getLoc())
            << "here");
    } else if (!isReduction) {
      continue;
    }
    made.insert(op.result_begin(), op.result_end());
  }
  for (Value yielded : owner->getRegion(0).front().getTerminator()->getOperands())
    if (!made.contains(yielded))
      return owner->emitOpError("of kind channels yields a value that is not made of a reduction");
  return success();
}

/// Parts that know nothing of each other, whose results are those of the group, in their order.
static LogicalResult verifyHorizontal(Operation* owner, unsigned numParts) {
  if (numParts < 2)
    return owner->emitOpError("of kind horizontal expects two parts or more but holds ") << numParts;
  Block& block = owner->getRegion(0).front();
  SmallVector<Value> results;
  for (Operation& part : block.without_terminator()) {
    if (!llvm::all_of(part.getOperands(), llvm::IsaPred<BlockArgument>))
      return (owner->emitOpError("of kind horizontal has a part that reads what another makes")
                  .attachNote(part.getLoc())
              << "this part");
    llvm::append_range(results, part.getResults());
  }
  if (!llvm::equal(results, block.getTerminator()->getOperands()))
    return owner->emitOpError("of kind horizontal does not yield what its parts make, in their order");
  return success();
}

LogicalResult verifyGroup(Operation* owner, Block& block, FusionKind kind) {
  SmallVector<Operation*> dots, optimizerOps, convolutions, reductions;
  unsigned numOps = 0;
  for (Operation& op : block.without_terminator()) {
    ++numOps;
    if (!fitsKind(&op, kind)) {
      InFlightDiagnostic diagnostic = owner->emitOpError("of kind ")
                                      << stringifyFusionKind(kind) << " cannot hold " << op.getName();
      diagnostic.attachNote(op.getLoc()) << "this op";
      return diagnostic;
    }
    FusionClass fusionClass = fusionClassOf(&op);
    if (fusionClass == FusionClass::Contraction) dots.push_back(&op);
    if (fusionClass == FusionClass::MultiTensor) optimizerOps.push_back(&op);
    if (fusionClass == FusionClass::Convolution) convolutions.push_back(&op);
    if (fusionClass == FusionClass::ChannelReduction) reductions.push_back(&op);
  }
  if (kind == FusionKind::Gemm && dots.size() != 1)
    return owner->emitOpError("of kind gemm expects one dot but holds ") << dots.size();
  if (kind == FusionKind::Single && numOps != 1)
    return owner->emitOpError("of kind single expects one op but holds ") << numOps;
  if (kind == FusionKind::MultiTensor) return verifyMultiTensor(owner, optimizerOps);
  if (kind == FusionKind::Convolution) return verifyConvolution(owner, convolutions);
  if (kind == FusionKind::Channels) return verifyChannels(owner, reductions);
  if (kind == FusionKind::Horizontal) return verifyHorizontal(owner, numOps);
  return success();
}

} // namespace tailor::ir
