#include "tests/conformance/op_case.h"

/// dot, convolution and pooling.
namespace tailor::conformance {

std::vector<OpCase> contractionCases() {
  std::vector<OpCase> cases{
      {"dot",
       {{"a", "3x4xf64"}, {"b", "4x2xf64"}},
       "%r = tailor.dot %a, %b contract([1] x [0]) : ($a$, $b$) -> $r$",
       {"3x2xf64"}},
      {"dot/both_transposed",
       {{"a", "4x3xf64"}, {"b", "2x4xf64"}},
       "%r = tailor.dot %a, %b contract([0] x [1]) : ($a$, $b$) -> $r$",
       {"3x2xf64"}},
      {"dot/batch",
       {{"a", "2x3x4xf64"}, {"b", "5x2x4xf64"}},
       "%r = tailor.dot %a, %b batch([0] x [1]) contract([2] x [2]) : ($a$, $b$) -> $r$",
       {"2x3x5xf64"}},
      {"dot/two_batch_two_contracting",
       {{"a", "2x3x4x2xf64"}, {"b", "3x2x2x4x3xf64"}},
       "%r = tailor.dot %a, %b batch([0, 1] x [1, 0]) contract([2, 3] x [3, 2]) : ($a$, $b$) -> $r$",
       {"2x3x3xf64"}},
      {"dot/vectors",
       {{"a", "5xf64"}, {"b", "5xf64"}},
       "%r = tailor.dot %a, %b contract([0] x [0]) : ($a$, $b$) -> $r$",
       {"f64"}},
      {"dot/outer",
       {{"a", "3xf64"}, {"b", "2xf64"}},
       "%r = tailor.dot %a, %b contract([] x []) : ($a$, $b$) -> $r$",
       {"3x2xf64"}},
  };

  struct Geometry {
    const char *name, *x, *w, *y, *words;
  };
  const Geometry geometries[] = {
      {"plain", "2x4x4x2xf64", "3x2x3x3xf64", "2x2x2x3xf64",
       "strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 1])"},
      {"uneven", "2x5x6x4xf64", "6x2x3x2xf64", "2x3x6x6xf64",
       "strides([2, 1]) padding([1, 1, 2, 0]) dilation([1, 2]) groups(2)"},
      {"unused_edge", "1x6x6x1xf64", "2x1x3x3xf64", "1x2x2x2xf64",
       "strides([2, 2]) padding([0, 0, 0, 0]) dilation([1, 1])"},
      {"depthwise", "1x4x3x3xf64", "3x1x3x3xf64", "1x4x3x3xf64",
       "strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) groups(3)"},
      {"pointwise_strided", "2x4x4x3xf64", "2x3x1x1xf64", "2x2x2x2xf64",
       "strides([2, 2]) padding([0, 0, 0, 0]) dilation([1, 1])"},
  };
  for (const Geometry& g : geometries) {
    const std::string words = g.words;
    cases.push_back({std::string("conv2d/") + g.name,
                     {{"x", g.x}, {"w", g.w}},
                     "%r = tailor.conv2d %x, %w " + words + " : ($x$, $w$) -> $r$",
                     {g.y}});
    cases.push_back({std::string("conv2d_data_grad/") + g.name,
                     {{"dy", g.y}, {"w", g.w}},
                     "%r = tailor.conv2d_data_grad %dy, %w " + words + " : ($dy$, $w$) -> $r$",
                     {g.x}});
    cases.push_back({std::string("conv2d_weight_grad/") + g.name,
                     {{"x", g.x}, {"dy", g.y}},
                     "%r = tailor.conv2d_weight_grad %x, %dy " + words + " : ($x$, $dy$) -> $r$",
                     {g.w}});
  }

  const Geometry pools[] = {
      {"plain", "2x4x4x2xf64", "", "2x2x2x2xf64", "window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0])"},
      {"padded", "1x5x4x2xf64", "", "1x3x5x2xf64", "window([3, 2]) strides([2, 1]) padding([1, 1, 1, 1])"},
      {"ceil", "1x5x6x1xf64", "", "1x3x4x1xf64",
       "window([2, 3]) strides([2, 2]) padding([0, 0, 1, 1]) ceil_mode"},
      {"uneven", "1x5x4x2xf64", "", "1x2x4x2xf64", "window([3, 2]) strides([2, 1]) padding([1, 0, 0, 1])"},
  };
  for (const Geometry& g : pools) {
    const std::string words = g.words;
    cases.push_back({std::string("max_pool2d/") + g.name,
                     {{"x", g.x}},
                     "%r = tailor.max_pool2d %x " + words + " : ($x$) -> $r$",
                     {g.y}});
    for (const char* pad : {"", " count_include_pad"}) {
      cases.push_back({std::string("avg_pool2d/") + g.name + (pad[0] ? "_include_pad" : ""),
                       {{"x", g.x}},
                       "%r = tailor.avg_pool2d %x " + words + pad + " : ($x$) -> $r$",
                       {g.y}});
      cases.push_back({std::string("avg_pool2d_grad/") + g.name + (pad[0] ? "_include_pad" : ""),
                       {{"dy", g.y}},
                       "%r = tailor.avg_pool2d_grad %dy " + words + pad + " : ($dy$) -> $r$",
                       {g.x}});
    }
  }
  return cases;
}

} // namespace tailor::conformance
