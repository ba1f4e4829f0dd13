#include "tests/unit/backend/cpu/harness/convolution_shapes.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <set>

namespace tailor::backend::testing {

static std::string list(const std::vector<int64_t>& entries, const char* between) {
  std::string text;
  for (size_t i = 0; i < entries.size(); ++i)
    text += (i ? between : "") + std::to_string(entries[i]);
  return text;
}

std::string typeOf(const Shape& shape) {
  return "tensor<" + list({shape.begin(), shape.end()}, "x") + "xf32>";
}

std::string nameOf(const Convolution& c) {
  return typeOf(c.image()) + " " + typeOf(c.weight()) + " stride " +
         list({c.strideHeight, c.strideWidth}, ",") + " padding " +
         list({c.top, c.bottom, c.left, c.right}, ",") + " dilation " +
         list({c.dilationHeight, c.dilationWidth}, ",") + " groups " + std::to_string(c.groups);
}

static KernelText kernelText(const Convolution& c, const std::string& op, const Shape& a, const Shape& b,
                             const Shape& result) {
  std::string types = "(" + typeOf(a) + ", " + typeOf(b) + ") -> " + typeOf(result);
  std::string ops = "%r = tailor." + op + " %a, %b strides([" + list({c.strideHeight, c.strideWidth}, ", ") +
                    "]) padding([" + list({c.top, c.bottom, c.left, c.right}, ", ") + "]) dilation([" +
                    list({c.dilationHeight, c.dilationWidth}, ", ") + "]) groups(" +
                    std::to_string(c.groups) + ") : " + types;
  return {"single", "%a: " + typeOf(a) + ", %b: " + typeOf(b), ops, "%r", typeOf(result)};
}

std::vector<KernelText> kernelTexts(const Convolution& c) {
  return {kernelText(c, "conv2d", c.image(), c.weight(), c.output()),
          kernelText(c, "conv2d_data_grad", c.output(), c.weight(), c.image()),
          kernelText(c, "conv2d_weight_grad", c.image(), c.output(), c.weight())};
}

std::vector<std::vector<Tensor>> drawArguments(const Convolution& c) {
  Tensor x = draw(Element::f32, c.image(), -1, 1, 1), w = draw(Element::f32, c.weight(), -1, 1, 2);
  Tensor dy = draw(Element::f32, c.output(), -1, 1, 3);
  return {{x, w}, {dy, w}, {x, dy}};
}

std::vector<Convolution> coveringSet() {
  const std::vector<std::vector<int64_t>> values = {
      {1, 2, 3, 6, 9, 17},   // height
      {1, 2, 4, 7, 13, 33},  // width
      {1, 3, 8, 18, 32, 48}, // channels
      {1, 5, 8, 16, 34, 48}, // outputs
      {1, 2, 3, 5},          // kernel height
      {1, 3, 4, 7},          // kernel width
      {1, 2, 3},             // strides
      {1, 2, 3},
      {0, 1, 3, 7}, // padding
      {0, 2},
      {0, 1, 3, 8},
      {0, 2},
      {1, 2, 3}, // dilation
      {1, 2},
      {1, 2, 3, 8}, // groups
  };
  auto rowOf = [](const std::vector<int64_t>& v) {
    return Convolution{5,    v[0], v[1], v[2],  v[3],  v[4],  v[5],  v[6],
                       v[7], v[8], v[9], v[10], v[11], v[12], v[13], v[14]};
  };
  using Pair = std::array<int64_t, 4>;
  std::set<Pair> covered;
  std::mt19937 random(7);
  std::vector<Convolution> rows;
  for (int round = 0; round < 40; ++round) {
    std::vector<int64_t> best;
    std::vector<Pair> bestNew;
    for (int trial = 0; trial < 60; ++trial) {
      std::vector<int64_t> row;
      for (const auto& column : values)
        row.push_back(column[random() % column.size()]);
      if (!rowOf(row).isValid()) continue;
      std::vector<Pair> added;
      for (int64_t i = 0; i < int64_t(row.size()); ++i)
        for (int64_t j = i + 1; j < int64_t(row.size()); ++j)
          if (Pair pair{i, row[i], j, row[j]}; !covered.count(pair)) added.push_back(pair);
      if (added.size() > bestNew.size()) best = row, bestNew = added;
    }
    if (bestNew.empty()) break;
    covered.insert(bestNew.begin(), bestNew.end());
    rows.push_back(rowOf(best));
  }
  return rows;
}

std::vector<Convolution> namedShapes() {
  return {
      {.channels = 3},                                      // a stem
      {.height = 32, .width = 32},                          // resnet20, first stage
      {.outputs = 32, .strideHeight = 2, .strideWidth = 2}, // between stages
      {.outputs = 32,
       .kernelHeight = 1,
       .kernelWidth = 1,
       .strideHeight = 2,
       .strideWidth = 2,
       .top = 0,
       .bottom = 0,
       .left = 0,
       .right = 0}, // a projection
      {.channels = 64,
       .outputs = 24,
       .kernelHeight = 1,
       .kernelWidth = 1,
       .top = 0,
       .bottom = 0,
       .left = 0,
       .right = 0}, // one row of pixels
      {.height = 15,
       .width = 15,
       .channels = 3,
       .kernelHeight = 7,
       .kernelWidth = 7,
       .strideHeight = 2,
       .strideWidth = 2,
       .top = 3,
       .bottom = 3,
       .left = 3,
       .right = 3},
      {.width = 80, .kernelWidth = 9, .left = 64, .right = 64, .dilationWidth = 16}, // edges as single pixels
      {.channels = 32, .outputs = 32, .groups = 8},
      {.channels = 24, .outputs = 24, .groups = 24}, // depthwise
      {.channels = 6, .outputs = 18, .groups = 6},
      {.height = 12,
       .width = 13,
       .channels = 40,
       .outputs = 40,
       .kernelHeight = 7,
       .kernelWidth = 7,
       .strideWidth = 2,
       .top = 3,
       .bottom = 3,
       .left = 3,
       .right = 3,
       .groups = 40}, // depthwise, large and strided
      {.height = 3,
       .width = 3,
       .channels = 16,
       .outputs = 16,
       .kernelWidth = 5,
       .left = 4,
       .right = 4,
       .dilationWidth = 2,
       .groups = 16}, // no pixel reads all taps
      {.width = 80, .kernelWidth = 9, .left = 64, .right = 64, .dilationWidth = 16, .groups = 4},
      {.height = 9,
       .width = 14,
       .channels = 24,
       .outputs = 24,
       .strideHeight = 2,
       .strideWidth = 2,
       .groups = 6},
      {.channels = 32, .outputs = 32, .groups = 16},
      {.channels = 48, .outputs = 48, .groups = 6},
      {.images = 70,
       .height = 2,
       .width = 2,
       .channels = 130,
       .outputs = 130}, // slices of the weight gradient
      {.height = 11,
       .width = 11,
       .kernelHeight = 2,
       .kernelWidth = 2,
       .strideHeight = 5,
       .strideWidth = 5,
       .top = 0,
       .bottom = 0,
       .left = 0,
       .right = 0}, // pixels no tap reaches
  };
}

void expectAccurate(const Tensor& got, const Tensor& expected) {
  double squares = 0;
  for (double value : expected.reals())
    squares += value * value;
  double size = std::sqrt(squares / double(std::max<int64_t>(1, expected.size())));
  for (int64_t i = 0; i < expected.size(); ++i)
    ASSERT_LE(std::fabs(got.at(i) - expected.at(i)), 2e-5 * size) << "element " << i << " is " << got.at(i);
}

} // namespace tailor::backend::testing
