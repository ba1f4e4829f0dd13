#pragma once
/// Which kernels can be evaluated with lanes.

#include "ir/Tailor.h"

namespace tailor::backend {

/// False if an op of the kernel moves elements between lanes, so that lane values cannot pass through it.
bool lanesPassThrough(ir::KernelOp kernel);

/// True if the losses of single rows go into something over the rows that is no sum (their maximum): its lanes would
/// be rows, and a loss looks up its label one row at a time.
bool looksAcrossRowLosses(ir::KernelOp kernel);

} // namespace tailor::backend
