// Reference vectors: methods.md 1.1 (counts recomputed there from the sources it names).
#include "runtime/data/long_tail.h"

#include "data_testing.h"

#include <numeric>

namespace tailor::runtime {
namespace {

using Counts = std::vector<std::int64_t>;

Counts exp_counts(std::int64_t n_max, std::size_t num_classes, double r, std::int64_t min_per_class = 0) {
  return value_of(long_tail_counts({.r = r, .min_per_class = min_per_class}, Counts(num_classes, n_max)));
}

std::int64_t sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

TEST(LongTail, ExpMatchesTheReferenceVectors) {
  EXPECT_EQ(exp_counts(5000, 10, 0.01), (Counts{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}));
  EXPECT_EQ(exp_counts(5000, 10, 0.02), (Counts{5000, 3237, 2096, 1357, 878, 568, 368, 238, 154, 100}));
  EXPECT_EQ(exp_counts(5000, 10, 0.1), (Counts{5000, 3871, 2997, 2320, 1796, 1391, 1077, 834, 645, 500}));
  EXPECT_EQ(exp_counts(5000, 10, 0.001), (Counts{5000, 2320, 1077, 500, 232, 107, 50, 23, 10, 5}));
  EXPECT_EQ(exp_counts(9000, 10, 0.01), (Counts{9000, 5395, 3234, 1938, 1162, 696, 417, 250, 150, 90}));
  EXPECT_EQ(exp_counts(9000, 10, 0.02), (Counts{9000, 5827, 3773, 2442, 1581, 1024, 663, 429, 278, 180}));
}

TEST(LongTail, ExpMatchesTheReferenceTotals) {
  struct Case {
    std::int64_t n_max;
    std::size_t num_classes;
    double r;
    std::int64_t total, least;
  };
  for (const Case& c :
       {Case{5000, 10, 0.01, 12406, 50}, Case{5000, 10, 0.02, 13996, 100}, Case{5000, 10, 0.1, 20431, 500},
        Case{5000, 10, 0.001, 9324, 5}, Case{500, 100, 0.01, 10847, 5}, Case{500, 100, 0.02, 12608, 10},
        Case{500, 100, 0.1, 19573, 50}, Case{500, 100, 0.001, 7361, 0}, Case{9000, 10, 0.01, 22332, 90},
        Case{9000, 10, 0.02, 25197, 180}, Case{500, 200, 0.01, 21549, 5}, Case{500, 200, 0.02, 25082, 10},
        Case{500, 200, 0.1, 39072, 50}}) {
    const Counts counts = exp_counts(c.n_max, c.num_classes, c.r);
    EXPECT_EQ(sum(counts), c.total) << c.n_max << " x " << c.num_classes << ", r " << c.r;
    EXPECT_EQ(counts.back(), c.least);
  }
}

TEST(LongTail, MinPerClassFillsClassesThatTruncationEmpties) {
  const Counts references = exp_counts(500, 100, 0.001, 0), filled = exp_counts(500, 100, 0.001, 1);
  EXPECT_EQ(std::count(references.begin(), references.end(), 0), 10);
  EXPECT_EQ(std::count(filled.begin(), filled.end(), 0), 0);
  EXPECT_EQ(sum(filled), 7361 + 10);
}

TEST(LongTail, StepProfiles) {
  const Counts available(10, 5000);
  EXPECT_EQ(value_of(long_tail_counts({.profile = TailProfile::kStep, .r = 0.01}, available)),
            (Counts{5000, 5000, 5000, 5000, 5000, 50, 50, 50, 50, 50}));
  EXPECT_EQ(value_of(long_tail_counts({.profile = TailProfile::kStep, .r = 0.1}, Counts(5, 100))),
            (Counts{100, 100, 10, 10, 10}));
  EXPECT_EQ(value_of(long_tail_counts({.profile = TailProfile::kStepAt, .r = 0.1, .split_at = 3}, available)),
            (Counts{5000, 5000, 5000, 500, 500, 500, 500, 500, 500, 500}));
  EXPECT_EQ(value_of(long_tail_counts({.profile = TailProfile::kBalanced}, available)), available);
}

TEST(LongTail, AStepBehindTheLastClassIsNoStep) {
  const Status status =
      long_tail_counts({.profile = TailProfile::kStepAt, .r = 0.1, .split_at = 5}, Counts(5, 100)).status();
  EXPECT_EQ(status.message(), "step_at = 5 leaves none of the 5 classes rare");
  EXPECT_EQ(status.key(), "data.long_tail.step_at");
}

TEST(LongTail, BinaryProfiles) {
  const Counts available = {5000, 5000};
  EXPECT_EQ(
      value_of(long_tail_counts({.profile = TailProfile::kBinaryFixed, .a = 0.5, .b = 0.05}, available)),
      (Counts{2500, 250}));
  EXPECT_EQ(value_of(long_tail_counts({.profile = TailProfile::kBinaryStep, .r = 0.02}, available)),
            (Counts{4900, 100}));
  EXPECT_FALSE(long_tail_counts({.profile = TailProfile::kBinaryStep, .r = 0.02}, Counts(3, 10)).ok());
}

TEST(LongTail, ParetoIsSortedSeededAndBoundedByR) {
  const LongTailSpec spec{.profile = TailProfile::kPareto, .r = 0.01};
  const Counts counts = value_of(long_tail_counts(spec, Counts(100, 1000)));
  EXPECT_TRUE(std::is_sorted(counts.rbegin(), counts.rend()));
  EXPECT_EQ(counts.front(), 1000);
  EXPECT_GE(counts.back(), 10);
  EXPECT_EQ(counts, value_of(long_tail_counts(spec, Counts(100, 1000))));
  LongTailSpec other = spec;
  other.subset_seed = 1;
  EXPECT_NE(counts, value_of(long_tail_counts(other, Counts(100, 1000))));
}

TEST(LongTail, RatioAboveOneNeedsTheReversedProfile) {
  const Status status = long_tail_counts({.r = 100}, Counts(10, 5000)).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), testing::HasSubstr("r = 100"));
  EXPECT_THAT(status.hint(), testing::HasSubstr("did you mean 1/100?"));
  const Counts natural = exp_counts(5000, 10, 0.01);
  const Counts reversed(natural.rbegin(), natural.rend());
  EXPECT_EQ(value_of(long_tail_counts({.r = 100, .reversed = true}, Counts(10, 5000))), reversed);
  EXPECT_EQ(value_of(long_tail_counts({.r = 0.01, .reversed = true}, Counts(10, 5000))), reversed);
}

TEST(LongTail, ShuffledClassOrderPermutesTheSizes) {
  Counts counts = value_of(
      long_tail_counts({.r = 0.01, .shuffle_classes = true, .class_order_seed = 3}, Counts(10, 5000)));
  const Counts natural = exp_counts(5000, 10, 0.01);
  EXPECT_NE(counts, natural);
  std::sort(counts.rbegin(), counts.rend());
  EXPECT_EQ(counts, natural);
}

TEST(LongTail, FixedMaxTakesWhatUnequalClassesOffer) {
  // Class 1 has too few rows for n_max = 1000: 1000 * 0.1^(1/2) = 316 > 100, so n_max falls to 100 /
  // 0.1^(1/2) = 316.
  const Counts counts = value_of(long_tail_counts({.r = 0.1}, Counts{1000, 100, 1000}));
  EXPECT_EQ(counts, (Counts{319, 100, 31}));
}

TEST(LongTail, GivenMaximumMustBeThere) {
  EXPECT_EQ(value_of(long_tail_counts({.r = 0.1, .n_max = 50}, Counts(2, 100))), (Counts{50, 5}));
  EXPECT_THAT(long_tail_counts({.r = 0.1, .n_max = 500}, Counts(2, 100)).status().message(),
              testing::HasSubstr("needs 500 rows of class 0, the data have 100"));
}

TEST(LongTail, FixedTotalKeepsTheTotal) {
  for (const double r : {0.01, 0.1, 0.37, 1.0})
    for (const std::int64_t total : {100, 999, 5000}) {
      const Counts counts = value_of(
          long_tail_counts({.r = r, .size = TailSize::kFixedTotal, .total = total}, Counts(10, 5000)));
      EXPECT_EQ(sum(counts), total) << r;
      EXPECT_GE(*std::min_element(counts.begin(), counts.end()), 1);
    }
  // 5000 r^(i/9) / 2.481813 = 2014.66 1207.75 724.03 434.04 260.20 155.99 93.51 56.06 33.61 20.15: four are
  // rounded up.
  EXPECT_EQ(
      value_of(long_tail_counts({.r = 0.01, .size = TailSize::kFixedTotal, .total = 5000}, Counts(10, 5000))),
      (Counts{2015, 1208, 724, 434, 260, 156, 93, 56, 34, 20}));
  EXPECT_THAT(long_tail_counts({.r = 0.01, .size = TailSize::kFixedTotal, .total = 20000}, Counts(10, 5000))
                  .status()
                  .message(),
              testing::HasSubstr("of class 0, the data have 5000"));
}

TEST(LongTail, FixedMinorityLetsTheMajorityGrow) {
  LongTailSpec spec{
      .profile = TailProfile::kStep, .r = 0.1, .size = TailSize::kFixedMinority, .minority = 200};
  // Minority group of 10 classes: two of the five rare ones, 100 rows each; the majority has ten times as
  // many.
  EXPECT_EQ(value_of(long_tail_counts(spec, Counts(10, 5000))),
            (Counts{1000, 1000, 1000, 1000, 1000, 100, 100, 100, 100, 100}));
  spec.minority_count = MinorityCount::kPerClass;
  EXPECT_EQ(value_of(long_tail_counts(spec, Counts(10, 5000)))[0], 2000);
  spec.r = 0.01;
  EXPECT_THAT(long_tail_counts(spec, Counts(10, 5000)).status().message(),
              testing::HasSubstr("needs 20000 rows"));
  const Counts exp = value_of(
      long_tail_counts({.r = 0.1, .size = TailSize::kFixedMinority, .minority = 200}, Counts(10, 5000)));
  EXPECT_EQ(exp[8] + exp[9], 200);
}

TEST(LongTail, AbsurdSizesAreErrors) {
  for (const LongTailSpec& spec :
       {LongTailSpec{.r = 0}, LongTailSpec{.r = -1}, LongTailSpec{.r = NAN},
        LongTailSpec{.r = INFINITY, .reversed = true}, LongTailSpec{.n_max = std::int64_t{1} << 60},
        LongTailSpec{.min_per_class = -1},
        LongTailSpec{.r = 1e-300, .size = TailSize::kFixedMinority, .minority = std::int64_t{1} << 40},
        LongTailSpec{.size = TailSize::kFixedTotal, .total = std::int64_t{1} << 60},
        LongTailSpec{.size = TailSize::kFixedTotal}, LongTailSpec{.min_per_class = std::int64_t{1} << 50}})
    EXPECT_EQ(long_tail_counts(spec, Counts(10, 100)).status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(long_tail_counts({.r = 0.1}, Counts{10, 0}).status().message(),
              testing::HasSubstr("class 1, the data have 0"));
}

TEST(LongTail, RowsAreASeededSubsetOfEachClass) {
  std::vector<std::int32_t> labels, rows;
  for (std::int32_t i = 0; i < 1000; ++i) {
    labels.push_back(i % 4);
    if (i >= 200) rows.push_back(i);
  }
  const LongTailSpec spec{.r = 0.1};
  const auto kept = value_of(long_tail_rows(spec, rows, labels, 4));
  std::vector<std::int64_t> counts(4, 0);
  for (const std::int32_t row : kept) {
    EXPECT_GE(row, 200);
    ++counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])];
  }
  EXPECT_EQ(counts, (Counts{200, 92, 43, 20}));
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
  EXPECT_EQ(kept, value_of(long_tail_rows(spec, rows, labels, 4)));
  LongTailSpec other = spec;
  other.subset_seed = 9;
  EXPECT_NE(kept, value_of(long_tail_rows(other, rows, labels, 4)));
  // A larger ratio keeps a superset: the shuffle does not depend on n_i.
  const auto more = value_of(long_tail_rows({.r = 0.5}, rows, labels, 4));
  EXPECT_TRUE(std::includes(more.begin(), more.end(), kept.begin(), kept.end()));
}

TEST(LongTail, RatiosArePrintedAsTheFieldSaysThem) {
  EXPECT_EQ(format_ratio(0.01), "r = 0.01 (1:100)");
  EXPECT_EQ(format_ratio(1), "r = 1 (balanced)");
  EXPECT_EQ(format_ratio(100), "r = 100 (100:1)");
  EXPECT_EQ(format_ratio(260.0 / 10923), "r = 0.0238 (1:42.01)");
  EXPECT_EQ(imbalance_ratio(Counts{5000, 50}), 0.01);
}

} // namespace
} // namespace tailor::runtime
