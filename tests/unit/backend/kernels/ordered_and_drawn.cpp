#include "tests/unit/backend/kernels/ordered_and_drawn.h"

#include <cmath>
#include <limits>

namespace tailor::backend::testing {

using conformance::OpCase;

std::vector<OpCase> orderedAndDrawnCases() {
  const double nan = std::nan("");
  const conformance::Argument x{"x", "3x4xf32", {}, {}, {1, nan, 3, nan, 2, 2, -1, 2, nan, nan, nan, nan}};
  const conformance::Argument images{"x", "3x2x3x5xf32"}, gradient{"dy", "3x2x3x5xf32"};
  const conformance::Argument mean{"m", "5xf32"}, invStd{"i", "5xf32", conformance::Draw::positive};
  const conformance::Argument key{"key", "8xi32", {}, {5, 2, 0, 123, -9, 0, 0, 0}};
  std::vector<OpCase> cases{
      {"sort", {x}, "%r = tailor.sort_perm %x dim(1) : $x$ to $r$", {"3x4xi32"}},
      {"sort/descending", {x}, "%r = tailor.sort_perm %x dim(1) descending : $x$ to $r$", {"3x4xi32"}},
      {"permutation", {key}, "%r = tailor.random_permutation %key : $key$ -> $r$", {"9xi32"}},
      {"uniform", {key}, "%r = tailor.random_uniform %key from(-1.0) to(3.0) : $key$ -> $r$", {"3x6xf32"}},
      {"normal", {key}, "%r = tailor.random_normal %key std(2.0) : $key$ -> $r$", {"3x6xf32"}},
      {"bernoulli", {key}, "%r = tailor.bernoulli %key probability(0.3) : $key$ -> $r$", {"3x6xi1"}},
  };
  for (int64_t valid : {0, 1, 3}) {
    const conformance::Argument v{"v", "i32", {}, {valid}};
    const std::string suffix = "/valid_" + std::to_string(valid);
    cases.push_back({"statistics" + suffix,
                     {images, v},
                     "%r:2 = tailor.batch_norm_statistics %x valid(%v) : ($x$, $v$) -> ($r$, $r$)",
                     {"5xf32", "5xf32"}});
    cases.push_back({"grad_statistics" + suffix,
                     {gradient, images, mean, invStd, v},
                     "%r:2 = tailor.batch_norm_grad_statistics %dy, %x, %m, %i valid(%v) : ($dy$, $x$, $m$, "
                     "$i$, $v$) -> ($r$, $r$)",
                     {"5xf32", "5xf32"}});
  }
  // Windows of 3 x 2, strides 2 x 3, padding above and on the left, the last column beyond the image.
  const conformance::Argument pooled{"x", "2x7x9x5xf32"}, windows{"g", "2x4x4x5xf32"};
  cases.push_back(
      {"max_pool2d_grad",
       {pooled, windows},
       "%r = tailor.max_pool2d_grad %x, %g window([3, 2]) strides([2, 3]) padding([1, 0, 1, 0]) ceil_mode : "
       "($x$, $g$) -> $r$",
       {"2x7x9x5xf32"}});
  // The gradient goes to the first of two NaN, of two equal ones, and of nothing but -infinity.
  const double low = -std::numeric_limits<double>::infinity();
  const conformance::Argument ties{
      "x", "1x1x3x4xf32", {}, {}, {1, 2, low, -1, nan, 7, low, -1, nan, 7, low, 0}};
  cases.push_back(
      {"max_pool2d_grad/ties",
       {ties, {"g", "1x1x1x4xf32", conformance::Draw::positive}},
       "%r = tailor.max_pool2d_grad %x, %g window([1, 3]) strides([1, 1]) padding([0, 0, 0, 0]) : ($x$, $g$) "
       "-> $r$",
       {"1x1x3x4xf32"}});
  return cases;
}

} // namespace tailor::backend::testing
