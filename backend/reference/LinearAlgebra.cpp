#include "backend/reference/LinearAlgebra.h"

#include "backend/reference/ShapeOps.h"

#include <algorithm>

namespace tailor::backend::reference {
namespace {

/// One operand seen as [batch, free, contracting], by a transpose when it is not laid out so.
struct DotOperand {
  Tensor values;
  Shape batchShape, freeShape;
  int64_t batch = 1, free = 1, contracting = 1;

  DotOperand(const Tensor& x, const Shape& batchDims, const Shape& contractingDims) {
    Shape order = batchDims;
    for (int64_t d = 0; d < x.rank(); ++d) {
      const bool taken =
          std::find(batchDims.begin(), batchDims.end(), d) != batchDims.end() ||
          std::find(contractingDims.begin(), contractingDims.end(), d) != contractingDims.end();
      if (taken) continue;
      order.push_back(d);
      freeShape.push_back(x.dim(d));
      free *= x.dim(d);
    }
    for (int64_t d : batchDims) {
      batchShape.push_back(x.dim(d));
      batch *= x.dim(d);
    }
    for (int64_t d : contractingDims) {
      order.push_back(d);
      contracting *= x.dim(d);
    }
    values = transpose(x, order);
  }
};

} // namespace

Tensor dot(const Tensor& lhs, const Tensor& rhs, const DotDimensions& dimensions) {
  const DotOperand a(lhs, dimensions.lhsBatch, dimensions.lhsContracting);
  const DotOperand b(rhs, dimensions.rhsBatch, dimensions.rhsContracting);
  Shape shape = a.batchShape;
  shape.insert(shape.end(), a.freeShape.begin(), a.freeShape.end());
  shape.insert(shape.end(), b.freeShape.begin(), b.freeShape.end());
  Tensor y(lhs.element(), shape);
  for (int64_t n = 0; n < a.batch; ++n)
    for (int64_t i = 0; i < a.free; ++i)
      for (int64_t j = 0; j < b.free; ++j) {
        const double* left = &a.values.reals()[(n * a.free + i) * a.contracting];
        const double* right = &b.values.reals()[(n * b.free + j) * a.contracting];
        double sum = 0;
        for (int64_t k = 0; k < a.contracting; ++k)
          sum += left[k] * right[k];
        y.reals()[(n * a.free + i) * b.free + j] = sum;
      }
  return y;
}

} // namespace tailor::backend::reference
