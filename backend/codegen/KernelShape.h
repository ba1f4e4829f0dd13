#pragma once
/// What a `tailor.kernel` looks like to whoever makes its loops.

#include "ir/Fusion.h"
#include "ir/Tailor.h"

#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace tailor::backend {

/// The values behind the kernel's results.
mlir::ValueRange yieldedValues(ir::KernelOp kernel);

/// The class of the op of a `single` kernel; none for the other kinds.
std::optional<ir::FusionClass> singleClass(ir::KernelOp kernel);

/// Results of one shape are stored together, after all of them are computed, so that a result may share the
/// buffer of an operand.
struct ResultGroup {
  mlir::RankedTensorType shape;
  llvm::SmallVector<unsigned> results;
};
llvm::SmallVector<ResultGroup> groupResults(ir::KernelOp kernel);

/// True if every value is lane by lane the same position of one shape, or a scalar: then the kernel is one
/// flat loop.
bool isFlat(ir::KernelOp kernel, llvm::ArrayRef<int64_t> shape);

/// The operand of the kernel that `value` is, whose bf16 it is the f32 of, or which it rounds to tf32; null where it is computed
/// otherwise.
mlir::BlockArgument operandInMemory(mlir::Value value);

/// True if `value` is read from memory where it is stored in bf16.
bool isStoredInBf16(mlir::Value value);
/// True if every element of `value` is a number of bf16, stored or rounded so, or of tf32.
bool isNumberOfBf16(mlir::Value value);
bool isRoundedToTf32(mlir::Value value);

/// The product of a kernel that tiles of two matrices can compute: rank 2, one contracting dimension, both operands in memory,
/// results of its shape; null if there is none, or several.
ir::DotOp tiledDot(ir::KernelOp kernel);

/// The one number of rows and channels that all values of a `columns` kernel share, whose [C] results are made of the rows of
/// [R, ..., C] values; none if they do not, or lanes cannot run along the channels.
struct ColumnShape {
  int64_t rows = 0, channels = 0;
};
std::optional<ColumnShape> columnShapeOf(ir::KernelOp kernel);

/// Adds up what one launch computes and moves: operations, transcendental functions counted once, and bytes of operands
/// read once and results written once.
struct KernelWork {
  uint64_t flops = 0, bytes = 0;
};
KernelWork workOf(ir::KernelOp kernel);

} // namespace tailor::backend
