#include "frontend/ops/padding.h"

#include "frontend/graph/trace.h"
#include "frontend/ops/elementwise.h"

namespace tailor::detail {

Array valid_rows(const Location& location) {
  return Trace::require("valid", location).control("valid", {DType::i32, {}}, location);
}

Array filled_padding(const Array& x, int axis, std::int64_t rows, double fill, const Location& location) {
  LocationScope scope(location);
  Array mask = record1("row_mask", {valid_rows(location)}, NoOptions{}, {DType::i1, {rows}}, location);
  if (x.rank() > 1)
    mask = record1("broadcast", {mask}, DimsOptions{{axis}}, {DType::i1, x.shape()}, location);
  return where(mask, x, fill);
}

Array without_padding(std::string_view op, const Array& x, int axis, Padding tolerated, double fill,
                      const Location& location) {
  if (tolerates_padding(x, axis, tolerated)) return x;
  if (!is_batch_axis(x, axis)) require_no_padding(op, x, axis, tolerated, location);
  return filled_padding(x, axis, x.shape()[axis], fill, location);
}

} // namespace tailor::detail
