#pragma once

#include "frontend/graph/array.h"

/// Indices are i32. A constant index outside the table is a TraceError, a computed one undefined; labels and codes
/// are checked when data are opened.
namespace tailor {

/// Rows of a table: table [R, ...], index [N] -> [N, ...].
Array take(const Operand& table, const Operand& index);
/// One column per row: x [N, C], index [N] -> [N]. axis must be the last.
Array take_along(const Operand& x, const Operand& index, int axis);
/// table + sum of the rows of `updates` at `index`; the order of addition is fixed. Of the rows of a
/// batch those that count are added (ops/reduction.h).
Array scatter_add(const Operand& table, const Operand& index, const Operand& updates);
/// [N] -> f32 [N, num_classes].
Array one_hot(const Operand& index, std::int64_t num_classes, DType dtype = DType::f32);

} // namespace tailor
