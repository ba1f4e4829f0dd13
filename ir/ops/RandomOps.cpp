#include "ir/OpIds.h"
#include "ir/Tailor.h"

using namespace mlir;

namespace tailor::ir {

/// Largest stream, view and op id: they are words of the Philox counter or key.
constexpr int64_t kMaxView = 255;
constexpr int64_t kMaxWord = 0xFFFFFFFF;

void RngKeyOp::build(OpBuilder& builder, OperationState& state, Value rng, Value pass, int64_t opId,
                     int64_t stream, int64_t view) {
  state.addOperands({rng, pass});
  state.addAttribute(getOpIdAttrName(state.name), builder.getI64IntegerAttr(opId));
  if (stream != 0) state.addAttribute(getStreamAttrName(state.name), builder.getI64IntegerAttr(stream));
  if (view != 0) state.addAttribute(getViewAttrName(state.name), builder.getI64IntegerAttr(view));
  state.addTypes(RankedTensorType::get({8}, builder.getI32Type()));
}

LogicalResult RngKeyOp::verify() {
  int64_t id = getOpId(), stream = getStream(), view = getView();
  if (id < 0 || id > kMaxWord) return emitOpError("expects an op id of 32 bits, got ") << id;
  if (stream < 0 || stream > kMaxWord) return emitOpError("expects a stream of 32 bits, got ") << stream;
  if (view < 0 || view > kMaxView)
    return emitOpError("expects a view of at most ") << kMaxView << ", got " << view;
  return success();
}

void RngKeyOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), "key");
}

/// Draws are made per row: the result has rows.
static LogicalResult verifyDraw(Operation* op, Type result) {
  if (cast<RankedTensorType>(result).getRank() > 0) return success();
  return op->emitOpError("draws rows; a scalar draw is a [1] tensor reshaped");
}

LogicalResult RandomUniformOp::verify() {
  double low = getLow().convertToDouble(), high = getHigh().convertToDouble();
  if (!(low < high)) return emitOpError("expects from < to, got ") << low << " and " << high;
  return verifyDraw(*this, getType());
}

LogicalResult RandomNormalOp::verify() {
  double std = getStd().convertToDouble();
  if (!(std >= 0.0)) return emitOpError("expects std of at least 0, got ") << std;
  return verifyDraw(*this, getType());
}

LogicalResult BernoulliOp::verify() {
  double probability = getProbability().convertToDouble();
  if (!(probability >= 0.0 && probability <= 1.0))
    return emitOpError("expects a probability in [0, 1], got ") << probability;
  return verifyDraw(*this, getType());
}

static FusionClass classOfDraw(Type result) {
  bool isOneARow = llvm::all_of(cast<RankedTensorType>(result).getShape().drop_front(),
                                [](int64_t size) { return size == 1; });
  return isOneARow ? FusionClass::Map : FusionClass::Other;
}

FusionClass RandomUniformOp::getFusionClass() {
  return classOfDraw(getType());
}
FusionClass RandomNormalOp::getFusionClass() {
  return classOfDraw(getType());
}
FusionClass BernoulliOp::getFusionClass() {
  return classOfDraw(getType());
}

} // namespace tailor::ir
