#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor {
namespace {

using losses::MixedLabels;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Losses : public testing::Test {
protected:
  Array logits = full({4, 3}, 0.5), targets = full({4, 3}, 0.25), lambda = full({4}, 0.5);
  Array labels = full({4}, 1, DType::i32);

  static auto says(const std::string& text) { return ThrowsMessage<TraceError>(HasSubstr(text)); }
};

TEST_F(Losses, SoftFormRefusesWhatBelongsToOneLabel) {
  const auto mixed = [&](losses::LossOptions options) {
    options.labels_b = labels;
    options.lambda = lambda;
    options.mixed = MixedLabels::soft;
    return losses::softmax_cross_entropy(logits, labels, options);
  };
  EXPECT_EQ(mixed({.class_weights = 2.0, .smoothing = 0.1, .focal_gamma = 1}).shape(), Shape{});
  EXPECT_THAT([&] { mixed({.margin = 0.5}); }, says("a margin belongs to one label and has no soft form"));
  EXPECT_THAT([&] { mixed({.reduction = Reduction::weighted_mean}); }, says("has no weighted_mean"));
  EXPECT_THAT(
      [&] {
        losses::softmax_cross_entropy(logits, labels, {.labels_b = labels, .mixed = MixedLabels::soft});
      },
      says("mixed labels need both labels_b and lambda"));
}

TEST_F(Losses, SoftTargetsAreTakenAsTheyAre) {
  EXPECT_EQ(losses::soft_cross_entropy(logits, targets, {.bias = 0.5, .reduction = Reduction::none}).shape(),
            Shape{4});
  EXPECT_THAT([&] { losses::soft_cross_entropy(logits, targets, {.smoothing = 0.1}); },
              says("smooth and mix the targets themselves"));
  EXPECT_THAT([&] { losses::soft_cross_entropy(logits, full({4, 2}, 0.5)); }, says("soft targets"));
}

TEST_F(Losses, RowWeightsAreOnePerRow) {
  for (Reduction reduction : {Reduction::batch_mean, Reduction::weighted_mean, Reduction::sum})
    EXPECT_EQ(losses::softmax_cross_entropy(logits, labels, {.row_weights = lambda, .reduction = reduction})
                  .shape(),
              Shape{});
  EXPECT_EQ(
      losses::softmax_cross_entropy(logits, labels, {.row_weights = lambda, .reduction = Reduction::none})
          .shape(),
      Shape{4});
  EXPECT_THAT([&] { losses::softmax_cross_entropy(logits, labels, {.row_weights = full({3}, 1)}); },
              says("row weights must be one f32 per row, f32[4], not f32[3]"));
  EXPECT_EQ(losses::sigmoid_cross_entropy(lambda, labels, {.row_weights = lambda}).shape(), Shape{});
}

TEST_F(Losses, RowWeightsOfTheSecondLabelNeedOne) {
  EXPECT_THAT(
      [&] {
        losses::softmax_cross_entropy(logits, labels, {.row_weights = lambda, .row_weights_b = lambda});
      },
      says("row_weights_b are of the second label: they need row_weights, labels_b and lambda"));
  const auto mixed = [&](losses::LossOptions options) {
    options.labels_b = labels;
    options.lambda = lambda;
    options.row_weights = lambda;
    if (options.row_weights_b.empty()) options.row_weights_b = lambda;
    return losses::softmax_cross_entropy(logits, labels, options);
  };
  EXPECT_EQ(mixed({.reduction = Reduction::weighted_mean}).shape(), Shape{});
  EXPECT_EQ(mixed({.mixed = MixedLabels::soft, .focal_gamma = 1}).shape(), Shape{});
  EXPECT_THAT([&] { mixed({.row_weights_b = full({3}, 1)}); }, says("row weights must be one f32 per row"));
  EXPECT_THAT([&] { mixed({.mixed = MixedLabels::soft, .row_weights_b = full({3}, 1)}); },
              says("row weights must be one f32 per row"));
  EXPECT_THAT([&] { mixed({.mixed = MixedLabels::soft, .focal_gamma = 1, .focal_of_weighted = true}); },
              says("does not scale with the mass of a soft target"));
}

TEST_F(Losses, OneLogitHasNoSoftForm) {
  EXPECT_THAT([&] { losses::sigmoid_cross_entropy(lambda, labels, {.mixed = MixedLabels::soft}); },
              says("soft form of mixed labels"));
}

} // namespace
} // namespace tailor
