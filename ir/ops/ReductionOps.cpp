#include "ir/ops/GradBuilder.h"

#include <numeric>

using namespace mlir;

namespace tailor::ir {

// --- fusion classes

/// Over [rows, columns] where rows is dimension 0: all other dimensions give RowReduction, dimension 0 (or
/// all but the last) gives ColumnReduction, the only dimension of a vector gives FullReduction.
static FusionClass reductionClass(RankedTensorType type, ArrayRef<int64_t> dims) {
  int64_t rank = type.getRank();
  SmallVector<int64_t> sorted(dims);
  llvm::sort(sorted);
  if (rank == 1 && sorted.size() == 1) return FusionClass::FullReduction;
  if (rank < 2) return FusionClass::Other;
  if (ArrayRef<int64_t>(sorted) == ArrayRef<int64_t>(otherDims({0}, rank))) return FusionClass::RowReduction;
  bool overRows = sorted.size() == 1 && sorted[0] == 0;
  if (overRows || ArrayRef<int64_t>(sorted) == ArrayRef<int64_t>(otherDims({rank - 1}, rank)))
    return FusionClass::ColumnReduction;
  return FusionClass::Other;
}

/// softmax and the like: rows of a matrix, or one vector.
static FusionClass alongClass(RankedTensorType type, int64_t dim) {
  bool isRow = (type.getRank() == 2 && dim == 1) || type.getRank() == 1;
  return isRow ? FusionClass::RowReduction : FusionClass::Other;
}

FusionClass ReduceSumOp::getFusionClass() {
  return reductionClass(tensorType(getOperand()), getDims());
}
FusionClass ReduceMeanOp::getFusionClass() {
  return reductionClass(tensorType(getOperand()), getDims());
}
FusionClass ReduceMaxOp::getFusionClass() {
  return reductionClass(tensorType(getOperand()), getDims());
}
FusionClass ReduceMinOp::getFusionClass() {
  return reductionClass(tensorType(getOperand()), getDims());
}
FusionClass MaskedMeanOp::getFusionClass() {
  return reductionClass(tensorType(getOperand()), {0});
}
FusionClass ArgmaxOp::getFusionClass() {
  return reductionClass(tensorType(getOperand()), {int64_t(getDim())});
}
FusionClass LogSumExpOp::getFusionClass() {
  return reductionClass(tensorType(getOperand()), {int64_t(getDim())});
}
FusionClass SoftmaxOp::getFusionClass() {
  return alongClass(getType(), getDim());
}
FusionClass LogSoftmaxOp::getFusionClass() {
  return alongClass(getType(), getDim());
}
FusionClass L2NormalizeOp::getFusionClass() {
  return alongClass(getType(), getDim());
}

// --- types

/// The operand's type without `dims`.
template <typename ConcreteOp>
static LogicalResult inferReduced(std::optional<Location> location, Value operand, ArrayRef<int64_t> dims,
                                  Type elementType, SmallVectorImpl<Type>& types) {
  RankedTensorType type = tensorType(operand);
  for (auto [index, dim] : llvm::enumerate(dims)) {
    if (dim < 0 || dim >= type.getRank())
      return inferError<ConcreteOp>(location, "reduces dimension ", dim, " of a value with ", type.getRank(),
                                    " dimensions");
    if (llvm::is_contained(dims.take_front(index), dim))
      return inferError<ConcreteOp>(location, "reduces dimension ", dim, " twice");
  }
  SmallVector<int64_t> shape;
  for (int64_t dim : otherDims(dims, type.getRank()))
    shape.push_back(type.getDimSize(dim));
  types.push_back(RankedTensorType::get(shape, elementType));
  return success();
}

#define TAILOR_INFER_REDUCED(OpName, dimsExpression, elementExpression)                                      \
  LogicalResult OpName::inferReturnTypes(MLIRContext* context, std::optional<Location> location,             \
                                         Adaptor adaptor, SmallVectorImpl<Type>& types) {                    \
    (void)context;                                                                                           \
    return inferReduced<OpName>(location, adaptor.getOperand(), dimsExpression, elementExpression, types);   \
  }
TAILOR_INFER_REDUCED(ReduceSumOp, adaptor.getDims(), tensorType(adaptor.getOperand()).getElementType())
TAILOR_INFER_REDUCED(ReduceMeanOp, adaptor.getDims(), tensorType(adaptor.getOperand()).getElementType())
TAILOR_INFER_REDUCED(ReduceMaxOp, adaptor.getDims(), tensorType(adaptor.getOperand()).getElementType())
TAILOR_INFER_REDUCED(ReduceMinOp, adaptor.getDims(), tensorType(adaptor.getOperand()).getElementType())
TAILOR_INFER_REDUCED(LogSumExpOp, {int64_t(adaptor.getDim())},
                     tensorType(adaptor.getOperand()).getElementType())
TAILOR_INFER_REDUCED(MaskedMeanOp, {0}, tensorType(adaptor.getOperand()).getElementType())
TAILOR_INFER_REDUCED(ArgmaxOp, {int64_t(adaptor.getDim())}, IntegerType::get(context, 32))
#undef TAILOR_INFER_REDUCED

LogicalResult SortPermOp::inferReturnTypes(MLIRContext* context, std::optional<Location> location,
                                           Adaptor adaptor, SmallVectorImpl<Type>& types) {
  RankedTensorType type = tensorType(adaptor.getOperand());
  if (int64_t dim = adaptor.getDim(); dim < 0 || dim >= type.getRank())
    return inferError<SortPermOp>(location, "sorts dimension ", dim, " of a value with ", type.getRank(),
                                  " dimensions");
  types.push_back(type.clone(IntegerType::get(context, 32)));
  return success();
}

template <typename ConcreteOp> static LogicalResult verifyAlong(ConcreteOp op) {
  if (int64_t dim = op.getDim(); dim < 0 || dim >= op.getType().getRank())
    return op.emitOpError("works along dimension ")
           << dim << " of a value with " << op.getType().getRank() << " dimensions";
  return success();
}

LogicalResult SoftmaxOp::verify() {
  return verifyAlong(*this);
}
LogicalResult LogSoftmaxOp::verify() {
  return verifyAlong(*this);
}
LogicalResult L2NormalizeOp::verify() {
  if (!(getEpsilon().convertToDouble() > 0.0))
    return emitOpError("expects epsilon > 0, got ") << getEpsilon().convertToDouble();
  return verifyAlong(*this);
}

// --- folders: a reduction over nothing

OpFoldResult ReduceSumOp::fold(FoldAdaptor) {
  return getDims().empty() ? OpFoldResult(getOperand()) : OpFoldResult();
}
OpFoldResult ReduceMeanOp::fold(FoldAdaptor) {
  return getDims().empty() ? OpFoldResult(getOperand()) : OpFoldResult();
}
OpFoldResult ReduceMaxOp::fold(FoldAdaptor) {
  return getDims().empty() ? OpFoldResult(getOperand()) : OpFoldResult();
}
OpFoldResult ReduceMinOp::fold(FoldAdaptor) {
  return getDims().empty() ? OpFoldResult(getOperand()) : OpFoldResult();
}

// --- derivatives

LogicalResult ReduceSumOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  if (needed[0]) gradients[0] = b.unreduce(cotangents[0], getDims(), tensorType(getOperand()).getShape());
  return success();
}

LogicalResult ReduceMeanOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                     SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  double count = 1.0;
  for (int64_t dim : getDims())
    count *= static_cast<double>(tensorType(getOperand()).getDimSize(dim));
  Value share = b.div(cotangents[0], b.fillLike(cotangents[0], count));
  gradients[0] = b.unreduce(share, getDims(), tensorType(getOperand()).getShape());
  return success();
}

/// max and min: the gradient is shared by the elements equal to the result. A NaN is the result wherever it is: it
/// must not lose its gradient in silence.
static Value extremumGradient(GradBuilder& b, Value x, Value y, Value g, ArrayRef<int64_t> dims) {
  ArrayRef<int64_t> shape = tensorType(x).getShape();
  Value wins = b.create<LogicalOrOp>(b.compare(x, Direction::Eq, b.unreduce(y, dims, shape)),
                                     b.compare(x, Direction::Ne, x));
  Value count = b.sum(b.cast(wins, tensorType(x).getElementType()), dims);
  return b.keep(wins, b.unreduce(b.div(g, count), dims, shape));
}

LogicalResult ReduceMaxOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  if (needed[0]) gradients[0] = extremumGradient(b, getOperand(), getResult(), cotangents[0], getDims());
  return success();
}

LogicalResult ReduceMinOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  if (needed[0]) gradients[0] = extremumGradient(b, getOperand(), getResult(), cotangents[0], getDims());
  return success();
}

// d logsumexp = softmax(x) = e^(x - y)
LogicalResult LogSumExpOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  int64_t dim = getDim();
  ArrayRef<int64_t> shape = tensorType(getOperand()).getShape();
  Value probabilities = b.exp(b.sub(getOperand(), b.unreduce(getResult(), {dim}, shape)));
  gradients[0] = b.mul(b.unreduce(cotangents[0], {dim}, shape), probabilities);
  return success();
}

// dx = y (g - sum(g y))
LogicalResult SoftmaxOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                  SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  int64_t dim = getDim();
  Value g = cotangents[0], y = getResult();
  Value mean = b.unreduce(b.sum(b.mul(g, y), {dim}), {dim}, getType().getShape());
  gradients[0] = b.mul(y, b.sub(g, mean));
  return success();
}

// dx = g - e^y sum(g)
LogicalResult LogSoftmaxOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                     SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  int64_t dim = getDim();
  Value g = cotangents[0];
  Value total = b.unreduce(b.sum(g, {dim}), {dim}, getType().getShape());
  gradients[0] = b.sub(g, b.mul(b.exp(getResult()), total));
  return success();
}

// n = max(norm, epsilon): dx = (g - y sum(g y)) / n where norm > epsilon, else g / epsilon
LogicalResult L2NormalizeOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                      SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  int64_t dim = getDim();
  ArrayRef<int64_t> shape = getType().getShape();
  Value g = cotangents[0], y = getResult();
  Value norm = b.create<SqrtOp>(b.sum(b.square(getOperand()), {dim}));
  Value epsilon = b.fillLike(norm, getEpsilon().convertToDouble());
  Value along = b.keep(b.compare(norm, Direction::Gt, epsilon), b.sum(b.mul(g, y), {dim}));
  Value numerator = b.sub(g, b.mul(y, b.unreduce(along, {dim}, shape)));
  gradients[0] = b.div(numerator, b.unreduce(b.create<MaxOp>(norm, epsilon), {dim}, shape));
  return success();
}

// dx[n] = g / max(valid, 1) for n < valid, else 0
LogicalResult MaskedMeanOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                     SmallVectorImpl<Value>& gradients) {
  gradients.assign(2, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  RankedTensorType type = tensorType(getOperand());
  Value g = cotangents[0];
  Value count = b.cast(b.create<MaxOp>(getValid(), b.fillLike(getValid(), 1.0)), type.getElementType());
  ArrayRef<int64_t> rowShape = type.getShape().drop_front();
  SmallVector<int64_t> allDims(rowShape.size());
  std::iota(allDims.begin(), allDims.end(), 0);
  Value share = b.unreduce(b.div(g, b.unreduce(count, allDims, rowShape)), {0}, type.getShape());
  auto maskType = RankedTensorType::get({type.getDimSize(0)}, builder.getI1Type());
  Value mask = b.create<RowMaskOp>(maskType, getValid());
  gradients[0] = b.keep(b.unreduce(mask, otherDims({0}, type.getRank()), type.getShape()), share);
  return success();
}

} // namespace tailor::ir
