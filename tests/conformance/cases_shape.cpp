#include "tests/conformance/op_case.h"

namespace tailor::conformance {

std::vector<OpCase> shapeCases() {
  return {
      {"broadcast/new_dimension",
       {{"x", "3xf64"}},
       "%r = tailor.broadcast %x dims([1]) : $x$ to $r$",
       {"4x3xf64"}},
      {"broadcast/size_1",
       {{"x", "2x1xf64"}},
       "%r = tailor.broadcast %x dims([0, 2]) : $x$ to $r$",
       {"2x3x4xf64"}},
      {"broadcast/scalar", {{"x", "f64"}}, "%r = tailor.broadcast %x dims([]) : $x$ to $r$", {"2x3xf64"}},
      {"reshape", {{"x", "2x6xf64"}}, "%r = tailor.reshape %x : $x$ to $r$", {"3x4xf64"}},
      {"transpose",
       {{"x", "2x3x4xf64"}},
       "%r = tailor.transpose %x permutation([2, 0, 1]) : $x$ to $r$",
       {"4x2x3xf64"}},
      {"slice",
       {{"x", "5x7xf64"}},
       "%r = tailor.slice %x from([1, 0]) to([5, 7]) by([2, 3]) : $x$ to $r$",
       {"2x3xf64"}},
      {"pad",
       {{"x", "2x3xf64"}},
       "%r = tailor.pad %x low([1, 0]) high([0, 2]) interior([2, 1]) value(0.5) : $x$ to $r$",
       {"5x7xf64"}},
      {"concat",
       {{"a", "2x3xf64"}, {"b", "2x1xf64"}, {"c", "2x2xf64"}},
       "%r = tailor.concat %a, %b, %c dim(1) : ($a$, $b$, $c$) -> $r$",
       {"2x6xf64"}},
      {"roll", {{"x", "2x5xf64"}}, "%r = tailor.roll %x shift(-2) dim(1) : $x$", {"2x5xf64"}},
      {"take",
       {{"t", "4x3xf64"}, {"i", "2x3xi32", {}, {3, 0, 3, 1, 1, 3}}},
       "%r = tailor.take %t, %i : ($t$, $i$) -> $r$",
       {"2x3x3xf64"}},
      {"take/table_of_scalars",
       {{"t", "4xf64"}, {"i", "5xi32", {}, {3, 0, 3, 1, 1}}},
       "%r = tailor.take %t, %i : ($t$, $i$) -> $r$",
       {"5xf64"}},
      {"take_along",
       {{"x", "4x3xf64"}, {"i", "4xi32", {}, {2, 0, 0, 1}}},
       "%r = tailor.take_along %x, %i : ($x$, $i$) -> $r$",
       {"4xf64"}},
      {"scatter_add",
       {{"t", "3x2xf64"}, {"i", "4xi32", {}, {2, 0, 2, 2}}, {"u", "4x2xf64"}},
       "%r = tailor.scatter_add %t, %i, %u : ($t$, $i$, $u$) -> $r$",
       {"3x2xf64"}},
  };
}

} // namespace tailor::conformance
