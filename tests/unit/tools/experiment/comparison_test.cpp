#include "tools/experiment/comparison.h"
#include "tools/experiment/comparison_text.h"

#include "runtime/base/options.h"
#include "runtime/metrics/student_t.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tailor::experiment {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Five seeds of a two-class variant: recall as given, all else the same whoever it is.
VariantResult variant(const std::string& name, const std::vector<double>& recalls, double precision = 0.5) {
  VariantResult result{name, {"method.use=[\"" + name + "\"]"}, {}, {}, false, 0};
  runtime::RunResult& run = result.run;
  run.class_names = {"no", "yes"};
  run.class_counts = {900, 100};
  run.val_class_counts = {450, 50};
  run.train_rows = 1000;
  run.val_rows = 500;
  run.test_rows = 100;
  for (std::size_t s = 0; s < recalls.size(); ++s) {
    runtime::SeedResult seed;
    seed.seed = 3 + s;
    seed.outcome = "finished";
    seed.ms_per_step = 0.5;
    const double wobble = 0.001 * static_cast<double>(s);
    seed.val = {{"accuracy", 0.9 + wobble},
                {"balanced_accuracy", 0.7 + wobble},
                {"recall", recalls[s]},
                {"precision", precision < 0 ? std::optional<double>() : std::optional(precision)},
                {"macro_f1", 0.6 + wobble},
                {"average_precision", 0.5 + wobble},
                {"ece", 0.1 - recalls[s] / 10}};
    seed.test = seed.val;
    run.seeds.push_back(std::move(seed));
  }
  return result;
}

const ComparisonOptions kTwoClasses{.positive_class = "yes", .new_rows_per_seed = false};
constexpr std::size_t kRecall = 2, kEce = 5;

TEST(Comparison, DifferencesArePairedAndClaimsNeedAnInterval) {
  const std::vector<double> base = {0.40, 0.50, 0.60, 0.45, 0.55}, far = {0.60, 0.71, 0.80, 0.64, 0.75},
                            near = {0.41, 0.48, 0.63, 0.44, 0.56};
  const Comparison c =
      compare({variant("erm", base), variant("far", far), variant("near", near)}, kTwoClasses);
  ASSERT_THAT(c.rows, SizeIs(3));
  EXPECT_EQ(c.columns[kRecall].metric, "recall");
  EXPECT_EQ(c.baseline, 0u);
  EXPECT_FALSE(c.rows[0].val[kRecall].difference) << "the baseline has no difference to itself";
  const Cell& cell = c.rows[1].val[kRecall];
  EXPECT_NEAR(cell.difference->mean, (0.20 + 0.21 + 0.20 + 0.19 + 0.20) / 5, 1e-12);
  // sd of {.20 .21 .20 .19 .20} is sqrt(.0002 / 4); two comparisons: 97.5% each.
  const double sd = std::sqrt(0.0002 / 4);
  EXPECT_NEAR(*cell.difference->half_width, runtime::student_t_quantile(1 - 0.0125, 4) * sd / std::sqrt(5.0),
              1e-9);
  EXPECT_EQ(cell.verdict, Verdict::kBetter);
  EXPECT_TRUE(cell.best);
  // The means of "near" and "erm" differ as well; seed by seed it is noise.
  EXPECT_EQ(c.rows[2].val[kRecall].verdict, Verdict::kNone);
  EXPECT_FALSE(c.rows[2].val[kRecall].best);
  // The calibration error falls where recall rises here: lower is better.
  EXPECT_EQ(c.rows[1].val[kEce].verdict, Verdict::kBetter);
  EXPECT_LT(c.rows[1].val[kEce].difference->mean, 0);
  // Equal numbers are neither better nor best.
  EXPECT_EQ(c.rows[1].val[0].verdict, Verdict::kNone);
  for (const Row& row : c.rows)
    EXPECT_FALSE(row.val[0].best) << row.name;
  // Nothing is claimed on test, though its numbers are the same.
  EXPECT_FALSE(c.rows[1].test[kRecall].difference || c.rows[1].test[kRecall].best);
}

TEST(Comparison, RowsDrawnByEverySeedWidenTheInterval) {
  const std::vector<VariantResult> variants = {variant("erm", {0.40, 0.50, 0.60, 0.45, 0.55}),
                                               variant("b", {0.43, 0.51, 0.64, 0.49, 0.57})};
  ComparisonOptions options = kTwoClasses;
  const double fixed = *compare(variants, options).rows[1].val[kRecall].difference->half_width;
  options.new_rows_per_seed = true;
  const Comparison drawn = compare(variants, options);
  EXPECT_EQ(drawn.resampling, 0.5);
  EXPECT_NEAR(*drawn.rows[1].val[kRecall].difference->half_width, fixed * std::sqrt((0.2 + 0.5) / 0.2), 1e-9);
  EXPECT_THAT(compare(variants, kTwoClasses).warnings, Contains(HasSubstr("validates on the same rows")));
  EXPECT_THAT(drawn.warnings, IsEmpty());
}

TEST(Comparison, TwoSeedsClaimNothing) {
  const Comparison c = compare({variant("erm", {0.1, 0.1}), variant("b", {0.9, 0.9})}, kTwoClasses);
  EXPECT_EQ(c.rows[1].val[kRecall].verdict, Verdict::kNone);
  EXPECT_FALSE(c.rows[1].val[kRecall].best);
  EXPECT_NEAR(c.rows[1].val[kRecall].difference->mean, 0.8, 1e-12);
  EXPECT_THAT(c.warnings, Contains(HasSubstr("with 2 seeds nothing is claimed")));
}

TEST(Comparison, TooFewRareRowsAreSaidWithTheirNumber) {
  auto with_rows = [](std::int64_t rows) {
    VariantResult erm = variant("erm", {0.5, 0.5, 0.5});
    erm.run.val_class_counts[1] = rows;
    return compare({erm}, {.positive_class = "yes"}).warnings;
  };
  EXPECT_THAT(with_rows(25), IsEmpty());
  EXPECT_THAT(with_rows(24), ElementsAre(AllOf(HasSubstr("validation holds 24 rows of the rare class 'yes'"),
                                               HasSubstr("10.2 points"))));
  EXPECT_THAT(with_rows(4), ElementsAre(HasSubstr("differences below 50.0 are chance")));
  EXPECT_THAT(with_rows(0), ElementsAre(HasSubstr("holds no row of 1 of the rare classes ('yes')")));
}

TEST(Comparison, AModelThatNeverSaysPositiveIsNamed) {
  const VariantResult silent = variant("erm", {0, 0, 0}, -1), blind = variant("b", {0, 0, 0}, 0),
                      good = variant("c", {0.5, 0.5, 0.5});
  const std::vector<std::string> warnings =
      compare({silent, blind, good}, {.positive_class = "yes"}).warnings;
  EXPECT_THAT(warnings, Contains(HasSubstr("erm never says 'yes' on validation in 3 of 3 seeds")));
  EXPECT_THAT(warnings, Contains(HasSubstr("b finds no row of 'yes'")));
  EXPECT_THAT(warnings, Not(Contains(HasSubstr("c "))));
}

TEST(Comparison, ManyClassesHaveAMinorityColumnAndTheirOwnSilence) {
  VariantResult erm{"erm", {}, {}, {}, false, 0};
  erm.run.class_names = {"a", "b", "c", "d", "e"};
  erm.run.class_counts = {500, 400, 300, 200, 10};
  erm.run.val_class_counts = {50, 40, 30, 20, 3};
  for (std::uint64_t s = 0; s < 3; ++s) {
    runtime::SeedResult seed;
    seed.seed = s;
    seed.val = {{"accuracy", 0.8}, {"minority", 0.0}, {"class_accuracy/a", 1.0}, {"class_accuracy/e", 0.0}};
    erm.run.seeds.push_back(std::move(seed));
  }
  const Comparison c = compare({erm}, {});
  EXPECT_EQ(c.columns[kRecall].metric, "minority");
  EXPECT_EQ(c.columns.size(), 5u) << "no average precision";
  EXPECT_EQ(c.rows[0].val[1].summary.num_seeds, 0) << "a metric that is absent stays absent";
  EXPECT_THAT(c.warnings, Contains(HasSubstr("holds 3 rows of the rare class 'e'")));
  EXPECT_THAT(c.warnings, Contains(HasSubstr("erm finds no row of class 'e'")));
}

TEST(Comparison, AVariantThatCollapsedIsNamed) {
  VariantResult erm{"erm", {}, {}, {}, false, 0};
  erm.run.class_names = {"a", "b", "c", "d"};
  erm.run.class_counts = {500, 400, 300, 200};
  erm.run.val_class_counts = {50, 40, 30, 0}; // three to get right
  for (const double balanced : {1.0 / 3, 0.9, 0.34}) {
    runtime::SeedResult seed;
    seed.val = {{"balanced_accuracy", balanced}};
    erm.run.seeds.push_back(std::move(seed));
  }
  EXPECT_THAT(compare({erm}, {}).warnings, Contains(HasSubstr("one class for all rows in 1 of 3 seeds")));
}

TEST(Comparison, AFailedVariantIsLeftOutAndAFailedBaselineEndsTheClaims) {
  VariantResult failed{"erm", {}, {}, runtime::invalid_argument("'loss' is not a number at step 7"),
                       false, 0};
  const Comparison c =
      compare({failed, variant("b", {0.1, 0.2, 0.3}), variant("c", {0.6, 0.7, 0.8})}, kTwoClasses);
  EXPECT_EQ(c.baseline, c.rows.size());
  ASSERT_THAT(c.rows, SizeIs(2));
  EXPECT_FALSE(c.rows[1].val[kRecall].difference);
  EXPECT_THAT(c.warnings.front(), HasSubstr("erm failed and is left out: 'loss' is not a number at step 7"));
}

TEST(ComparisonText, MarksFollowTheVerdicts) {
  const Comparison c =
      compare({variant("erm", {0.40, 0.50, 0.60, 0.45, 0.55}), variant("far", {0.60, 0.71, 0.80, 0.64, 0.75}),
               variant("near", {0.41, 0.48, 0.63, 0.44, 0.56})},
              kTwoClasses);
  const std::string text = to_terminal(c);
  EXPECT_THAT(text, HasSubstr("70.0 +-3.6*"));
  EXPECT_THAT(text, testing::ContainsRegex("\\+20\\.0 \\+-[0-9.]+\\^"));
  EXPECT_THAT(text, HasSubstr("  far: better in recall +20.0, ECE -2.0\n"));
  EXPECT_THAT(text, HasSubstr("  near: not told apart from erm in anything\n"));
  EXPECT_THAT(text, HasSubstr("nothing is chosen or claimed on it"));
  const std::string markdown =
      to_markdown(c, {"r.toml", "tailor compare r.toml", "2026-01-01T00:00:00Z", "v"});
  EXPECT_THAT(markdown, HasSubstr("| method | accuracy | balanced | recall |"));
  EXPECT_THAT(markdown, HasSubstr("** better |"));
  const std::string csv = to_csv(c);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 2 * 3 * 6);
  EXPECT_THAT(csv, HasSubstr("val,far,recall,5,0.7"));
  const runtime::Result<runtime::OptionValue> json = runtime::OptionValue::from_json(to_json(c, {}));
  ASSERT_TRUE(json.ok());
  const runtime::OptionValue& far = (*json->find("methods")->as_list())[1];
  EXPECT_EQ(*far.find("val")->find("recall")->find("verdict")->as_string(), "better");
  EXPECT_EQ(far.find("val")->find("recall")->find("values")->as_list()->size(), 5u);
}

} // namespace
} // namespace tailor::experiment
