#pragma once

/// The `tailor` dialect: what a training program is. Ops are documented in ir/ops/*.td.

#include "ir/Traits.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir {
class PatternRewriter;
} // namespace mlir

#include "ir/TailorDialect.h.inc"
#include "ir/TailorEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/TailorAttrs.h.inc"

#include "ir/TailorInterfaces.h.inc"

namespace tailor::ir {
class BodyOp;
class ControlOp;
class ReturnOp;
class StagePlanOp;
class StateGroupOp;
class StateOp;
class YieldOp;
} // namespace tailor::ir

#define GET_OP_CLASSES
#include "ir/TailorOps.h.inc"
