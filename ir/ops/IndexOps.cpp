#include "ir/ops/GradBuilder.h"

using namespace mlir;

namespace tailor::ir {

/// index shape followed by the table's other dimensions.
static SmallVector<int64_t> takenShape(RankedTensorType table, RankedTensorType index) {
  SmallVector<int64_t> shape(index.getShape());
  llvm::append_range(shape, table.getShape().drop_front());
  return shape;
}

LogicalResult TakeOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type>& types) {
  RankedTensorType table = tensorType(adaptor.getTable());
  if (table.getRank() == 0) return inferError<TakeOp>(location, "expects a table of at least one dimension");
  types.push_back(table.clone(takenShape(table, tensorType(adaptor.getIndex()))));
  return success();
}

LogicalResult TakeOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                               SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(2, Value());
  if (needed[0])
    gradients[0] = b.create<ScatterAddOp>(b.fillLike(getTable(), 0.0), getIndex(), cotangents[0]);
  return success();
}

LogicalResult TakeAlongOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type>& types) {
  RankedTensorType operand = tensorType(adaptor.getOperand()), index = tensorType(adaptor.getIndex());
  if (operand.getRank() == 0 || !sameShape(operand.getShape().drop_back(), index.getShape()))
    return inferError<TakeAlongOp>(location, "expects one index per row: the operand is ",
                                   shapeText(operand.getShape()), " but the index is ",
                                   shapeText(index.getShape()));
  types.push_back(operand.clone(index.getShape()));
  return success();
}

// dx[n, k] = g[n] (k == index[n])
LogicalResult TakeAlongOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value>& gradients) {
  gradients.assign(2, Value());
  if (!needed[0]) return success();
  GradBuilder b(builder, *this);
  RankedTensorType type = tensorType(getOperand());
  Value selected = b.create<OneHotOp>(type, getIndex());
  gradients[0] = b.mul(b.unreduce(cotangents[0], {type.getRank() - 1}, type.getShape()), selected);
  return success();
}

LogicalResult ScatterAddOp::inferReturnTypes(MLIRContext*, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type>& types) {
  RankedTensorType table = tensorType(adaptor.getTable()), updates = tensorType(adaptor.getUpdates());
  if (table.getRank() == 0)
    return inferError<ScatterAddOp>(location, "expects a table of at least one dimension");
  SmallVector<int64_t> expected = takenShape(table, tensorType(adaptor.getIndex()));
  if (!sameShape(expected, updates.getShape()) || updates.getElementType() != table.getElementType())
    return inferError<ScatterAddOp>(location, "expects updates of shape ", shapeText(expected), " and type ",
                                    table.getElementType(), ", got ", updates);
  types.push_back(table);
  return success();
}

LogicalResult ScatterAddOp::buildVjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool> needed,
                                     SmallVectorImpl<Value>& gradients) {
  GradBuilder b(builder, *this);
  gradients.assign(3, Value());
  if (needed[0]) gradients[0] = cotangents[0];
  if (needed[2]) gradients[2] = b.create<TakeOp>(cotangents[0], getIndex());
  return success();
}

LogicalResult OneHotOp::verify() {
  ArrayRef<int64_t> index = tensorType(getIndex()).getShape(), result = getType().getShape();
  if (result.empty() || !sameShape(index, result.drop_back()))
    return emitOpError("expects the index shape and then the classes: the index is ")
           << shapeText(index) << " but the result is " << shapeText(result);
  return success();
}

} // namespace tailor::ir
