#include "ir/Attributes.h"
#include "ir/Tailor.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tailor::ir;

#include "ir/TailorDialect.cpp.inc"
#include "ir/TailorInterfaces.cpp.inc"

void TailorDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "ir/TailorOps.cpp.inc"
      >();
}

Operation* TailorDialect::materializeConstant(OpBuilder& builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type) return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}

#define GET_OP_CLASSES
#include "ir/TailorOps.cpp.inc"
