#include "backend/reference/Evaluators.h"
#include "backend/reference/Index.h"
#include "backend/reference/LinearAlgebra.h"
#include "backend/reference/Reduction.h"
#include "backend/reference/ShapeOps.h"
#include "ir/Tailor.h"

/// Shape, reduction, linear algebra and index ops.
namespace tailor::backend::reference {

using llvm::success;

void addShape(Evaluators& evaluators) {
  evaluators.add<ir::BroadcastOp>([](ir::BroadcastOp op, Operands in, Results& out) {
    out.push_back(broadcast(*in[0], shapeOf(op.getType()), toShape(op.getDims())));
    return success();
  });
  evaluators.add<ir::ReshapeOp>([](ir::ReshapeOp op, Operands in, Results& out) {
    out.push_back(in[0]->reshaped(shapeOf(op.getType())));
    return success();
  });
  evaluators.add<ir::TransposeOp>([](ir::TransposeOp op, Operands in, Results& out) {
    out.push_back(transpose(*in[0], toShape(op.getPermutation())));
    return success();
  });
  evaluators.add<ir::SliceOp>([](ir::SliceOp op, Operands in, Results& out) {
    out.push_back(slice(*in[0], toShape(op.getStarts()), toShape(op.getStrides()), shapeOf(op.getType())));
    return success();
  });
  evaluators.add<ir::PadOp>([](ir::PadOp op, Operands in, Results& out) {
    out.push_back(pad(*in[0], toShape(op.getLow()), toShape(op.getHigh()), toShape(op.getInterior()),
                      op.getValue().convertToDouble()));
    return success();
  });
  evaluators.add<ir::ConcatOp>([](ir::ConcatOp op, Operands in, Results& out) {
    std::vector<Tensor> parts;
    for (const Tensor* part : in)
      parts.push_back(*part);
    out.push_back(concat(parts, op.getDim()));
    return success();
  });
  evaluators.add<ir::RollOp>([](ir::RollOp op, Operands in, Results& out) {
    out.push_back(roll(*in[0], op.getDim(), op.getShift()));
    return success();
  });
  evaluators.add<ir::IotaOp>([](ir::IotaOp op, Operands, Results& out) {
    out.push_back(iota(elementOf(op.getType()), shapeOf(op.getType()), op.getDim()));
    return success();
  });
  evaluators.add<ir::RowMaskOp>([](ir::RowMaskOp op, Operands in, Results& out) {
    out.push_back(rowMask(shapeOf(op.getType())[0], in[0]->integerAt(0)));
    return success();
  });
}

namespace {

template <typename OpT, Reduction reduction> void addReduce(Evaluators& evaluators) {
  evaluators.add<OpT>([](OpT op, Operands in, Results& out) {
    out.push_back(reduce(*in[0], toShape(op.getDims()), reduction));
    return success();
  });
}

/// An index outside its table is an error of the data; the message names place, value and bound.
llvm::LogicalResult checkIndices(mlir::Operation* op, const Tensor& indices, int64_t bound) {
  const int64_t place = findOutOfRange(indices, bound);
  if (place < 0) return success();
  return op->emitOpError("index ") << indices.integers()[place] << " at position " << place
                                   << " is outside [0, " << bound << ")";
}

} // namespace

void addReduction(Evaluators& evaluators) {
  addReduce<ir::ReduceSumOp, Reduction::sum>(evaluators);
  addReduce<ir::ReduceMeanOp, Reduction::mean>(evaluators);
  addReduce<ir::ReduceMaxOp, Reduction::max>(evaluators);
  addReduce<ir::ReduceMinOp, Reduction::min>(evaluators);
  evaluators.add<ir::ArgmaxOp>([](ir::ArgmaxOp op, Operands in, Results& out) {
    out.push_back(argmax(*in[0], op.getDim()));
    return success();
  });
  evaluators.add<ir::SortPermOp>([](ir::SortPermOp op, Operands in, Results& out) {
    out.push_back(sortPermutation(*in[0], op.getDim(), op.getDescending()));
    return success();
  });
  evaluators.add<ir::LogSumExpOp>([](ir::LogSumExpOp op, Operands in, Results& out) {
    out.push_back(logsumexp(*in[0], op.getDim()));
    return success();
  });
  evaluators.add<ir::SoftmaxOp>([](ir::SoftmaxOp op, Operands in, Results& out) {
    out.push_back(softmax(*in[0], op.getDim()));
    return success();
  });
  evaluators.add<ir::LogSoftmaxOp>([](ir::LogSoftmaxOp op, Operands in, Results& out) {
    out.push_back(logSoftmax(*in[0], op.getDim()));
    return success();
  });
  evaluators.add<ir::L2NormalizeOp>([](ir::L2NormalizeOp op, Operands in, Results& out) {
    out.push_back(l2Normalize(*in[0], op.getDim(), op.getEpsilon().convertToDouble()));
    return success();
  });
  evaluators.add<ir::MaskedMeanOp>([](ir::MaskedMeanOp, Operands in, Results& out) {
    out.push_back(maskedMean(*in[0], in[1]->integerAt(0)));
    return success();
  });
}

void addLinearAlgebra(Evaluators& evaluators) {
  evaluators.add<ir::DotOp>([](ir::DotOp op, Operands in, Results& out) {
    out.push_back(dot(*in[0], *in[1],
                      {toShape(op.getLhsBatch()), toShape(op.getRhsBatch()), toShape(op.getLhsContract()),
                       toShape(op.getRhsContract())}));
    return success();
  });
}

void addIndex(Evaluators& evaluators) {
  evaluators.add<ir::TakeOp>([](ir::TakeOp op, Operands in, Results& out) -> llvm::LogicalResult {
    if (failed(checkIndices(op, *in[1], in[0]->dim(0)))) return llvm::failure();
    out.push_back(take(*in[0], *in[1]));
    return success();
  });
  evaluators.add<ir::TakeAlongOp>([](ir::TakeAlongOp op, Operands in, Results& out) -> llvm::LogicalResult {
    if (failed(checkIndices(op, *in[1], in[0]->shape().back()))) return llvm::failure();
    out.push_back(takeAlong(*in[0], *in[1]));
    return success();
  });
  evaluators.add<ir::ScatterAddOp>([](ir::ScatterAddOp op, Operands in, Results& out) -> llvm::LogicalResult {
    if (failed(checkIndices(op, *in[1], in[0]->dim(0)))) return llvm::failure();
    out.push_back(scatterAdd(*in[0], *in[1], *in[2]));
    return success();
  });
  evaluators.add<ir::OneHotOp>([](ir::OneHotOp op, Operands in, Results& out) {
    out.push_back(oneHot(elementOf(op.getType()), *in[0], shapeOf(op.getType()).back()));
    return success();
  });
}

} // namespace tailor::backend::reference
