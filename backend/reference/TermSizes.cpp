#include "backend/reference/TermSizes.h"

#include "backend/reference/Elementwise.h"
#include "ir/Tailor.h"

#include <cmath>

namespace tailor::backend::reference {
namespace {

Tensor magnitudes(const Tensor& tensor) {
  return tensor.isReal() ? map(tensor, [](double value) { return std::abs(value); }) : tensor;
}

/// mean + |x - mean|, channel by channel: what makes of (x - mean) its magnitude.
Tensor apartFromMean(const Tensor& x, const Tensor& mean) {
  Tensor result = x;
  const int64_t channels = mean.size();
  for (int64_t i = 0; i < x.size(); ++i) {
    const double middle = mean.reals()[i % channels];
    result.reals()[i] = middle + std::abs(x.reals()[i] - middle);
  }
  return result;
}

llvm::SmallVector<Tensor> evaluated(mlir::Operation* op, llvm::ArrayRef<Tensor> operands) {
  llvm::SmallVector<const Tensor*> pointers;
  for (const Tensor& operand : operands)
    pointers.push_back(&operand);
  llvm::SmallVector<Tensor> results;
  const Evaluators::Function evaluate = Evaluators::all().find(op->getName().getStringRef());
  if (!evaluate || failed(evaluate(op, pointers, results))) return {};
  return results;
}

Tensor nothing() {
  return Tensor(Element::f64, Shape{0});
}

} // namespace

llvm::SmallVector<Tensor> termSizes(mlir::Operation* op, Operands operands) {
  llvm::SmallVector<Tensor> sized;
  // Sums of products of the operands: those of their magnitudes.
  if (llvm::isa<ir::ReduceSumOp, ir::ReduceMeanOp, ir::MaskedMeanOp, ir::DotOp, ir::Conv2dOp,
                ir::Conv2dDataGradOp, ir::Conv2dWeightGradOp, ir::AvgPool2dOp, ir::AvgPool2dGradOp,
                ir::ScatterAddOp>(op)) {
    for (const Tensor* operand : operands)
      sized.push_back(magnitudes(*operand));
    return evaluated(op, sized);
  }
  if (llvm::isa<ir::BatchNormStatisticsOp>(op)) { // the mean; a variance adds squares
    for (const Tensor* operand : operands)
      sized.push_back(magnitudes(*operand));
    llvm::SmallVector<Tensor> sizes = evaluated(op, sized);
    if (!sizes.empty()) sizes[1] = nothing();
    return sizes;
  }
  const auto ofGradient = [&](const Tensor& mean) {
    sized.push_back(magnitudes(*operands[0]));
    sized.push_back(apartFromMean(*operands[1], mean));
    for (const Tensor* operand : operands.drop_front(2))
      sized.push_back(*operand);
    return evaluated(op, sized);
  };
  if (llvm::isa<ir::BatchNormGradStatisticsOp>(op)) return ofGradient(*operands[2]);
  if (llvm::isa<ir::BatchNormGradOp>(op)) { // dx is no sum, the gradients of scale and bias are
    llvm::SmallVector<Tensor> sizes = ofGradient(*operands[3]);
    if (!sizes.empty()) sizes[0] = nothing();
    return sizes;
  }
  return {};
}

} // namespace tailor::backend::reference
