#pragma once
#include <cstdint>
#include <string_view>

namespace tailor::runtime {

/// Random scalars of a step, drawn by the host (bindings kRandomUniform and kRandomBeta): a pure function of the run's
/// seed, the field and the number of updates done, so that threads, launches and interruptions change nothing.
///
///   words(draw, part) = philox4x32-10({draw, step, part, "HOST"}, {k, k >> 32}),  k = seed ^ FNV-1a-64(field name)
///   unit(w)           = (w + 1/2) 2^-32                                           in (0, 1)
///   uniform           = (word 0 of words(0, 0) >> 8) 2^-24                        in [0, 1), exact in f32
///   beta(a)           = g0 / (g0 + g1) of two Gamma(a, 1) draws, g0 from part 0 and g1 from part 1
///
/// Gamma(a): Marsaglia and Tsang with d = a' - 1/3, c = 1 / sqrt(9 d), a' = a for a >= 1, else a + 1. Attempts
/// t = 0, 1, ... use words(t, part): z = sqrt(-2 ln unit(w0)) cos(2 pi unit(w1)), v = (1 + c z)^3, accepted if v > 0 and
/// ln unit(w2) < z^2 / 2 + d - d v + d ln v; then ln g = ln(d v), for a < 1 plus ln(unit(w3)) / a. In logarithms the
/// quotient stays defined where both draws underflow (a below 0.01).
/// Source    Marsaglia, Tsang: A simple method for generating gamma variables (TOMS 26, 2000).
class HostRandom {
public:
  /// Draws of control field `field`.
  explicit HostRandom(std::string_view field);

  double uniform(std::uint64_t seed, std::int64_t step) const;
  /// alpha > 0.
  double beta(double alpha, std::uint64_t seed, std::int64_t step) const;

private:
  std::uint64_t hash_;
};

} // namespace tailor::runtime
