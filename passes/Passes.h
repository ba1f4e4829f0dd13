// The passes as MLIR sees them: factories, options and registration, generated from Passes.td.
#pragma once

#include "mlir/Pass/Pass.h"

#include <memory>

namespace mlir {
class ModuleOp;
}

namespace tailor::passes {
#define GEN_PASS_DECL
#include "passes/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"
} // namespace tailor::passes
