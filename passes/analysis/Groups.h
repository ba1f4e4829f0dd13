// Questions about fused regions: which kind an op alone is, over which domain a kernel runs, and how an op
// reads and writes values relative to that domain. Pure: never edits the IR.
#pragma once

#include "ir/Tailor.h"

#include <cstdint>

namespace tailor::passes {

/// The kind of a kernel that holds nothing but `op`.
ir::FusionKind kindOfSingle(mlir::Operation* op);

/// Rows and columns of a value: the leading dimension and the product of all others; a vector of n is n x 1,
/// a scalar 1 x 1.
struct Domain {
  int64_t rows = 1;
  int64_t columns = 1;

  bool operator==(const Domain&) const = default;
};

Domain domainOf(mlir::Type type);

/// The domain over which `op` works: that of its result, or of its operand if it reduces.
Domain domainOf(mlir::Operation* op);

/// What one value is inside a kernel over R x C.
enum class Layout {
  full,   ///< one element per (row, column)
  row,    ///< one element per row
  column, ///< one element per column
  scalar, ///< one element
  whole,  ///< read or written in another way than lane by lane (tables, matrix operands)
};

/// How an op that stands alone reads an operand and writes a result. `full` relative to domainOf(op).
Layout readLayout(mlir::OpOperand& use);
Layout writeLayout(mlir::OpResult result);

} // namespace tailor::passes
