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

/// Makes `made` stand for `replaced`: it takes the discardable attributes (op_id, vjp_of) of the first and the
/// source lines of all. Every rewrite that puts one op in the place of others goes through here.
void inheritOrigin(mlir::Operation* made, llvm::ArrayRef<mlir::Operation*> replaced);

/// The traced ops this op answers to, sorted, once each: its own op_id and those of the ops in its regions,
/// or the `ops(...)` of a launch.
llvm::SmallVector<int64_t> tracedOps(mlir::Operation* op);

} // namespace tailor::ir
