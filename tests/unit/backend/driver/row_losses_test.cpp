/// Losses of rows are reduced as the cross-entropies reduce theirs.
#include "backend/driver/FrontendServices.h"
#include "frontend/graph/error.h"
#include "frontend/losses/row_losses.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/shaping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::backend {
namespace {

class RowLosses : public ::testing::Test {
protected:
  static void SetUpTestSuite() { registerFrontendServices(); }
};

constexpr double kRounding = 2e-6; // of f32 sums of seven terms

TEST_F(RowLosses, AreReducedAsTheCrossEntropyIs) {
  const Array z = array({1, -0.5, 0.25, 2, -1, 0.5, 0, 3, -2, 0.1, 0.2, 0.3, -1, 2, 1}, {5, 3});
  const auto ints = [](const std::vector<double>& values) { return cast(array(values, {5}), DType::i32); };
  const Array y = ints({0, 2, 1, 2, 0}), y_b = ints({1, 1, 0, 2, 2});
  const Array lambda = full({5}, 0.3), weights = array({0.5, 2, 1.25}, {3}), valid = full({}, 4, DType::i32);
  const Array v = array({1, 0.25, 3, 2, 9}, {5});
  const auto rows_by = [&](const Array& labels) {
    return losses::softmax_cross_entropy(z, labels, {.reduction = Reduction::none});
  };
  for (const Reduction reduction : {Reduction::batch_mean, Reduction::weighted_mean, Reduction::sum})
    for (const bool weighted : {false, true})
      for (const bool mixed : {false, true})
        for (const bool row_weighted : {false, true}) {
          losses::LossOptions options;
          options.reduction = reduction;
          options.valid = valid;
          if (weighted) options.class_weights = weights;
          if (mixed) options.labels_b = y_b, options.lambda = lambda;
          if (row_weighted) options.row_weights = v;
          const Array loss = losses::loss_of_rows(rows_by(y), mixed ? rows_by(y_b) : Array(), y, options);
          EXPECT_NEAR(loss.eval()[0], losses::softmax_cross_entropy(z, y, options).eval()[0], kRounding)
              << static_cast<int>(reduction) << weighted << mixed << row_weighted;
        }
}

TEST_F(RowLosses, WithoutRowsAreZero) {
  losses::LossOptions options;
  options.valid = full({}, 0, DType::i32);
  options.class_weights = array({1, 2}, {2});
  for (const Reduction reduction : {Reduction::batch_mean, Reduction::weighted_mean, Reduction::sum}) {
    options.reduction = reduction;
    const Array loss = losses::loss_of_rows(full({3}, 5), {}, full({3}, 1, DType::i32), options);
    EXPECT_EQ(loss.eval()[0], 0) << static_cast<int>(reduction);
  }
}

TEST_F(RowLosses, RowWeightsMustBeOneNumberPerRow) {
  const Array rows = full({3}, 5), labels = full({3}, 1, DType::i32);
  const auto error_of = [&](const losses::LossOptions& options) -> std::string {
    try {
      losses::loss_of_rows(rows, options.labels_b.empty() ? Array() : rows, labels, options);
    } catch (const TraceError& error) {
      return error.what();
    }
    return "no error";
  };
  losses::LossOptions options;
  options.row_weights = full({}, 2); // would broadcast
  EXPECT_THAT(error_of(options), testing::HasSubstr("row weights must be one f32 per row"));
  options.row_weights = full({3}, 2);
  options.row_weights_b = full({3}, 2);
  EXPECT_THAT(error_of(options), testing::HasSubstr("row_weights_b are of the second label"));
  options.labels_b = labels, options.lambda = full({3}, 0.5);
  EXPECT_EQ(error_of(options), "no error");
  options.row_weights_b = full({3, 1}, 2);
  EXPECT_THAT(error_of(options), testing::HasSubstr("row weights must be one f32 per row"));
}

} // namespace
} // namespace tailor::backend
