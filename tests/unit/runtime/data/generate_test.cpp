#include "runtime/data/sources/generated.h"

#include "data_testing.h"

#include <cmath>

namespace tailor::runtime {
namespace {

TEST(Generate, MoonsLieOnTheirHalfCircles) {
  const GeneratedRows rows =
      value_of(generate_two_moons({.train_per_class = 200, .noise = 0}, GeneratedPart::kTrain));
  ASSERT_EQ(rows.label.size(), 400u);
  for (std::size_t i = 0; i < rows.label.size(); ++i) {
    const double x = rows.numeric[0][i], y = rows.numeric[1][i];
    EXPECT_EQ(rows.label[i], static_cast<std::int32_t>(i % 2));
    if (rows.label[i] == 0) {
      EXPECT_NEAR(std::hypot(x, y), 1, 1e-6);
      EXPECT_GE(y, -1e-6);
    } else {
      EXPECT_NEAR(std::hypot(x - 1, y - 0.5), 1, 1e-6);
      EXPECT_LE(y, 0.5 + 1e-6);
    }
  }
}

TEST(Generate, BlobsHaveTheirCentresAndSpread) {
  const GeneratedSpec spec{
      .train_per_class = 5000, .classes = 4, .dimensions = 2, .noise = 0.5, .separation = 6};
  const GeneratedRows rows = value_of(generate_blobs(spec, GeneratedPart::kTrain));
  std::vector<double> mean_x(4, 0), mean_y(4, 0), squares(4, 0);
  for (std::size_t i = 0; i < rows.label.size(); ++i) {
    const auto k = static_cast<std::size_t>(rows.label[i]);
    mean_x[k] += rows.numeric[0][i] / 5000, mean_y[k] += rows.numeric[1][i] / 5000;
  }
  for (std::size_t i = 0; i < rows.label.size(); ++i) {
    const auto k = static_cast<std::size_t>(rows.label[i]);
    squares[k] += (rows.numeric[0][i] - mean_x[k]) * (rows.numeric[0][i] - mean_x[k]) / 5000;
  }
  const double expected_x[] = {3, 0, -3, 0}, expected_y[] = {0, 3, 0, -3};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(mean_x[k], expected_x[k], 5 * 0.5 / std::sqrt(5000));
    EXPECT_NEAR(mean_y[k], expected_y[k], 5 * 0.5 / std::sqrt(5000));
    EXPECT_NEAR(squares[k], 0.25, 5 * 0.25 * std::sqrt(2.0 / 5000));
  }
}

TEST(Generate, CentresInManyDimensionsAreOnTheSphere) {
  const GeneratedRows rows = value_of(generate_blobs(
      {.train_per_class = 1, .classes = 30, .dimensions = 12, .noise = 1e-9, .separation = 2e9},
      GeneratedPart::kTrain));
  for (std::size_t i = 0; i < rows.label.size(); ++i) {
    double squares = 0;
    for (const auto& column : rows.numeric)
      squares += column[i] * column[i];
    EXPECT_NEAR(std::sqrt(squares), 2, 1e-5);
  }
}

TEST(Generate, SeedsAndPartsDiffer) {
  const auto first = [](std::uint64_t seed, GeneratedPart part) {
    return value_of(generate_blobs({.train_per_class = 3,
                                    .val_per_class = 3,
                                    .test_per_class = 3,
                                    .dimensions = 3,
                                    .seed = seed},
                                   part))
        .numeric;
  };
  EXPECT_EQ(first(1, GeneratedPart::kTrain), first(1, GeneratedPart::kTrain));
  EXPECT_NE(first(1, GeneratedPart::kTrain), first(2, GeneratedPart::kTrain));
  EXPECT_NE(first(1, GeneratedPart::kTrain), first(1, GeneratedPart::kVal));
  EXPECT_NE(first(1, GeneratedPart::kVal), first(1, GeneratedPart::kTest));
}

TEST(Generate, AbsurdSizesAreErrors) {
  for (const GeneratedSpec& spec :
       {GeneratedSpec{.train_per_class = std::int64_t{1} << 60}, GeneratedSpec{.train_per_class = 0},
        GeneratedSpec{.classes = 1}, GeneratedSpec{.classes = 1 << 30}, GeneratedSpec{.dimensions = 0},
        GeneratedSpec{.train_per_class = 1 << 20, .classes = 60000, .dimensions = 60000},
        GeneratedSpec{.noise = -1}, GeneratedSpec{.noise = NAN}, GeneratedSpec{.separation = INFINITY}})
    EXPECT_EQ(generate_blobs(spec, GeneratedPart::kTrain).status().code(), StatusCode::kInvalidArgument);
}

} // namespace
} // namespace tailor::runtime
