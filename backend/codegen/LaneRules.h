#pragma once
/// Which kernels can be evaluated with lanes, and which sums over rows can be made of rows one by one.

#include "ir/Tailor.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace tailor::backend {

/// False if an op of the kernel moves elements between lanes, so that lane values cannot pass through it.
bool lanesPassThrough(ir::KernelOp kernel);

/// True if the losses of single rows go into something over the rows that is no sum (their maximum): its lanes would
/// be rows, and a loss looks up its label one row at a time.
bool looksAcrossRowLosses(ir::KernelOp kernel);

/// The used rank-0 values made from values that have rows; nullopt if one of them is no sum over the rows.
std::optional<llvm::SmallVector<mlir::OpResult>> sumsOverRows(ir::KernelOp kernel);

} // namespace tailor::backend
