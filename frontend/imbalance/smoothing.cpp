#include "frontend/imbalance/smoothing.h"

#include "frontend/imbalance/class_weights.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/shaping.h"

namespace tailor::imbalance {

SmoothingProfile smoothing_profile_from_name(std::string_view name, const Location& location) {
  if (name == "uniform") return SmoothingProfile::uniform;
  if (name == "one_minus_p") return SmoothingProfile::one_minus_p;
  if (name == "eq6_literal") return SmoothingProfile::eq6_literal;
  if (name == "inv_p") return SmoothingProfile::inv_p;
  throw TraceError("smoothing", "'" + std::string(name) + "' is not a smoothing profile", location,
                   "one of uniform, one_minus_p, eq6_literal, inv_p");
}

Array class_smoothing(const Operand& counts, const Operand& eps, SmoothingProfile profile,
                      const Operand& eps_max) {
  LocationScope scope(counts.location());
  Array p = class_prior(counts);
  double num_classes = static_cast<double>(p.shape()[0]);
  // Below one sample's share nothing changes after clipping, and nothing divides by zero.
  constexpr double smallest = 1e-12;
  Array table;
  switch (profile) {
  case SmoothingProfile::uniform:
    table = broadcast_to(detail::value_of(eps), p.shape());
    break;
  case SmoothingProfile::one_minus_p:
    table = eps * ((1.0 - p) * (num_classes / (num_classes - 1)));
    break;
  case SmoothingProfile::eq6_literal:
    table = eps / maximum(1.0 - p, smallest);
    break;
  case SmoothingProfile::inv_p:
    table = eps / (num_classes * maximum(p, smallest));
    break;
  }
  return maximum(minimum(table, eps_max), 0.0);
}

} // namespace tailor::imbalance
