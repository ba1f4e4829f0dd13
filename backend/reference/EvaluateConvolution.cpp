#include "backend/reference/Convolution.h"
#include "backend/reference/Evaluators.h"
#include "backend/reference/Pooling.h"
#include "ir/Tailor.h"

/// Convolution and pooling ops.
namespace tailor::backend::reference {
namespace {

using llvm::ArrayRef;
using llvm::success;

/// strides and dilation are [height, width], padding [top, bottom, left, right].
Window windowOf(ArrayRef<int64_t> strides, ArrayRef<int64_t> padding, ArrayRef<int64_t> dilation) {
  return {.strides = {strides[0], strides[1]},
          .paddingLow = {padding[0], padding[2]},
          .paddingHigh = {padding[1], padding[3]},
          .dilation = {dilation[0], dilation[1]}};
}

template <typename OpT> Window windowOf(OpT op) {
  return windowOf(op.getStrides(), op.getPadding(), op.getDilation());
}

template <typename OpT> Pooling poolingOf(OpT op) {
  Pooling pooling{.kernel = {op.getWindow()[0], op.getWindow()[1]},
                  .window = windowOf(op.getStrides(), op.getPadding(), {1, 1})};
  if constexpr (requires { op.getCountIncludePad(); }) pooling.countIncludePad = op.getCountIncludePad();
  return pooling;
}

} // namespace

void addConvolution(Evaluators& evaluators) {
  evaluators.add<ir::Conv2dOp>([](ir::Conv2dOp op, Operands in, Results& out) {
    out.push_back(conv2d(*in[0], *in[1], windowOf(op), op.getGroups()));
    return success();
  });
  evaluators.add<ir::Conv2dDataGradOp>([](ir::Conv2dDataGradOp op, Operands in, Results& out) {
    out.push_back(conv2dDataGrad(*in[0], *in[1], shapeOf(op.getType()), windowOf(op), op.getGroups()));
    return success();
  });
  evaluators.add<ir::Conv2dWeightGradOp>([](ir::Conv2dWeightGradOp op, Operands in, Results& out) {
    out.push_back(conv2dWeightGrad(*in[0], *in[1], shapeOf(op.getType()), windowOf(op), op.getGroups()));
    return success();
  });
  evaluators.add<ir::MaxPool2dOp>([](ir::MaxPool2dOp op, Operands in, Results& out) {
    out.push_back(maxPool2d(*in[0], shapeOf(op.getType()), poolingOf(op)));
    return success();
  });
  evaluators.add<ir::MaxPool2dGradOp>([](ir::MaxPool2dGradOp op, Operands in, Results& out) {
    out.push_back(maxPool2dGrad(*in[1], *in[0], poolingOf(op)));
    return success();
  });
  evaluators.add<ir::AvgPool2dOp>([](ir::AvgPool2dOp op, Operands in, Results& out) {
    out.push_back(avgPool2d(*in[0], shapeOf(op.getType()), poolingOf(op)));
    return success();
  });
  evaluators.add<ir::AvgPool2dGradOp>([](ir::AvgPool2dGradOp op, Operands in, Results& out) {
    out.push_back(avgPool2dGrad(*in[0], shapeOf(op.getType()), poolingOf(op)));
    return success();
  });
}

} // namespace tailor::backend::reference
