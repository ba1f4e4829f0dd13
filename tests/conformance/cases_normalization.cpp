#include "tests/conformance/op_case.h"

namespace tailor::conformance {

std::vector<OpCase> normalizationCases() {
  std::vector<OpCase> cases{
      {"batch_norm_train/rows",
       {{"x", "5x3xf64"}, {"g", "3xf64"}, {"b", "3xf64"}},
       "%r:4 = tailor.batch_norm_train %x, %g, %b epsilon(1.0e-2) : ($x$, $g$, $b$) -> ($x$, $g$, $g$, $g$)",
       {"5x3xf64", "3xf64", "3xf64", "3xf64"},
       1},
      {"batch_norm_train/images",
       {{"x", "2x3x2x2xf64"}, {"g", "2xf64"}, {"b", "2xf64"}},
       "%r:4 = tailor.batch_norm_train %x, %g, %b epsilon(1.0e-5) : ($x$, $g$, $b$) -> ($x$, $g$, $g$, $g$)",
       {"2x3x2x2xf64", "2xf64", "2xf64", "2xf64"},
       1},
      {"batch_norm_inference",
       {{"x", "4x3xf64"}, {"g", "3xf64"}, {"b", "3xf64"}, {"m", "3xf64"}, {"v", "3xf64", Draw::positive}},
       "%r = tailor.batch_norm_inference %x, %g, %b, %m, %v epsilon(1.0e-2) : ($x$, $g$, $b$, $m$, $v$) -> "
       "$r$",
       {"4x3xf64"}},
      {"layer_norm",
       {{"x", "2x3x4xf64"}, {"g", "4xf64"}, {"b", "4xf64"}},
       "%r:3 = tailor.layer_norm %x, %g, %b epsilon(1.0e-2) : ($x$, $g$, $b$) -> ($x$, tensor<2x3xf64>, "
       "tensor<2x3xf64>)",
       {"2x3x4xf64", "2x3xf64", "2x3xf64"},
       1},
  };
  for (int64_t valid : {0, 1, 3, 5})
    cases.push_back(
        {"batch_norm_train/valid_" + std::to_string(valid),
         {{"x", "5x3xf64"}, {"g", "3xf64"}, {"b", "3xf64"}, {"v", "i32", {}, {valid}}},
         "%r:4 = tailor.batch_norm_train %x, %g, %b valid(%v) epsilon(1.0e-2) : ($x$, $g$, $b$, $v$) -> "
         "($x$, $g$, $g$, $g$)",
         {"5x3xf64", "3xf64", "3xf64", "3xf64"},
         1});
  return cases;
}

} // namespace tailor::conformance
