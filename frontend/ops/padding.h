#pragma once

#include "frontend/graph/array.h"
#include "frontend/graph/batch_rows.h"

#include <string_view>

/// How ops that combine rows leave the padding of a batch out: the rows from `valid` on (frontend/graph/batch_rows.h).
namespace tailor::detail {

/// The rows of the batch that count: i32 []. Inside a step or evaluation only.
Array valid_rows(const Location& location);

/// x with `fill` where element i along `axis`, of `rows`, is i >= valid.
Array filled_padding(const Array& x, int axis, std::int64_t rows, double fill, const Location& location);

/// x as `op` may combine it along `axis`: as it is where padding holds what `tolerated` says, else with `fill` in it.
/// TraceError when the axis holds rows of the batch out of order.
Array without_padding(std::string_view op, const Array& x, int axis, Padding tolerated, double fill,
                      const Location& location);

} // namespace tailor::detail
