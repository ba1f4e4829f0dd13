// Array::eval: the same road as a training program, in memory.
#pragma once

#include "frontend/graph/array.h"

#include <vector>

namespace tailor::backend {

/// Compiles the expression for this machine and runs it; row-major values, one list per array.
///
/// The numbers at the leaves are inputs: they are written as state before each run, so two expressions of one
/// structure (ops, types, shapes, options) share the compiled program, which stays in memory for the process.
/// Thread-safe.
///
/// Errors   TraceError at the first array's place: an op the target has no code for, a program that cannot be
///          compiled.
std::vector<std::vector<double>> evaluateArrays(const std::vector<Array>& arrays);

} // namespace tailor::backend
