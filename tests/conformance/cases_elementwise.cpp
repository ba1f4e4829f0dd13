#include "tests/conformance/op_case.h"

namespace tailor::conformance {

std::vector<OpCase> elementwiseCases() {
  std::vector<OpCase> cases;
  for (const char* op : {"neg", "abs", "sign", "exp", "expm1", "square", "tanh", "sigmoid", "erf", "sin",
                         "cos", "relu", "silu", "gelu"})
    cases.push_back({op, {{"x", "3x5xf64"}}, std::string("%r = tailor.") + op + " %x : $x$", {"3x5xf64"}});
  for (const char* op : {"log", "log1p", "sqrt", "rsqrt", "reciprocal"})
    cases.push_back(
        {op, {{"x", "7xf64", Draw::positive}}, std::string("%r = tailor.") + op + " %x : $x$", {"7xf64"}});
  for (const char* op : {"add", "sub", "mul", "div", "max", "min"})
    cases.push_back({op,
                     {{"a", "2x3x2xf64"}, {"b", "2x3x2xf64"}},
                     std::string("%r = tailor.") + op + " %a, %b : $a$",
                     {"2x3x2xf64"}});
  cases.push_back({"gelu/tanh", {{"x", "3x5xf64"}}, "%r = tailor.gelu %x form(tanh) : $x$", {"3x5xf64"}});
  cases.push_back(
      {"pow", {{"a", "6xf64", Draw::positive}, {"b", "6xf64"}}, "%r = tailor.pow %a, %b : $a$", {"6xf64"}});
  cases.push_back({"scalar_mul", {{"a", "f64"}, {"b", "f64"}}, "%r = tailor.mul %a, %b : $a$", {"f64"}});
  cases.push_back({"same_operand_twice", {{"a", "4xf64"}}, "%r = tailor.mul %a, %a : $a$", {"4xf64"}});
  cases.push_back({"max/equal_operands", {{"a", "4xf64"}}, "%r = tailor.max %a, %a : $a$", {"4xf64"}});
  cases.push_back(
      {"stop_gradient", {{"x", "4xf64"}}, "%r = tailor.stop_gradient %x : $x$", {"4xf64"}, -1, true});
  cases.push_back({"where",
                   {{"c", "6xi1", {}, {1, 0, 0, 1, 1, 0}}, {"a", "6xf64"}, {"b", "6xf64"}},
                   "%r = tailor.where %c, %a, %b : $c$, $r$",
                   {"6xf64"}});
  cases.push_back({"cast/to_f32", {{"x", "5xf64"}}, "%r = tailor.cast %x : $x$ to $r$", {"5xf32"}});
  const std::vector<int64_t> bytes = {0, 1, 2, 127, 128, 129, 200, 254, 255};
  for (const char* result : {"9xf64", "9xf32"})
    cases.push_back({std::string("cast/bytes_to_") + (result + 2),
                     {{"x", "9xui8", {}, bytes}},
                     "%r = tailor.cast %x : $x$ to $r$",
                     {result}});
  cases.push_back({"clamp",
                   {{"x", "6xf64", {}, {}, {-2, -0.7, -0.1, 0.3, 0.8, 5}}},
                   "%r = tailor.clamp %x from -0.5 to 0.6 : $x$",
                   {"6xf64"}});
  cases.push_back({"dropout",
                   {{"x", "2x4xf64"}, {"mask", "2x4xi1", {}, {1, 0, 1, 1, 0, 1, 0, 1}}},
                   "%r = tailor.dropout %x mask(%mask) rate(0.4) : $mask$, $x$",
                   {"2x4xf64"}});
  return cases;
}

} // namespace tailor::conformance
