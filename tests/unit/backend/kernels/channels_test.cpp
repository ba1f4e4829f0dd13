// Reductions over images with the arithmetic on vectors that is put behind them, on every machine there is code for.

#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

std::string typeOf(const Shape& shape) {
  std::string type = "tensor<";
  for (int64_t size : shape)
    type += std::to_string(size) + "x";
  return type + "f32>";
}

Tensor floats(Shape shape, unsigned seed, double low, double high) {
  return draw(Element::f32, std::move(shape), low, high, seed);
}

/// What SplitBatchNorm leaves of a norm in training, with its running statistics.
KernelText statistics(const Shape& shape) {
  const std::string images = typeOf(shape), c = typeOf({shape.back()});
  int64_t positions = 1;
  for (size_t i = 1; i + 1 < shape.size(); ++i)
    positions *= shape[i];
  return {
      "channels", "%x: " + images + ", %v: tensor<i32>, %s: " + c + ", %rm: " + c + ", %rv: " + c,
      "%m, %var = tailor.batch_norm_statistics %x valid(%v) : (" + images + ", tensor<i32>) -> (" + c + ", " +
          c + ")\n%e = tailor.constant dense<1.0e-5> : " + c + "\n%a = tailor.add %var, %e : " + c +
          "\n%i = tailor.rsqrt %a : " + c + "\n%f = tailor.mul %i, %s : " + c +
          "\n%nm, %nv = tailor.batch_norm_update_running %rm, %rv, %m, %var valid(%v) momentum(0.1) rows(" +
          std::to_string(shape[0]) + ") row_elements(" + std::to_string(positions) + ") : (" + c + ", " + c +
          ", " + c + ", " + c + ", tensor<i32>) -> (" + c + ", " + c + ")",
      "%m, %i, %f, %nm, %nv", c + ", " + c + ", " + c + ", " + c + ", " + c};
}

TEST(Channels, VectorsBehindStatisticsAndRunningStatisticsInPlace) {
  std::vector<KernelText> texts;
  std::vector<std::vector<Tensor>> arguments;
  for (const Shape& shape :
       {Shape{3, 4, 4, 16}, {5, 3, 7, 17}, {4, 1, 1, 5}, {2, 9, 5, 70}, {7, 3, 33}, {1, 5, 5, 1}})
    for (int64_t valid : {int64_t(1), shape[0]}) {
      const Shape channels{shape.back()};
      texts.push_back(statistics(shape));
      arguments.push_back({floats(shape, 1, -2, 2), Tensor::integer({}, {valid}), floats(channels, 2, 0.5, 2),
                           floats(channels, 3, -1, 1), floats(channels, 4, 0.5, 2)});
    }
  const auto kernels = compiled(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE(texts[i].arguments + " valid " + std::to_string(int64_t(arguments[i][1].at(0))));
    const std::vector<Tensor> apart = kernels->run(i, arguments[i]);
    expectClose(apart, kernels->expected(i, arguments[i]), 1e-4); // 1 / deviation of few elements magnifies
    expectSame(kernels->run(i, arguments[i], 1, {{3, 3}, {4, 4}}), apart);
  }
}

// Storage is all that is rounded: a sum of what is read is as close as that of f32.
TEST(Channels, StatisticsOfImagesStoredInBf16) {
  std::vector<KernelText> texts;
  std::vector<std::vector<Tensor>> arguments;
  for (const Shape& shape : {Shape{2, 32, 32, 16}, {3, 5, 7, 17}, {4, 8, 8, 64}}) {
    const std::string images = typeOf(shape), c = typeOf({shape.back()});
    std::string stored = images;
    stored.replace(stored.rfind("f32"), 3, "bf16");
    texts.push_back({"channels", "%s: " + stored,
                     "%x = tailor.cast %s : " + stored + " to " + images +
                         "\n%m, %var = tailor.batch_norm_statistics %x : (" + images + ") -> (" + c + ", " +
                         c + ")",
                     "%m, %var", c + ", " + c});
    Tensor drawn = draw(Element::bf16, shape, -1, 1.5, 1);
    drawn.roundToElement();
    arguments.push_back({drawn});
  }
  const auto kernels = compiled(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE(texts[i].arguments);
    expectClose(kernels->run(i, arguments[i]), kernels->expected(i, arguments[i]), 2e-6);
  }
}

} // namespace
} // namespace tailor::backend::testing
