#pragma once

/// Recipe and source positions of ops. An op that stems from one line carries a FileLineColLoc; an op fused
/// from several carries a FusedLoc of them.

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace tailor::ir {

/// A line of the user's recipe or program. Line and column count from 1; column 0 is the file as a whole, or what is no file ("command
/// line"). The file name is owned by the MLIR context.
struct SourcePosition {
  llvm::StringRef file;
  unsigned line = 0;
  unsigned column = 0;

  bool operator==(const SourcePosition&) const = default;
};

mlir::Location sourceLocation(mlir::MLIRContext* context, llvm::StringRef file, unsigned line,
                              unsigned column);

/// Every position `location` stands for, in order, once each. Empty for an unknown location.
llvm::SmallVector<SourcePosition> sourcePositions(mlir::Location location);

/// "recipe.toml:4:3; recipe.toml:9:1; other.toml", or "" for an unknown location.
std::string describe(mlir::Location location);

} // namespace tailor::ir
