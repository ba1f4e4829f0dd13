#include "ir/Tailor.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tailor::ir;

#include "ir/TailorDialect.cpp.inc"
#include "ir/TailorEnums.cpp.inc"
#include "ir/TailorInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/TailorAttrs.cpp.inc"

void TailorDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/TailorAttrs.cpp.inc"
      >();
}

void TailorDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "ir/TailorOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "ir/TailorOps.cpp.inc"
