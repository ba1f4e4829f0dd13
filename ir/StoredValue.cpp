#include "ir/StoredValue.h"

#include "ir/Tailor.h"

using namespace mlir;

namespace tailor::ir {

Value storedValue(Value value) {
  if (auto round = value.getDefiningOp<RoundTf32Op>()) return round.getOperand();
  auto cast = value.getDefiningOp<CastOp>();
  if (!cast) return value;
  auto elementOf = [](Value v) { return mlir::cast<RankedTensorType>(v.getType()).getElementType(); };
  return elementOf(cast.getOperand()).isBF16() && elementOf(value).isF32() ? cast.getOperand() : value;
}

} // namespace tailor::ir
