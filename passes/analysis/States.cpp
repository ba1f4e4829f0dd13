#include "passes/analysis/States.h"

using namespace mlir;

namespace tailor::passes {

States::States(ir::ProgramOp program) {
  for (auto group : program.getOps<ir::StateGroupOp>())
    for (auto state : group.getOps<ir::StateOp>())
      byName_[SymbolRefAttr::get(group.getSymNameAttr(), {FlatSymbolRefAttr::get(state)})] = state;
}

} // namespace tailor::passes
