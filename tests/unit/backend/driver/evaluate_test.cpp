#include "backend/driver/Evaluate.h"
#include "backend/driver/FrontendServices.h"
#include "frontend/graph/error.h"
#include "frontend/graph/print.h"
#include "frontend/losses/vicreg.h"
#include "frontend/ops/convolution.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/linear_algebra.h"
#include "frontend/ops/random.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"
#include "frontend/transforms/gradients.h"
#include "frontend/transforms/repeat.h"
#include "frontend/transforms/value_and_grad.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tailor::backend {
namespace {

class Evaluation : public ::testing::Test {
protected:
  static void SetUpTestSuite() { registerFrontendServices(); }
};

TEST_F(Evaluation, ComputesWithTheCompilerAndTheExecutor) {
  Array x = array({1, 2, 3, 4}, {2, 2});
  EXPECT_EQ((x * x + 1.0f).eval(), (std::vector<double>{2, 5, 10, 17}));
}

TEST_F(Evaluation, LeavesAreInputsOfOneProgram) {
  // The same structure twice: the second must not see the first one's numbers.
  auto doubled = [](float a, float b) { return (array({a, b}, {2}) * 2.0f).eval(); };
  EXPECT_EQ(doubled(1, 2), (std::vector<double>{2, 4}));
  EXPECT_EQ(doubled(5, -7), (std::vector<double>{10, -14}));
}

TEST_F(Evaluation, ReducesAndMultiplies) {
  Array a = array({1, 2, 3, 4, 5, 6}, {2, 3});
  Array b = array({1, 0, 0, 1, 1, 1}, {3, 2});
  EXPECT_EQ(matmul(a, b).eval(), (std::vector<double>{4, 5, 10, 11}));
  EXPECT_EQ(sum(a).eval(), (std::vector<double>{21}));
}

TEST_F(Evaluation, SeveralResultsAreOneProgram) {
  Array x = array({1, 2, 3}, {3}), e = exp(x);
  const auto values = eval({sum(e), e / sum(e), cast(x > 1.5, DType::i32)});
  ASSERT_EQ(values.size(), 3u);
  EXPECT_NEAR(values[0][0], 30.19287, 1e-4);
  EXPECT_NEAR(values[1][2], 0.66524, 1e-5);
  EXPECT_EQ(values[2], (std::vector<double>{0, 1, 1}));
  EXPECT_TRUE(eval({}).empty());
}

TEST_F(Evaluation, RandomNumbersFollowFromTheKey) {
  const auto draw = [](std::uint64_t seed, std::uint32_t stream) {
    return random_uniform(random_key(seed, stream), {3, 4}).eval();
  };
  const std::vector<double> drawn = draw(7, 0);
  EXPECT_EQ(drawn, draw(7, 0));
  EXPECT_NE(drawn, draw(8, 0));
  EXPECT_NE(drawn, draw(7, 1));
  // Whatever else is in the program.
  EXPECT_EQ(eval({random_normal(random_key(1), {2}), random_uniform(random_key(7), {3, 4})})[1], drawn);
  const std::vector<double> order = random_permutation(random_key(3), 6).eval();
  EXPECT_EQ(std::set<double>(order.begin(), order.end()), (std::set<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(mean(take(array({1, 2, 3, 4, 5, 6}, {6}), random_permutation(random_key(3), 6))).eval()[0], 3.5);
}

TEST_F(Evaluation, PrintsLikeNumpy) {
  EXPECT_EQ(to_string(constant(0.5)), "f32[] 0.5");
  EXPECT_EQ(to_string(array({1, -2, 30}, {3}, DType::i32)), "i32[3]\n[ 1, -2, 30]");
  EXPECT_EQ(to_string(array({1, 0.5, -4, 1e-9}, {2, 2})), "f32[2, 2]\n[[    1,   0.5],\n [   -4, 1e-09]]");
  EXPECT_EQ(to_string(array({1, 2}, {2}) > 1.5), "i1[2]\n[false,  true]");
  EXPECT_EQ(to_string(array({1, 2, 3, 4}, {2, 1, 2})), "f32[2, 1, 2]\n[[[1, 2]],\n\n [[3, 4]]]");
  EXPECT_EQ(to_string(iota({2000}, 0)), "i32[2000]\n[   0,    1,    2, ..., 1997, 1998, 1999]");
}

TEST_F(Evaluation, GradientsAreClippedLikePyTorchs) {
  std::vector<Gradients::Item> items;
  for (const char* name : {"a", "b"}) {
    auto state = std::make_shared<State>();
    state->name = name;
    items.emplace_back(state, items.empty() ? array({3, 0}, {2}) : array({-4}, {1}));
  }
  const Gradients g(items);
  EXPECT_EQ(g.norm().eval()[0], 5);
  EXPECT_NEAR(g.clip(1.0).at("b").eval()[0], -0.8, 1e-6);
  EXPECT_EQ(g.clip(10.0).at("b").eval()[0], -4) << "short enough already";
  EXPECT_EQ(g.clip_value(3.5).at("b").eval()[0], -3.5);
  EXPECT_EQ((g + 2.0 * g).at("a").eval()[0], 9);
  EXPECT_EQ((g * constant(-1)).at("a").eval()[0], -3);
  const Gradients none = g * 0.0;
  EXPECT_EQ(none.clip(1.0).at("a").eval()[0], 0) << "no division by zero";
}

TEST_F(Evaluation, DerivativesOfAnyOrder) {
  const std::function<Array(const Array&)> power = [](const Array& x) { return sum(x * x * x * x); };
  Array x = array({1, -2}, {2});
  auto first = [&](const Array& v) { return sum(grad(power, v)); };
  auto second = [&](const Array& v) { return sum(grad(first, v)); };
  EXPECT_EQ(grad(first, x).eval(), (std::vector<double>{12, 48}));
  EXPECT_EQ(grad(second, x).eval(), (std::vector<double>{24, -48}));
}

TEST_F(Evaluation, WhatHasNoSecondDerivativeIsRefusedAtItsLine) {
  Array x = iota({1, 2, 2, 1}, 1, DType::f32);
  const int line = __LINE__ + 2;
  auto pooled = [](const Array& v) {
    return sum(square(max_pool2d(v, {.window = {2, 2}, .strides = {2, 2}})));
  };
  try {
    grad([&](const Array& v) { return sum(square(grad(pooled, v))); }, x).eval();
    FAIL() << "no error";
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("evaluate_test.cpp:" + std::to_string(line) + ":"));
    EXPECT_THAT(error.what(), testing::HasSubstr("has no derivative"));
  }
}

TEST_F(Evaluation, RepeatsAFunction) {
  auto downhill = [](const Array& v) {
    return v - 0.25 * grad([](const Array& u) { return sum(square(u)); }, v);
  };
  EXPECT_EQ(repeat(3, downhill, array({8, -16}, {2})).eval(), (std::vector<double>{1, -2}));
  // Through it flows a gradient: d/dx of x / 8.
  EXPECT_EQ(grad([&](const Array& x) { return sum(repeat(3, downhill, x)); }, array({8, -16}, {2})).eval(),
            (std::vector<double>{0.125, 0.125}));
}

TEST_F(Evaluation, VicregHasItsGoldenValue) { // methods.md 2.9
  Array z = array({1, 2, 0, -1, 2, 0}, {3, 2}), other = array({1.5, 1, 0.5, -1, 1, 1}, {3, 2});
  EXPECT_NEAR(losses::vicreg(z, other).eval()[0], 18.207708, 2e-5);
  EXPECT_NEAR(losses::vicreg(z, other, {.variance = 0, .covariance = 0}).eval()[0], 25 * 0.583333, 2e-5);
  EXPECT_NEAR(losses::vicreg(z, other, {.invariance = 0, .variance = 0}).eval()[0], 0.5, 1e-6);
  EXPECT_NEAR(losses::vicreg(z, other, {.invariance = 0, .variance = 2, .covariance = 0}).eval()[0], 0.249950,
              1e-6);
}

} // namespace
} // namespace tailor::backend
