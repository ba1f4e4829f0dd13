// Matrix products with what is fused behind them, in every form and many sizes, on every machine there is code for.

#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

struct Form {
  std::string name, lhs, rhs, contracting; ///< shapes in terms of M, N, K
};
const Form kForms[] = {{"forward", "MxK", "NxK", "[1] x [1]"},
                       {"data gradient", "MxK", "KxN", "[1] x [0]"},
                       {"weight gradient", "KxM", "KxN", "[0] x [0]"}};

std::string sized(std::string text, int64_t m, int64_t n, int64_t k) {
  for (auto [letter, size] : {std::pair{'M', m}, {'N', n}, {'K', k}})
    for (size_t at = 0; (at = text.find(letter, at)) != std::string::npos;)
      text.replace(at, 1, std::to_string(size));
  return text;
}

Shape shapeOf(std::string text) {
  Shape sizes;
  for (size_t at = 0; at != std::string::npos;
       at = text.find('x', at) == std::string::npos ? std::string::npos : text.find('x', at) + 1)
    sizes.push_back(std::stoll(text.substr(at)));
  return sizes;
}

/// With a bias and ReLU behind it; `element` is what the operands are stored in.
void checkEveryFormAndSize(const std::string& element) {
  std::vector<KernelText> texts;
  std::vector<std::vector<Tensor>> arguments;
  std::vector<std::string> names;
  for (const Form& form : kForms)
    for (auto [m, n, k] : {std::tuple{1, 1, 1},
                           {7, 17, 3},
                           {33, 31, 33},
                           {32, 64, 100},
                           {8, 9, 64},
                           {130, 65, 40},
                           {300, 257, 9},
                           // More than enough blocks for tiles of 64 and of 128.
                           {1027, 520, 17},
                           {1601, 1300, 11}}) {
      const std::string lhs = sized(form.lhs, m, n, k), rhs = sized(form.rhs, m, n, k),
                        result = sized("tensor<MxNxf32>", m, n, k);
      const std::string bias = sized("tensor<Nxf32>", m, n, k);
      auto widened = [&](const std::string& name, const std::string& shape) {
        return element == "f32" ? ""
                                : "%" + name + " = tailor.cast %" + name + "_stored : tensor<" + shape + "x" +
                                      element + "> to tensor<" + shape + "xf32>\n";
      };
      const std::string suffix = element == "f32" ? "" : "_stored";
      texts.push_back({"gemm",
                       "%a" + suffix + ": tensor<" + lhs + "x" + element + ">, %b" + suffix + ": tensor<" +
                           rhs + "x" + element + ">, %c: " + bias,
                       widened("a", lhs) + widened("b", rhs) + "%p = tailor.dot %a, %b contract(" +
                           form.contracting + ") : (tensor<" + lhs + "xf32>, tensor<" + rhs + "xf32>) -> " +
                           result + "\n%w = tailor.broadcast %c dims([1]) : " + bias + " to " + result +
                           "\n%s = tailor.add %p, %w : " + result + "\n%r = tailor.relu %s : " + result,
                       "%r", result});
      const Element stored = element == "f32" ? Element::f32 : Element::bf16;
      arguments.push_back({draw(stored, shapeOf(lhs), -1, 1, 1), draw(stored, shapeOf(rhs), -1, 1, 2),
                           draw(Element::f32, {n}, -1, 1, 3)});
      for (Tensor& argument : arguments.back())
        argument.roundToElement();
      names.push_back(form.name + " " + sized("M N K", m, n, k));
    }
  const auto kernels = compiled(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE(names[i]);
    expectClose(kernels->run(i, arguments[i]), kernels->expected(i, arguments[i]), 2e-5);
  }
}

TEST(Products, EveryFormAndSizeWithBiasAndRelu) {
  checkEveryFormAndSize("f32");
}

TEST(Products, EveryFormAndSizeStoredInBf16) {
  checkEveryFormAndSize("bf16");
}

} // namespace
} // namespace tailor::backend::testing
