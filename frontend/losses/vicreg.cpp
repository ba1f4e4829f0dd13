#include "frontend/losses/vicreg.h"

#include "frontend/graph/batch_rows.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/linear_algebra.h"
#include "frontend/ops/padding.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"

#include <algorithm>

namespace tailor::losses {

namespace {

/// Under the root of the variance: its gradient is finite where a column is constant. The authors' number.
constexpr double kVarianceEpsilon = 1e-4;

/// max(B - 1, 1), f32 [].
Array degrees_of_freedom(const Array& z, const Location& location) {
  if (!is_batch_axis(z, 0))
    return constant(std::max<double>(static_cast<double>(z.shape()[0]) - 1, 1), z.dtype());
  return maximum(cast(detail::valid_rows(location), z.dtype()) - 1.0, 1.0);
}

/// variance v(Z) / 2 + covariance c(Z).
Array spread(const Array& z, const VicregOptions& options, const Location& location) {
  const std::int64_t columns = z.shape()[1];
  Array centred = z - mean(z, {0}), freedom = degrees_of_freedom(z, location);
  Array deviation = sqrt(sum(square(centred), {0}) / freedom + kVarianceEpsilon);
  Array v = mean(maximum(options.deviation - deviation, 0.0));
  Array c = matmul(transpose(centred, {1, 0}), centred) / freedom;
  Array off = where(iota({columns, columns}, 0) == iota({columns, columns}, 1), 0.0, c);
  return 0.5 * options.variance * v + options.covariance / static_cast<double>(columns) * sum(square(off));
}

} // namespace

Array vicreg(const Operand& z, const Operand& other, const VicregOptions& options) {
  Array first = detail::value_of(z), second = detail::value_of(other);
  const Location& location = z.location();
  LocationScope scope(location);
  detail::require_float("vicreg", first, location);
  detail::require_rank("vicreg", "the first view", first, 2, location);
  detail::require_type("vicreg", "the second view", second, first.type(), other.location());
  return options.invariance * mean(square(first - second)) + spread(first, options, location) +
         spread(second, options, location);
}

} // namespace tailor::losses
