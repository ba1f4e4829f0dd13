#pragma once
/// A kernel of odd sizes against the reference, however its work is divided.

#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tailor::backend::testing {

inline std::string replaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// N and C in the text become the sizes.
inline KernelText sized(KernelText k, int64_t rows, int64_t columns) {
  for (std::string* part : {&k.arguments, &k.ops, &k.results}) {
    *part = replaceAll(*part, "{N}", std::to_string(rows));
    *part = replaceAll(*part, "{C}", std::to_string(columns));
  }
  return k;
}

inline Tensor floats(Shape shape, unsigned seed = 1, double low = -2, double high = 2) {
  return draw(Element::f32, std::move(shape), low, high, seed);
}

/// Compares with the reference in 1, 2 and 5 chunks; chunks must not change a bit.
inline void check(const KernelText& text, const std::vector<Tensor>& arguments, double tolerance = 2e-5) {
  for (const char* target : {"cpu:native", "cpu:x86-64-v3"}) {
    SCOPED_TRACE(target);
    CompiledKernels kernels({text}, targetNamed(target));
    std::vector<Tensor> once = kernels.run(0, arguments);
    expectClose(once, kernels.expected(0, arguments), tolerance);
    for (int64_t chunks : {2, 5})
      expectSame(kernels.run(0, arguments, chunks), once);
    if (::testing::Test::HasFailure()) return;
  }
}

inline const std::vector<std::pair<int64_t, int64_t>> kSizes = {
    {1, 1}, {3, 7}, {7, 16}, {17, 9}, {33, 17}, {5, 100}, {100, 3}, {2, 130}, {40, 300}};

} // namespace tailor::backend::testing
