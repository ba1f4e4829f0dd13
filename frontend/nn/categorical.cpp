#include "frontend/nn/categorical.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/shaping.h"

namespace tailor::nn {

Array one_hot_columns(const Operand& codes, const std::vector<std::int64_t>& sizes) {
  Location location = codes.location();
  LocationScope scope(location);
  Array table = detail::value_of(codes);
  detail::require_rank("one_hot_columns", "codes", table, 2, location);
  if (table.shape()[1] != static_cast<std::int64_t>(sizes.size()))
    detail::fail("one_hot_columns",
                 "codes have " + std::to_string(table.shape()[1]) + " columns but " +
                     std::to_string(sizes.size()) + " sizes are given",
                 location);
  if (sizes.empty()) detail::fail("one_hot_columns", "there are no columns", location);
  std::int64_t rows = table.shape()[0];
  std::vector<Array> parts;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    auto column = static_cast<std::int64_t>(i);
    parts.push_back(one_hot(reshape(slice(table, {0, column}, {rows, column + 1}), {rows}), sizes[i]));
  }
  return concat(parts, 1);
}

} // namespace tailor::nn
