// Label-aware smoothing (MiSLAS, Zhong et al. 2021): frequent classes are smoothed most, eps the largest class and eps_tail
// the smallest; between them along a curve of r = (n_i - n_min) / (n_max - n_min). methods.md 8.
#include "frontend/imbalance/class_tables.h"

#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

#include <numbers>

namespace tailor::imbalance {
namespace {

constexpr double kQuarter = std::numbers::pi / 2;

/// r, 0 for the rarest class and 1 for the largest; all 0 where the classes are balanced.
Array rank(const ClassTableArgs& args) {
  Array n = detail::value_of(args.counts);
  return (n - min(n)) / maximum(max(n) - min(n), 1.0);
}

Array concave(const ClassTableArgs& args) {
  return args.eps_tail + (args.eps - args.eps_tail) * sin(kQuarter * rank(args));
}

Array linear(const ClassTableArgs& args) {
  return args.eps_tail + (args.eps - args.eps_tail) * rank(args);
}

Array convex(const ClassTableArgs& args) {
  return args.eps + (args.eps - args.eps_tail) * sin(3 * kQuarter + kQuarter * rank(args));
}

const runtime::Registered<SmoothingTable> las_concave{
    {.name = "las_concave",
     .text = "eps_tail + (eps - eps_tail) sin(pi/2 r), r = (n_i - n_min) / (n_max - n_min): more for "
             "frequent classes",
     .source = "methods 8",
     .takes_eps_tail = true,
     .make = concave}};
const runtime::Registered<SmoothingTable> las_linear{{.name = "las_linear",
                                                      .text = "eps_tail + (eps - eps_tail) r",
                                                      .source = "methods 8",
                                                      .takes_eps_tail = true,
                                                      .make = linear}};
const runtime::Registered<SmoothingTable> las_convex{{.name = "las_convex",
                                                      .text = "eps + (eps - eps_tail) sin(3 pi/2 + pi/2 r)",
                                                      .source = "methods 8",
                                                      .takes_eps_tail = true,
                                                      .make = convex}};

} // namespace
} // namespace tailor::imbalance
