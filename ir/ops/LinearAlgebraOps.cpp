#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

bool DotOp::isCompatibleReturnTypes(TypeRange inferred, TypeRange actual) {
  return isSameOrWider(inferred, actual);
}

void DotOp::build(OpBuilder& builder, OperationState& state, Value lhs, Value rhs,
                  ArrayRef<int64_t> lhsContract, ArrayRef<int64_t> rhsContract) {
  build(builder, state, lhs, rhs, /*lhs_batch=*/ArrayRef<int64_t>(), /*rhs_batch=*/ArrayRef<int64_t>(),
        lhsContract, rhsContract);
}

static SmallVector<int64_t> freeDims(ArrayRef<int64_t> batch, ArrayRef<int64_t> contract, int64_t rank) {
  SmallVector<int64_t> used(batch);
  llvm::append_range(used, contract);
  return otherDims(used, rank);
}

SmallVector<int64_t> DotOp::getLhsFree() {
  return freeDims(getLhsBatch(), getLhsContract(), tensorType(getLhs()).getRank());
}

SmallVector<int64_t> DotOp::getRhsFree() {
  return freeDims(getRhsBatch(), getRhsContract(), tensorType(getRhs()).getRank());
}

/// Pairs of dimensions have one size on both sides.
static LogicalResult checkPairs(std::optional<Location> location, StringRef what, RankedTensorType lhs,
                                RankedTensorType rhs, ArrayRef<int64_t> lhsDims, ArrayRef<int64_t> rhsDims) {
  if (lhsDims.size() != rhsDims.size())
    return inferError<DotOp>(location, what, " names ", lhsDims.size(), " dimensions of lhs but ",
                             rhsDims.size(), " of rhs");
  for (auto [l, r] : llvm::zip_equal(lhsDims, rhsDims)) {
    if (l < 0 || l >= lhs.getRank() || r < 0 || r >= rhs.getRank())
      return inferError<DotOp>(location, what, " pairs dimensions ", l, " and ", r, " but lhs has ",
                               lhs.getRank(), " and rhs ", rhs.getRank(), " dimensions");
    if (!sameSize(lhs.getDimSize(l), rhs.getDimSize(r)))
      return inferError<DotOp>(location, what, " pairs dimension ", l, " of lhs (size ", lhs.getDimSize(l),
                               ") with dimension ", r, " of rhs (size ", rhs.getDimSize(r), ")");
  }
  return success();
}

static bool namesTwice(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> all(a);
  llvm::append_range(all, b);
  llvm::sort(all);
  return std::adjacent_find(all.begin(), all.end()) != all.end();
}

LogicalResult DotOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type>& types) {
  RankedTensorType lhs = tensorType(adaptor.getLhs()), rhs = tensorType(adaptor.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return inferError<DotOp>(location, "expects one element type, got ", lhs.getElementType(), " and ",
                             rhs.getElementType());
  if (failed(checkPairs(location, "batch", lhs, rhs, adaptor.getLhsBatch(), adaptor.getRhsBatch())) ||
      failed(checkPairs(location, "contract", lhs, rhs, adaptor.getLhsContract(), adaptor.getRhsContract())))
    return failure();
  if (namesTwice(adaptor.getLhsBatch(), adaptor.getLhsContract()) ||
      namesTwice(adaptor.getRhsBatch(), adaptor.getRhsContract()))
    return inferError<DotOp>(location, "names a dimension twice in batch and contract");
  SmallVector<int64_t> shape;
  for (int64_t dim : adaptor.getLhsBatch())
    shape.push_back(lhs.getDimSize(dim));
  for (int64_t dim : freeDims(adaptor.getLhsBatch(), adaptor.getLhsContract(), lhs.getRank()))
    shape.push_back(lhs.getDimSize(dim));
  for (int64_t dim : freeDims(adaptor.getRhsBatch(), adaptor.getRhsContract(), rhs.getRank()))
    shape.push_back(rhs.getDimSize(dim));
  types.push_back(lhs.clone(shape));
  return success();
}

namespace {
/// One operand of a dot as its gradient sees it.
struct Side {
  Value value;
  ArrayRef<int64_t> batch, contract;
  SmallVector<int64_t> free;
  int64_t firstFreeOfResult; ///< position of its first free dimension in the dot's result
};
} // namespace

static SmallVector<int64_t> range(int64_t begin, int64_t size) {
  SmallVector<int64_t> numbers;
  for (int64_t i = 0; i < size; ++i)
    numbers.push_back(begin + i);
  return numbers;
}

/// For a result laid out as dimensions `layout` of a value: the permutation that puts them in order.
static SmallVector<int64_t> inOrder(ArrayRef<int64_t> layout) {
  SmallVector<int64_t> permutation(layout.size());
  for (auto [position, dim] : llvm::enumerate(layout))
    permutation[dim] = position;
  return permutation;
}

/// Gradient of a dot's result with respect to `side`: the cotangent times the other operand over the other
/// operand's free dimensions. Of the two operand orders the one that needs no transpose is taken, if there is
/// one.
static Value operandGradient(GradBuilder& b, Value g, const Side& side, const Side& other) {
  int64_t numBatch = side.batch.size();
  SmallVector<int64_t> resultBatch = range(0, numBatch);
  SmallVector<int64_t> resultFree = range(other.firstFreeOfResult, other.free.size());
  // What remains of `other` are its contracting dimensions in increasing order; each belongs to one of
  // `side`.
  SmallVector<std::pair<int64_t, int64_t>> pairs;
  for (auto [mine, theirs] : llvm::zip_equal(side.contract, other.contract))
    pairs.emplace_back(theirs, mine);
  llvm::sort(pairs);
  SmallVector<int64_t> contracted = llvm::map_to_vector(pairs, [](auto pair) { return pair.second; });

  SmallVector<int64_t> cotangentFirst(side.batch), cotangentLast(side.batch);
  llvm::append_range(cotangentFirst, side.free);
  llvm::append_range(cotangentFirst, contracted);
  llvm::append_range(cotangentLast, contracted);
  llvm::append_range(cotangentLast, side.free);
  if (llvm::is_sorted(cotangentLast) && !llvm::is_sorted(cotangentFirst))
    return b.create<DotOp>(other.value, g, other.batch, resultBatch, other.free, resultFree);
  Value gradient = b.create<DotOp>(g, other.value, resultBatch, other.batch, resultFree, other.free);
  return b.transpose(gradient, inOrder(cotangentFirst));
}

LogicalResult DotOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                              SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(2, Value());
  int64_t numBatch = getLhsBatch().size();
  Side lhs{getLhs(), getLhsBatch(), getLhsContract(), getLhsFree(), numBatch};
  Side rhs{getRhs(), getRhsBatch(), getRhsContract(), getRhsFree(), numBatch + int64_t(lhs.free.size())};
  // A wider result (f32 of bf16 operands) is narrowed to multiply with the operands.
  Value g = b.cast(cotangents[0], tensorType(getLhs()).getElementType());
  if (needed[0]) gradients[0] = operandGradient(b, g, lhs, rhs);
  if (needed[1]) gradients[1] = operandGradient(b, g, rhs, lhs);
  return success();
}

} // namespace tailor::ir
