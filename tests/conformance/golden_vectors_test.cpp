/// The golden vectors of methods.md 2.9, through the ops that compute them.
#include "tests/conformance/test_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::conformance {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

constexpr double kPrinted = 5.1e-7; // six decimals are printed

const std::vector<double> kLogits{1, -0.5, 0.25, 2, -1};
const std::vector<double> kCounts{5000, 645, 139, 83, 50};

std::vector<double> invMaxWeights() {
  std::vector<double> weights;
  for (double count : kCounts)
    weights.push_back(kCounts[0] / count);
  return weights;
}

std::vector<double> oneMinusPSmoothing() {
  std::vector<double> smoothing;
  for (double count : kCounts)
    smoothing.push_back(0.1 * (1 - count / 5917) / (1 - 0.2));
  return smoothing;
}

struct LossAndGradient {
  double loss = 0;
  std::vector<double> gradient;
};

/// Loss and logits gradient of one row with label 2, by the loss op, its grad op and the fused op, which must
/// agree.
LossAndGradient evaluate(const std::string& words, std::vector<Argument> tables = {},
                         std::vector<double> logits = kLogits) {
  std::vector<Argument> arguments{
      {"g", "f64", {}, {}, {1}}, {"z", "1x5xf64", {}, {}, logits}, {"y", "1xi32", {}, {2}}};
  arguments.insert(arguments.end(), tables.begin(), tables.end());
  const std::vector<Tensor> loss =
      runReference({"loss",
                    arguments,
                    "%r = tailor.softmax_cross_entropy %z, %y : $y$" + words + " : $z$ -> $r$",
                    {"f64"}});
  const std::vector<Tensor> gradient = runReference(
      {"grad",
       arguments,
       "%r = tailor.softmax_cross_entropy_grad %g, %z, %y : $y$" + words + " : ($g$, $z$) -> $r$",
       {"1x5xf64"}});
  const std::vector<Tensor> both =
      runReference({"both",
                    arguments,
                    "%r:2 = tailor.softmax_cross_entropy_with_grad %g, %z, %y : $y$" + words +
                        " : ($g$, $z$) -> ($g$, $z$)",
                    {"f64", "1x5xf64"}});
  if (loss.empty() || gradient.empty() || both.empty()) {
    ADD_FAILURE() << "does not run: " << words;
    return {};
  }
  EXPECT_EQ(loss[0].reals(), both[0].reals());
  EXPECT_EQ(gradient[0].reals(), both[1].reals());
  return {loss[0].reals()[0], gradient[0].reals()};
}

Argument table(const std::string& name, std::vector<double> values) {
  return {name, "5xf64", {}, {}, std::move(values)};
}

TEST(GoldenVectors, CrossEntropy) {
  const LossAndGradient result = evaluate(" reduction(batch_mean)");
  EXPECT_NEAR(result.loss, 2.264932, kPrinted);
  EXPECT_THAT(result.gradient,
              Pointwise(DoubleNear(kPrinted), {.219823, .049049, -.896163, .597541, .029750}));
}

TEST(GoldenVectors, Softmax) {
  const std::vector<Tensor> p = runReference(
      {"softmax", {{"z", "1x5xf64", {}, {}, kLogits}}, "%r = tailor.softmax %z dim(1) : $z$", {"1x5xf64"}});
  ASSERT_EQ(p.size(), 1u);
  EXPECT_THAT(p[0].reals(), Pointwise(DoubleNear(kPrinted), {.219823, .049049, .103837, .597541, .029750}));
}

TEST(GoldenVectors, Focal) {
  const LossAndGradient one = evaluate(" focal(1.0) reduction(batch_mean)");
  EXPECT_NEAR(one.loss, 2.029749, kPrinted);
  EXPECT_THAT(one.gradient, Pointwise(DoubleNear(kPrinted), {.248696, .055492, -1.013871, .676026, .033657}));
  const LossAndGradient two = evaluate(" focal(2.0) reduction(batch_mean)");
  EXPECT_NEAR(two.loss, 1.818985, kPrinted);
  EXPECT_THAT(two.gradient, Pointwise(DoubleNear(kPrinted), {.269203, .060067, -1.097472, .731769, .036433}));
}

TEST(GoldenVectors, FocalOfWeightedWithWeightOneIsFocal) {
  const LossAndGradient plain = evaluate(" focal(2.0) reduction(batch_mean)");
  const LossAndGradient weighted = evaluate(" focal(2.0 of_weighted) reduction(batch_mean)");
  EXPECT_NEAR(plain.loss, weighted.loss, 1e-14);
  EXPECT_THAT(weighted.gradient, Pointwise(DoubleNear(1e-14), plain.gradient));
}

TEST(GoldenVectors, UniformSmoothing) {
  const LossAndGradient result =
      evaluate(" smoothing(%e : $e$) reduction(batch_mean)", {table("e", std::vector<double>(5, 0.1))});
  EXPECT_NEAR(result.loss, 2.254932, kPrinted);
  EXPECT_THAT(result.gradient,
              Pointwise(DoubleNear(kPrinted), {.199823, .029049, -.816163, .577541, .009750}));
}

TEST(GoldenVectors, Ldam) {
  std::vector<double> margins;
  for (double count : kCounts)
    margins.push_back(0.5 * std::pow(50 / count, 0.25));
  EXPECT_THAT(margins, Pointwise(DoubleNear(kPrinted), {.158114, .263829, .387221, .440497, .500000}));
  const LossAndGradient result = evaluate(" margin(%m : $m$) scale(30.0) reduction(batch_mean)",
                                          {table("m", margins)}, {.10, -.20, .30, .05, -.40});
  EXPECT_NEAR(result.loss, 5.821111, kPrinted);
  EXPECT_THAT(result.gradient,
              Pointwise(DoubleNear(kPrinted), {24.452055, .003018, -29.911071, 5.455991, .000007}));
}

TEST(GoldenVectors, LogitBias) {
  std::vector<double> logPrior;
  for (double count : kCounts)
    logPrior.push_back(std::log(count / 5917));
  EXPECT_NEAR(evaluate(" bias(%b : $b$) reduction(batch_mean)", {table("b", logPrior)}).loss, 4.417421,
              kPrinted);
}

TEST(GoldenVectors, CombinedSlotsWeightsAndSmoothing) {
  const std::vector<Argument> tables{{"yb", "1xi32", {}, {4}},
                                     {"lam", "1xf64", {}, {}, {0.7}},
                                     table("w", invMaxWeights()),
                                     table("e", oneMinusPSmoothing())};
  const std::string words = " mix(%yb, %lam : $yb$, $lam$) weights(%w : $w$) smoothing(%e : $e$)";
  EXPECT_NEAR(evaluate(words + " reduction(sum)", tables).loss, 157.151572, 5e-6);
  const LossAndGradient mean = evaluate(words + " reduction(weighted_mean)", tables);
  EXPECT_NEAR(mean.loss, 2.847988, kPrinted);
  EXPECT_THAT(mean.gradient,
              Pointwise(DoubleNear(kPrinted), {.195206, .024432, -.321403, .572924, -.471159}));
}

TEST(GoldenVectors, MixedLabelsWithEqualWeightsAreASoftTarget) {
  const LossAndGradient mixed = evaluate(" mix(%yb, %lam : $yb$, $lam$) reduction(batch_mean)",
                                         {{"yb", "1xi32", {}, {4}}, {"lam", "1xf64", {}, {}, {0.7}}});
  const std::vector<Tensor> soft =
      runReference({"soft",
                    {{"z", "1x5xf64", {}, {}, kLogits}, {"q", "1x5xf64", {}, {}, {0, 0, 0.7, 0, 0.3}}},
                    "%r = tailor.softmax_cross_entropy %z soft(%q : $q$) "
                    "reduction(batch_mean) : $z$ -> $r$",
                    {"f64"}});
  ASSERT_EQ(soft.size(), 1u);
  EXPECT_NEAR(mixed.loss, soft[0].reals()[0], 1e-14);
}

TEST(GoldenVectors, OneLogit) {
  for (const auto& [label, loss, gradient] :
       {std::tuple{1, .438186, -.281812}, std::tuple{0, 1.068186, .618188}}) {
    const std::vector<Tensor> both =
        runReference({"bce",
                      {{"g", "f64", {}, {}, {1}},
                       {"z", "1xf64", {}, {}, {0.7}},
                       {"y", "1xi32", {}, {label}},
                       {"e", "2xf64", {}, {}, {0.1, 0.1}}},
                      "%r:2 = tailor.sigmoid_cross_entropy_with_grad %g, %z, %y : $y$ smoothing(%e : $e$) "
                      "reduction(batch_mean) : ($g$, $z$) -> ($g$, $z$)",
                      {"f64", "1xf64"}});
    ASSERT_EQ(both.size(), 2u);
    EXPECT_NEAR(both[0].reals()[0], loss, kPrinted);
    EXPECT_NEAR(both[1].reals()[0], gradient, kPrinted);
  }
}

/// SAM on f = (x^2 + 10 y^2) / 2 at (1, 1): gradient (x, 10 y), rho 0.05, lr 0.1.
TEST(GoldenVectors, SamOnAQuadratic) {
  const std::vector<Tensor> results =
      runReference({"sam",
                    {{"w", "2xf64", {}, {}, {1, 1}},
                     {"h", "2xf64", {}, {}, {1, 10}},
                     {"rho", "f64", {}, {}, {0.05}},
                     {"lr", "f64", {}, {}, {0.1}},
                     {"wd", "f64", {}, {}, {0}}},
                    "%g = tailor.mul %h, %w : $w$\n"
                    "%norm = tailor.global_norm %g : ($w$) -> $rho$\n"
                    "%up = tailor.sam.perturb params(%w) grads(%g) norm(%norm) radius(%rho) : ($w$, $w$, "
                    "$rho$, $rho$) -> $w$\n"
                    "%r0 = tailor.mul %h, %up : $w$\n"
                    "%r = tailor.sgd_update params(%w) grads(%r0) lr(%lr) weight_decay(%wd) decayed([true]) "
                    ": ($w$, $w$, $lr$, $wd$) -> ($w$)",
                    {"2xf64"}});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_THAT(results[0].reals(), Pointwise(DoubleNear(kPrinted), {.899502, -.049752}));
}

/// Invariant 15: an all-zero ascent gradient gives w itself.
TEST(GoldenVectors, SamWithZeroGradientStays) {
  const std::vector<Tensor> results = runReference(
      {"sam_zero",
       {{"w", "2xf64", {}, {}, {1, -3}}, {"g", "2xf64", {}, {}, {0, 0}}, {"rho", "f64", {}, {}, {0.05}}},
       "%norm = tailor.global_norm %g : ($g$) -> $rho$\n"
       "%r = tailor.sam.perturb params(%w) grads(%g) norm(%norm) radius(%rho) : ($w$, $w$, $rho$, "
       "$rho$) -> $w$",
       {"2xf64"}});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].reals(), (std::vector<double>{1, -3}));
}

/// What comes first is what was `shift` places before it.
TEST(Roll, MovesElementsForward) {
  const std::vector<Tensor> rolled = runReference({"roll",
                                                   {{"x", "5xf64", {}, {}, {0, 1, 2, 3, 4}}},
                                                   "%r = tailor.roll %x shift(2) dim(0) : $x$",
                                                   {"5xf64"}});
  ASSERT_EQ(rolled.size(), 1u);
  EXPECT_THAT(rolled[0].reals(), testing::ElementsAre(3, 4, 0, 1, 2));
}

} // namespace
} // namespace tailor::conformance
