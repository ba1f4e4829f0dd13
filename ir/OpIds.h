#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

#include <cstdint>
#include <optional>

namespace tailor::ir {

/// The number an op got when it was traced. Kept by every pass; random ops hash it into their key.
inline constexpr llvm::StringLiteral kOpId = "op_id";
/// On backward ops: the op_id of the op whose gradient this is.
inline constexpr llvm::StringLiteral kVjpOf = "vjp_of";

std::optional<int64_t> opId(mlir::Operation* op);
void setOpId(mlir::Operation* op, int64_t id);

std::optional<int64_t> vjpOf(mlir::Operation* op);
void setVjpOf(mlir::Operation* op, int64_t id);

/// The traced ops this op answers to, sorted, once each: its own op_id and those of the ops in its regions,
/// or the `ops(...)` of a launch.
llvm::SmallVector<int64_t> tracedOps(mlir::Operation* op);

} // namespace tailor::ir
