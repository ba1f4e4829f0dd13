// The element type of every value. See Passes.td.
#include "ir/Tailor.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_ASSIGNPRECISIONPASS
#include "passes/Passes.h.inc"
namespace {

struct AssignPrecision : impl::AssignPrecisionPassBase<AssignPrecision> {
  using AssignPrecisionPassBase::AssignPrecisionPassBase;

  void runOnOperation() override {
    if (precision != "f32") {
      emitError(getOperation().getLoc())
          << "precision '" << precision << "' is not supported; every target computes in f32";
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([](Operation* op) {
      for (Value value : op->getResults()) {
        auto type = dyn_cast<RankedTensorType>(value.getType());
        if (!type || !isa<FloatType>(type.getElementType()) || type.getElementType().isF32()) continue;
        op->emitOpError("has a result of type ")
            << type << ", but the program is compiled with precision f32";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted()) signalPassFailure();
  }
};

} // namespace
} // namespace tailor::passes
