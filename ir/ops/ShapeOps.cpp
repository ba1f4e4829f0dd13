#include "ir/OpIds.h"
#include "ir/ops/GradBuilder.h"

#include "mlir/IR/PatternMatch.h"

#include <limits>
#include <numeric>

using namespace mlir;

namespace tailor::ir {

// --- broadcast

LogicalResult BroadcastOp::verify() {
  ArrayRef<int64_t> from = tensorType(getOperand()).getShape(), to = getType().getShape();
  if (getDims().size() != from.size())
    return emitOpError("expects one result dimension per operand dimension: dims has ")
           << getDims().size() << " entries but the operand has " << from.size() << " dimensions";
  if (failed(checkDims(getDims(), to.size(), "dims", [&] { return emitOpError(); }))) return failure();
  if (!llvm::is_sorted(getDims())) return emitOpError("expects increasing dims");
  for (auto [index, dim] : llvm::enumerate(getDims()))
    if (from[index] != 1 && !sameSize(from[index], to[dim]))
      return emitOpError("operand dimension ") << index << " has size " << from[index]
                                               << " but result dimension " << dim << " has size " << to[dim];
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  std::optional<double> number = splatNumber(adaptor.getOperand());
  if (number && getType().hasStaticShape())
    return cast<DenseElementsAttr>(adaptor.getOperand()).resizeSplat(getType());
  return {};
}

/// Of a reshape that adds dimensions of size 1, where the operand's dimensions are in the result.
static std::optional<SmallVector<int64_t>> placesInReshape(ReshapeOp reshape) {
  ArrayRef<int64_t> from = tensorType(reshape.getOperand()).getShape(), to = reshape.getType().getShape();
  SmallVector<int64_t> places;
  for (auto [place, size] : llvm::enumerate(to)) {
    if (places.size() < from.size() && from[places.size()] == size)
      places.push_back(place);
    else if (size != 1)
      return std::nullopt;
  }
  return places.size() == from.size() ? std::optional(places) : std::nullopt;
}

/// broadcast(broadcast(x)) -> broadcast(x), and the same of a reshape that adds dimensions of size 1 (expand_dims):
/// a table over the classes is the same table however it was brought to the shape of the logits.
LogicalResult BroadcastOp::canonicalize(BroadcastOp op, PatternRewriter& rewriter) {
  std::optional<SmallVector<int64_t>> places; // of the source's dimensions in the operand
  Operation* inner = op.getOperand().getDefiningOp();
  if (auto broadcast = dyn_cast_or_null<BroadcastOp>(inner))
    places = SmallVector<int64_t>(broadcast.getDims());
  else if (auto reshape = dyn_cast_or_null<ReshapeOp>(inner))
    places = placesInReshape(reshape);
  if (!places) return failure();
  SmallVector<int64_t> dims;
  for (int64_t dim : *places)
    dims.push_back(op.getDims()[dim]);
  auto joined = BroadcastOp::create(rewriter, op.getLoc(), op.getType(), inner->getOperand(0), dims);
  inheritOrigin(joined, {op, inner});
  rewriter.replaceOp(op, joined);
  return success();
}

LogicalResult BroadcastOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  RankedTensorType from = tensorType(getOperand());
  SmallVector<int64_t> repeated = otherDims(getDims(), getType().getRank());
  for (auto [index, dim] : llvm::enumerate(getDims()))
    if (from.getDimSize(index) == 1 && getType().getDimSize(dim) != 1) repeated.push_back(dim);
  llvm::sort(repeated);
  gradients[0] = b.reshape(b.sum(cotangents[0], repeated), from);
  return success();
}

// --- reshape, transpose

LogicalResult ReshapeOp::verify() {
  RankedTensorType from = tensorType(getOperand()), to = getType();
  if (!from.hasStaticShape() || !to.hasStaticShape()) return success();
  CheckedSize before = numElements(from.getShape()), after = numElements(to.getShape());
  if (!before.value || !after.value)
    return emitOpError("has more elements than 64 bits count: ")
           << shapeText((before.value ? to : from).getShape());
  if (*before.value != *after.value)
    return emitOpError("cannot make ") << shapeText(to.getShape()) << " (" << *after.value << " elements) of "
                                       << shapeText(from.getShape()) << " (" << *before.value << " elements)";
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  if (auto elements = dyn_cast_or_null<DenseElementsAttr>(adaptor.getOperand());
      elements && getType().hasStaticShape())
    return elements.reshape(getType());
  if (auto inner = getOperand().getDefiningOp<ReshapeOp>()) {
    getOperandMutable().assign(inner.getOperand());
    return getResult();
  }
  return {};
}

LogicalResult ReshapeOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                  SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, needed[0] ? b.reshape(cotangents[0], tensorType(getOperand())) : Value());
  return success();
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type>& types) {
  RankedTensorType type = tensorType(adaptor.getOperand());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  auto isPermutation = [&] {
    SmallVector<int64_t> sorted(permutation);
    llvm::sort(sorted);
    return llvm::all_of(llvm::enumerate(sorted), [](auto e) { return e.value() == int64_t(e.index()); });
  };
  if (int64_t(permutation.size()) != type.getRank() || !isPermutation())
    return inferError<TransposeOp>(location, "expects a permutation of the operand's ", type.getRank(),
                                   " dimensions");
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  types.push_back(type.clone(shape));
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (llvm::is_sorted(getPermutation())) return getOperand();
  if (splatNumber(adaptor.getOperand()))
    return cast<DenseElementsAttr>(adaptor.getOperand()).resizeSplat(getType());
  if (auto inner = getOperand().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> permutation;
    for (int64_t dim : getPermutation())
      permutation.push_back(inner.getPermutation()[dim]);
    setPermutation(permutation);
    getOperandMutable().assign(inner.getOperand());
    return getResult();
  }
  return {};
}

LogicalResult TransposeOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [index, dim] : llvm::enumerate(getPermutation()))
    inverse[dim] = index;
  gradients[0] = b.transpose(cotangents[0], inverse);
  return success();
}

// --- slice, pad

/// One entry per dimension in each list.
template <typename ConcreteOp>
static LogicalResult checkLists(std::optional<Location> location, int64_t rank,
                                ArrayRef<std::pair<StringRef, ArrayRef<int64_t>>> lists) {
  for (auto [name, list] : lists)
    if (int64_t(list.size()) != rank)
      return inferError<ConcreteOp>(location, name, " has ", list.size(), " entries but the operand has ",
                                    rank, " dimensions");
  return success();
}

/// Ops over images [N, ..., C] that leave each row of the batch where it is.
static FusionClass movementClass(Value images, bool keepsRows) {
  return keepsRows && tensorType(images).getRank() > 2 ? FusionClass::Movement : FusionClass::Other;
}

FusionClass SliceOp::getFusionClass() {
  RankedTensorType type = tensorType(getOperand());
  return movementClass(getOperand(), type.getRank() > 0 && getStarts()[0] == 0 && getStrides()[0] == 1 &&
                                         getLimits()[0] == type.getDimSize(0));
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type>& types) {
  RankedTensorType type = tensorType(adaptor.getOperand());
  ArrayRef<int64_t> starts = adaptor.getStarts(), limits = adaptor.getLimits(),
                    strides = adaptor.getStrides();
  if (failed(
          checkLists<SliceOp>(location, type.getRank(), {{"from", starts}, {"to", limits}, {"by", strides}})))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (strides[dim] < 1)
      return inferError<SliceOp>(location, "expects strides of at least 1, got ", strides[dim],
                                 " in dimension ", dim);
    bool beyond = !type.isDynamicDim(dim) && limits[dim] > type.getDimSize(dim);
    if (starts[dim] < 0 || starts[dim] > limits[dim] || beyond)
      return inferError<SliceOp>(location, "slice from ", starts[dim], " to ", limits[dim],
                                 " is not inside dimension ", dim, " of size ", type.getDimSize(dim));
    shape.push_back(llvm::divideCeil(limits[dim] - starts[dim], uint64_t(strides[dim])));
  }
  types.push_back(type.clone(shape));
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType() && getType().hasStaticShape()) return getOperand();
  if (splatNumber(adaptor.getOperand()))
    return cast<DenseElementsAttr>(adaptor.getOperand()).resizeSplat(getType());
  return {};
}

LogicalResult SliceOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  RankedTensorType from = tensorType(getOperand());
  SmallVector<int64_t> high, interior;
  for (int64_t dim = 0; dim < from.getRank(); ++dim) {
    int64_t size = getType().getDimSize(dim), stride = getStrides()[dim];
    int64_t end = size == 0 ? getStarts()[dim] : getStarts()[dim] + (size - 1) * stride + 1;
    high.push_back(from.getDimSize(dim) - end);
    interior.push_back(stride - 1);
  }
  gradients[0] = b.create<PadOp>(cotangents[0], getStarts(), high, interior, llvm::APFloat(0.0));
  return success();
}

/// Elements between channels would tear vectors of channels apart.
FusionClass PadOp::getFusionClass() {
  bool hasDims = tensorType(getOperand()).getRank() > 0;
  return movementClass(getOperand(), hasDims && getLow()[0] == 0 && getHigh()[0] == 0 &&
                                         getInterior()[0] == 0 && getInterior().back() == 0);
}

LogicalResult PadOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type>& types) {
  RankedTensorType type = tensorType(adaptor.getOperand());
  ArrayRef<int64_t> low = adaptor.getLow(), high = adaptor.getHigh(), interior = adaptor.getInterior();
  if (failed(checkLists<PadOp>(location, type.getRank(),
                               {{"low", low}, {"high", high}, {"interior", interior}})))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (low[dim] < 0 || high[dim] < 0 || interior[dim] < 0)
      return inferError<PadOp>(location, "expects padding of at least 0, got low ", low[dim], ", high ",
                               high[dim], ", interior ", interior[dim], " in dimension ", dim);
    if (type.isDynamicDim(dim)) {
      shape.push_back(ShapedType::kDynamic);
      continue;
    }
    int64_t size = type.getDimSize(dim);
    CheckedSize stride = CheckedSize(interior[dim]) + 1;
    CheckedSize spread = size == 0 ? CheckedSize(0) : stride * (size - 1) + 1;
    CheckedSize padded = CheckedSize(low[dim]) + spread + high[dim];
    if (!stride.value || !padded.value)
      return inferError<PadOp>(location, "pads dimension ", dim, " of size ", size, " by low ", low[dim],
                               ", high ", high[dim], ", interior ", interior[dim],
                               ", which 64 bits cannot count");
    shape.push_back(*padded.value);
  }
  types.push_back(type.clone(shape));
  return success();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  return getOperand().getType() == getType() && getType().hasStaticShape() ? OpFoldResult(getOperand())
                                                                           : OpFoldResult();
}

LogicalResult PadOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  SmallVector<int64_t> limits, strides;
  for (auto [dim, size] : llvm::enumerate(tensorType(getOperand()).getShape())) {
    int64_t stride = getInterior()[dim] + 1;
    limits.push_back(getLow()[dim] + (size == 0 ? 0 : (size - 1) * stride + 1));
    strides.push_back(stride);
  }
  gradients[0] = b.create<SliceOp>(cotangents[0], getLow(), limits, strides);
  return success();
}

// --- concat, roll

FusionClass ConcatOp::getFusionClass() {
  return movementClass(getInputs().front(), getDim() > 0);
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type>& types) {
  if (adaptor.getInputs().empty()) return inferError<ConcatOp>(location, "expects at least one input");
  RankedTensorType first = tensorType(adaptor.getInputs().front());
  int64_t joined = adaptor.getDim();
  if (joined < 0 || joined >= first.getRank())
    return inferError<ConcatOp>(location, "joins dimension ", joined, " of values with ", first.getRank(),
                                " dimensions");
  SmallVector<int64_t> shape(first.getShape());
  for (auto [index, input] : llvm::enumerate(adaptor.getInputs().drop_front())) {
    RankedTensorType type = tensorType(input);
    bool fits = type.getElementType() == first.getElementType() && type.getRank() == first.getRank();
    for (int64_t dim = 0; fits && dim < first.getRank(); ++dim)
      fits = dim == joined || sameSize(shape[dim], type.getDimSize(dim));
    if (!fits)
      return inferError<ConcatOp>(location, "input ", index + 1, " is ", type,
                                  ", which does not fit input 0, ", first, ", along dimension ", joined);
    if (ShapedType::isDynamic(shape[joined]) || type.isDynamicDim(joined)) {
      shape[joined] = ShapedType::kDynamic;
      continue;
    }
    CheckedSize sum = CheckedSize(shape[joined]) + type.getDimSize(joined);
    if (!sum.value)
      return inferError<ConcatOp>(location, "joins sizes ", shape[joined], " and ", type.getDimSize(joined),
                                  ", whose sum 64 bits cannot count");
    shape[joined] = *sum.value;
  }
  types.push_back(first.clone(shape));
  return success();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? OpFoldResult(getInputs().front()) : OpFoldResult();
}

LogicalResult ConcatOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                 SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(getInputs().size(), Value());
  int64_t rank = getType().getRank(), dim = getDim(), position = 0;
  for (auto [index, input] : llvm::enumerate(getInputs())) {
    SmallVector<int64_t> starts(rank, 0), limits(tensorType(input).getShape()), strides(rank, 1);
    starts[dim] = position;
    limits[dim] += position;
    position = limits[dim];
    if (needed[index]) gradients[index] = b.create<SliceOp>(cotangents[0], starts, limits, strides);
  }
  return success();
}

LogicalResult RollOp::verify() {
  if (int64_t dim = getDim(); dim < 0 || dim >= getType().getRank())
    return emitOpError("rolls dimension ")
           << dim << " of a value with " << getType().getRank() << " dimensions";
  if (int64_t shift = getShift(); shift == std::numeric_limits<int64_t>::min())
    return emitOpError("cannot roll by ") << shift << ", whose opposite is no 64-bit number";
  return success();
}

OpFoldResult RollOp::fold(FoldAdaptor) {
  int64_t size = getType().getDimSize(getDim()), shift = getShift();
  bool isWhole = shift == 0 || size == 0 || (size > 0 && shift % size == 0);
  return isWhole && getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult();
}

LogicalResult RollOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                               SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(1, Value());
  if (needed[0])
    gradients[0] = b.create<RollOp>(getType(), cotangents[0], -static_cast<int64_t>(getShift()),
                                    static_cast<int64_t>(getDim()));
  return success();
}

LogicalResult IotaOp::verify() {
  if (int64_t dim = getDim(); dim < 0 || dim >= getType().getRank())
    return emitOpError("counts along dimension ")
           << dim << " of a result with " << getType().getRank() << " dimensions";
  return success();
}

} // namespace tailor::ir
