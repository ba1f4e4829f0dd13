// The numbers of row weights, with mixed labels too: docs/methods.md 2.2 and 2.7 written out in f64.
#include "backend/driver/FrontendServices.h"
#include "tailor/tailor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tailor::backend {
namespace {

constexpr int kRows = 4, kClasses = 3;
const std::vector<double> kLogits = {0.3, -1.2, 0.8, 2.0, 0.1, -0.4, -0.7, 0.9, 0.2, 1.5, -0.3, -2.0};
const std::vector<int> kFirst = {0, 2, 1, 1}, kSecond = {1, 0, 2, 1};
const std::vector<double> kShare = {0.3, 0.3, 0.3, 0.3}, kRowA = {0.5, 2, 0, 7}, kRowB = {3, 0.25, 1, 0};
const std::vector<double> kClass = {1, 2, 5};

Array ints(const std::vector<int>& values) {
  return cast(array(std::vector<double>(values.begin(), values.end()), {kRows}), DType::i32);
}

/// -log softmax(z)[y] of a row.
double loss_of(int row, int label) {
  double sum = 0;
  for (int k = 0; k < kClasses; ++k)
    sum += std::exp(kLogits[static_cast<size_t>(row * kClasses + k)]);
  return std::log(sum) - kLogits[static_cast<size_t>(row * kClasses + label)];
}

class RowWeights : public ::testing::Test {
protected:
  static void SetUpTestSuite() { registerFrontendServices(); }

  losses::LossOptions mixed() const {
    losses::LossOptions options;
    options.labels_b = ints(kSecond);
    options.lambda = array(kShare, {kRows});
    options.row_weights = array(kRowA, {kRows});
    options.row_weights_b = array(kRowB, {kRows});
    return options;
  }
  static double value(const losses::LossOptions& options) {
    return losses::softmax_cross_entropy(array(kLogits, {kRows, kClasses}), ints(kFirst), options).eval()[0];
  }
};

TEST_F(RowWeights, OfASlotAreThoseOfItsRow) {
  double sum = 0, total = 0, total_of_classes = 0, sum_of_classes = 0;
  for (size_t n = 0; n < kRows; ++n) {
    const double a = kShare[n] * kRowA[n], b = (1 - kShare[n]) * kRowB[n];
    const double w_a = kClass[static_cast<size_t>(kFirst[n])], w_b = kClass[static_cast<size_t>(kSecond[n])];
    const double loss_a = loss_of(static_cast<int>(n), kFirst[n]),
                 loss_b = loss_of(static_cast<int>(n), kSecond[n]);
    sum += a * loss_a + b * loss_b;
    total += a + b;
    sum_of_classes += a * w_a * loss_a + b * w_b * loss_b;
    total_of_classes += a * w_a + b * w_b;
  }
  losses::LossOptions options = mixed();
  EXPECT_NEAR(value(options), sum / kRows, 1e-5);
  options.reduction = Reduction::weighted_mean;
  EXPECT_NEAR(value(options), sum / total, 1e-5);
  options.class_weights = array(kClass, {kClasses});
  EXPECT_NEAR(value(options), sum_of_classes / total_of_classes, 1e-5);
  // The soft form: a target of that mass.
  options = mixed();
  options.mixed = losses::MixedLabels::soft;
  EXPECT_NEAR(value(options), sum / kRows, 1e-5);
}

// v[n] = w[y[n]] is nothing but class weights.
TEST_F(RowWeights, ByClassAreClassWeights) {
  for (const losses::MixedLabels form : {losses::MixedLabels::slotwise, losses::MixedLabels::soft})
    for (const Reduction reduction : {Reduction::batch_mean, Reduction::weighted_mean}) {
      if (form == losses::MixedLabels::soft && reduction == Reduction::weighted_mean) continue;
      for (const double gamma : {0.0, 2.0}) {
        losses::LossOptions rows = mixed();
        rows.mixed = form;
        rows.reduction = reduction;
        rows.focal_gamma = gamma;
        losses::LossOptions classes = rows;
        classes.row_weights = classes.row_weights_b = Array();
        classes.class_weights = array(kClass, {kClasses});
        rows.row_weights = take(array(kClass, {kClasses}), ints(kFirst));
        rows.row_weights_b = take(array(kClass, {kClasses}), ints(kSecond));
        EXPECT_NEAR(value(rows), value(classes), 1e-5) << static_cast<int>(reduction) << " gamma " << gamma;
      }
    }
}

TEST_F(RowWeights, OfOneLogitToo) {
  const Array logits = array({0.4, -1.1, 2.0, 0.3}, {kRows});
  losses::LossOptions options = mixed();
  options.labels_b = ints({1, 0, 0, 1});
  const auto binary = [&](const std::vector<int>& labels, const losses::LossOptions& o) {
    return losses::sigmoid_cross_entropy(logits, ints(labels), o).eval();
  };
  losses::LossOptions none;
  none.reduction = Reduction::none;
  const std::vector<double> a = binary({0, 1, 1, 0}, none), b = binary({1, 0, 0, 1}, none);
  double sum = 0;
  for (size_t n = 0; n < kRows; ++n)
    sum += kShare[n] * kRowA[n] * a[n] + (1 - kShare[n]) * kRowB[n] * b[n];
  EXPECT_NEAR(binary({0, 1, 1, 0}, options)[0], sum / kRows, 1e-5);
}

} // namespace
} // namespace tailor::backend
