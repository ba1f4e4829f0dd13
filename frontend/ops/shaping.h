#pragma once

#include "frontend/graph/array.h"

namespace tailor {

/// Numpy broadcasting to `shape`: aligned at the last axis, extent 1 stretches.
Array broadcast_to(const Operand& x, const Shape& shape);
/// Same elements in row-major order; one extent may be -1.
Array reshape(const Operand& x, const Shape& shape);
/// All axes from the given one on become one.
Array flatten(const Operand& x, int from_axis = 1);
/// Removes, inserts axes of extent 1.
Array squeeze(const Operand& x, const Axes& axes);
Array expand_dims(const Operand& x, int axis);
/// Result axis i is axis permutation[i] of x.
Array transpose(const Operand& x, const std::vector<int>& permutation);
/// x[starts[i] : limits[i] : strides[i]]; strides default to 1.
Array slice(const Operand& x, const std::vector<std::int64_t>& starts,
            const std::vector<std::int64_t>& limits, const std::vector<std::int64_t>& strides = {});
/// `low[i]` values before and `high[i]` after along axis i.
Array pad(const Operand& x, const std::vector<std::int64_t>& low, const std::vector<std::int64_t>& high,
          double value = 0);
/// One after another along `axis`.
Array concat(const std::vector<Array>& parts, int axis,
             const std::source_location& where = std::source_location::current());
/// Element i moves to (i + shift) mod n along `axis`. Along the rows of a batch n is the number of those that count:
/// row i of them has row (i - shift) mod n for its partner, and padding stays where it is.
Array roll(const Operand& x, std::int64_t shift, int axis);
/// x, from here on with every row of the batch, padding included: what adds up, compares or moves rows would leave those
/// from `valid` on out (ops/reduction.h).
Array all_rows(const Operand& x);
/// 0, 1, 2, ... along `axis`.
Array iota(const Shape& shape, int axis, DType dtype = DType::i32,
           const std::source_location& where = std::source_location::current());
/// i1 [rows]: row < valid.
Array row_mask(const Operand& valid, std::int64_t rows);

} // namespace tailor
