#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

SmallVector<int64_t> otherDims(ArrayRef<int64_t> dims, int64_t rank) {
  SmallVector<int64_t> others;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(dims, dim)) others.push_back(dim);
  return others;
}

Value GradBuilder::cast(Value value, Type elementType) {
  if (tensorType(value).getElementType() == elementType) return value;
  return create<CastOp>(value, elementType);
}

Value GradBuilder::reshape(Value value, RankedTensorType type) {
  if (value.getType() == type) return value;
  return create<ReshapeOp>(type, value);
}

Value GradBuilder::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (llvm::is_sorted(permutation)) return value;
  return create<TransposeOp>(value, permutation);
}

Value GradBuilder::sum(Value value, ArrayRef<int64_t> dims) {
  if (dims.empty()) return value;
  return create<ReduceSumOp>(value, dims);
}

Value GradBuilder::sumToChannels(Value value) {
  int64_t last = tensorType(value).getRank() - 1;
  return sum(value, otherDims({last}, last + 1));
}

Value GradBuilder::unreduce(Value value, ArrayRef<int64_t> dims, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, tensorType(value).getElementType());
  if (value.getType() == type) return value;
  return create<BroadcastOp>(type, value, otherDims(dims, shape.size()));
}

Value GradBuilder::overChannels(Value vector, ArrayRef<int64_t> shape) {
  int64_t last = static_cast<int64_t>(shape.size()) - 1;
  return unreduce(vector, otherDims({last}, last + 1), shape);
}

} // namespace tailor::ir
