// Which state a load or store names, in one lookup instead of a search through the program.
#pragma once

#include "ir/Tailor.h"

#include "llvm/ADT/DenseMap.h"

namespace tailor::passes {

/// The states of a program by name. Valid while no state is added or renamed.
class States {
public:
  States() = default;
  explicit States(ir::ProgramOp program);

  /// The state `@group::@name`; null if there is none.
  ir::StateOp operator[](mlir::SymbolRefAttr name) const { return byName_.lookup(name); }

private:
  llvm::DenseMap<mlir::Attribute, ir::StateOp> byName_;
};

} // namespace tailor::passes
