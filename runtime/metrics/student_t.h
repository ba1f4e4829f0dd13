#pragma once

namespace tailor::runtime {

/// The x with P(T <= x) = p for Student's t with `degrees` degrees of freedom; p in (0, 1), degrees >= 1.
/// Absolute error below 1e-9 of max(1, |x|): the distribution function by the continued fraction of the
/// incomplete beta function (Numerical Recipes 6.4), inverted by bisection.
double student_t_quantile(double p, double degrees);

} // namespace tailor::runtime
