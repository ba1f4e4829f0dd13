#include "tests/conformance/op_case.h"

namespace tailor::conformance {

std::vector<OpCase> reductionCases() {
  std::vector<OpCase> cases;
  for (const char* op : {"reduce_sum", "reduce_mean", "reduce_max", "reduce_min"}) {
    const std::string name = op;
    cases.push_back({name + "/rows",
                     {{"x", "4x3xf64"}},
                     "%r = tailor." + name + " %x dims([0]) : $x$ to $r$",
                     {"3xf64"}});
    cases.push_back({name + "/all",
                     {{"x", "2x3x2xf64"}},
                     "%r = tailor." + name + " %x dims([0, 1, 2]) : $x$ to $r$",
                     {"f64"}});
    cases.push_back({name + "/outer_and_inner",
                     {{"x", "2x3x2xf64"}},
                     "%r = tailor." + name + " %x dims([0, 2]) : $x$ to $r$",
                     {"3xf64"}});
  }
  for (const char* op : {"softmax", "log_softmax", "l2_normalize"}) {
    const std::string name = op;
    cases.push_back(
        {name + "/last", {{"x", "3x4xf64"}}, "%r = tailor." + name + " %x dim(1) : $x$", {"3x4xf64"}});
    cases.push_back(
        {name + "/first", {{"x", "3x4xf64"}}, "%r = tailor." + name + " %x dim(0) : $x$", {"3x4xf64"}});
  }
  cases.push_back({"l2_normalize/below_epsilon",
                   {{"x", "2x3xf64"}},
                   "%r = tailor.l2_normalize %x dim(1) epsilon(10.0) : $x$",
                   {"2x3xf64"}});
  for (const char* dim : {"0", "1"})
    cases.push_back({std::string("logsumexp/") + dim,
                     {{"x", "3x4xf64"}},
                     std::string("%r = tailor.logsumexp %x dim(") + dim + ") : $x$ to $r$",
                     {dim[0] == '0' ? "4xf64" : "3xf64"}});
  for (int64_t valid : {0, 1, 3, 5}) {
    const std::string suffix = std::to_string(valid);
    cases.push_back({"masked_mean/scalar_rows_valid_" + suffix,
                     {{"x", "5xf64"}, {"v", "i32", {}, {valid}}},
                     "%r = tailor.masked_mean %x valid(%v) : ($x$, $v$) -> $r$",
                     {"f64"}});
    cases.push_back({"masked_mean/valid_" + suffix,
                     {{"x", "5x2xf64"}, {"v", "i32", {}, {valid}}},
                     "%r = tailor.masked_mean %x valid(%v) : ($x$, $v$) -> $r$",
                     {"2xf64"}});
  }
  cases.push_back({"global_norm",
                   {{"a", "3x2xf64"}, {"b", "4xf64"}, {"c", "f64"}},
                   "%r = tailor.global_norm %a, %b, %c : ($a$, $b$, $c$) -> $r$",
                   {"f64"}});
  cases.push_back({"global_norm/weighted",
                   {{"a", "3x2xf64"}, {"b", "4xf64"}, {"w", "3x2xf64"}, {"u", "4xf64"}},
                   "%r = tailor.global_norm %a, %b weighted_by(%w, %u) : ($a$, $b$, $w$, $u$) -> $r$",
                   {"f64"}});
  cases.push_back({"global_norm/zero",
                   {{"a", "3xf64", {}, {}, {0, 0, 0}}},
                   "%r = tailor.global_norm %a : ($a$) -> $r$",
                   {"f64"}});
  return cases;
}

} // namespace tailor::conformance
