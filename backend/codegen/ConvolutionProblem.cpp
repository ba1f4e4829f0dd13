#include "backend/codegen/ConvolutionProblem.h"

namespace tailor::backend {

using mlir::RankedTensorType;
using mlir::Value;

template <typename ConvOp>
static ConvolutionProblem problemOf(ConvOp op, ConvolutionProduct product, RankedTensorType x,
                                    RankedTensorType w, RankedTensorType y) {
  ConvolutionProblem problem;
  problem.product = product;
  problem.channels = x.getDimSize(3);
  problem.outputs = y.getDimSize(3);
  problem.groups = static_cast<int64_t>(op.getGroups());
  for (int axis = 0; axis < 2; ++axis) {
    problem.image[axis] = x.getDimSize(1 + axis);
    problem.output[axis] = y.getDimSize(1 + axis);
    problem.kernel[axis] = w.getDimSize(2 + axis);
    problem.strides[axis] = op.getStrides()[axis];
    problem.dilation[axis] = op.getDilation()[axis];
    problem.paddingLow[axis] = op.getPadding()[2 * axis];
    problem.paddingHigh[axis] = op.getPadding()[2 * axis + 1];
  }
  return problem;
}

std::optional<ConvolutionOp> convolutionOf(mlir::Operation* op) {
  ConvolutionOp conv;
  conv.op = op;
  auto type = [](Value v) { return mlir::cast<RankedTensorType>(v.getType()); };
  if (auto forward = mlir::dyn_cast<ir::Conv2dOp>(op))
    conv.problem = problemOf(forward, ConvolutionProduct::forward, type(forward.getInput()),
                             type(forward.getWeight()), type(forward.getResult()));
  else if (auto data = mlir::dyn_cast<ir::Conv2dDataGradOp>(op))
    conv.problem = problemOf(data, ConvolutionProduct::dataGradient, type(data.getResult()),
                             type(data.getWeight()), type(data.getOutputGrad()));
  else if (auto weight = mlir::dyn_cast<ir::Conv2dWeightGradOp>(op))
    conv.problem = problemOf(weight, ConvolutionProduct::weightGradient, type(weight.getInput()),
                             type(weight.getResult()), type(weight.getOutputGrad()));
  else
    return std::nullopt;
  return conv;
}

Value ConvolutionOp::image() const {
  return problem.product == ConvolutionProduct::dataGradient ? Value() : op->getOperand(0);
}

Value ConvolutionOp::weight() const {
  return problem.product == ConvolutionProduct::weightGradient ? Value() : op->getOperand(1);
}

Value ConvolutionOp::outputGrad() const {
  switch (problem.product) {
  case ConvolutionProduct::forward:
    return {};
  case ConvolutionProduct::dataGradient:
    return op->getOperand(0);
  case ConvolutionProduct::weightGradient:
    return op->getOperand(1);
  }
  return {};
}

} // namespace tailor::backend
