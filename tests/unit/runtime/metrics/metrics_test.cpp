// Golden values are worked out by hand in the comments, or come from methods.md 2.9.
#include "runtime/metrics/evaluation.h"
#include "runtime/metrics/ranking.h"
#include "runtime/metrics/student_t.h"
#include "runtime/metrics/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;
using Counts = std::vector<std::int64_t>;
using Classes = std::vector<std::int32_t>;

ConfusionMatrix matrix(const std::vector<std::vector<int>>& counts) {
  ConfusionMatrix m(static_cast<std::int32_t>(counts.size()));
  for (std::size_t truth = 0; truth < counts.size(); ++truth)
    for (std::size_t decision = 0; decision < counts.size(); ++decision)
      for (int i = 0; i < counts[truth][decision]; ++i)
        m.add(static_cast<std::int32_t>(truth), static_cast<std::int32_t>(decision));
  return m;
}

TEST(Confusion, AccuraciesByHand) {
  const ConfusionMatrix m = matrix({{8, 2, 0}, {1, 3, 0}, {0, 0, 0}});
  EXPECT_DOUBLE_EQ(*m.accuracy(), 11.0 / 14);
  EXPECT_DOUBLE_EQ(*m.class_accuracy(0), 0.8);
  EXPECT_DOUBLE_EQ(*m.class_accuracy(1), 0.75);
  EXPECT_FALSE(m.class_accuracy(2)); // no row of the class: absent, not 0
  EXPECT_DOUBLE_EQ(*m.balanced_accuracy(), 0.775);
  EXPECT_DOUBLE_EQ(*m.group_accuracy(Classes{1, 2}), 0.75);
  EXPECT_FALSE(m.group_accuracy(Classes{2}));
  EXPECT_FALSE(m.group_accuracy(Classes{}));
  EXPECT_EQ(m.class_rows(0), 10);
  EXPECT_EQ(m.decided_rows(0), 9);
}

TEST(Confusion, F1AndMccByHand) {
  const ConfusionMatrix m = matrix({{90, 10}, {5, 15}}); // tn 90, fp 10, fn 5, tp 15
  EXPECT_DOUBLE_EQ(*m.f1(1), 30.0 / 45);
  // (15 * 90 - 10 * 5) / sqrt(25 * 20 * 100 * 95)
  EXPECT_NEAR(*m.mcc(), 1300 / std::sqrt(25.0 * 20 * 100 * 95), 1e-15);
  EXPECT_EQ(*matrix({{5, 0}, {5, 0}}).mcc(), 0.0); // constant decision
  EXPECT_EQ(*matrix({{5, 0}, {0, 5}}).mcc(), 1.0);
  EXPECT_EQ(*matrix({{0, 5}, {5, 0}}).mcc(), -1.0);
  EXPECT_FALSE(matrix({{5, 0}, {0, 0}}).f1(1));
  EXPECT_EQ(*matrix({{5, 0}, {3, 0}}).f1(1), 0.0);
}

TEST(Confusion, MacroF1PrecisionAndKappaByHand) {
  // truth rows 10, 4, 0, 2; decided 9, 5, 1, 1
  const ConfusionMatrix m = matrix({{8, 2, 0, 0}, {1, 3, 0, 0}, {0, 0, 0, 0}, {0, 0, 1, 1}});
  // F1: 16/19, 6/9, 0/1 (decided, never true), 2/3: as scikit-learn's average="macro" over the labels in either.
  EXPECT_DOUBLE_EQ(*m.macro_f1(), (16.0 / 19 + 6.0 / 9 + 0 + 2.0 / 3) / 4);
  EXPECT_DOUBLE_EQ(*matrix({{3, 1, 0}, {0, 4, 0}, {0, 0, 0}}).macro_f1(), (6.0 / 7 + 8.0 / 9) / 2)
      << "a class that neither occurs nor is decided does not count";
  EXPECT_DOUBLE_EQ(*m.precision(0), 8.0 / 9);
  EXPECT_DOUBLE_EQ(*m.precision(2), 0.0);
  EXPECT_FALSE(matrix({{5, 0}, {3, 0}}).precision(1)) << "nothing was decided positive: no precision, not 0";
  // p_o = 12/16, p_e = (10*9 + 4*5 + 0*1 + 2*1) / 256 = 112/256
  EXPECT_DOUBLE_EQ(*m.kappa(), (12.0 / 16 - 112.0 / 256) / (1 - 112.0 / 256));
  EXPECT_EQ(*matrix({{4, 0}, {0, 4}}).kappa(), 1.0);
  EXPECT_EQ(*matrix({{2, 2}, {2, 2}}).kappa(), 0.0);
  EXPECT_FALSE(matrix({{4, 0}, {0, 0}}).kappa());
}

TEST(Confusion, KappaOfTheReferenceMatrix) {
  EXPECT_DOUBLE_EQ(*matrix({{2, 1, 0}, {0, 3, 1}, {1, 0, 2}}).quadratic_kappa(), 0.5); // methods.md 2.9
}

TEST(Confusion, NothingSeenIsAbsent) {
  const ConfusionMatrix m(2);
  EXPECT_FALSE(m.accuracy() || m.balanced_accuracy() || m.f1(1) || m.mcc() || m.quadratic_kappa() ||
               m.macro_f1() || m.precision(0) || m.kappa());
}

TEST(Ranking, AucByHand) {
  const std::vector<double> scores = {0.9, 0.8, 0.7, 0.6, 0.5};
  // positives at 0.9 and 0.6 against negatives 0.8, 0.7, 0.5: pairs in order 3 + 1 of 6.
  EXPECT_DOUBLE_EQ(*area_under_roc(scores, std::vector<std::uint8_t>{1, 0, 0, 1, 0}), 4.0 / 6);
  // Ties count half: positive 1 against negatives {1, 0}: 1.5 of 2.
  EXPECT_DOUBLE_EQ(*area_under_roc(std::vector<double>{1, 1, 0}, std::vector<std::uint8_t>{1, 0, 0}), 0.75);
  EXPECT_DOUBLE_EQ(*area_under_roc(std::vector<double>(6, 0.3), std::vector<std::uint8_t>{1, 0, 1, 0, 1, 0}),
                   0.5);
  EXPECT_FALSE(area_under_roc(scores, std::vector<std::uint8_t>(5, 1)));
  EXPECT_FALSE(area_under_roc({}, {}));
}

TEST(Ranking, AucEqualsTheRankFormula) {
  // (sum of average ranks of the positives - P (P + 1) / 2) / (P N), with many ties.
  std::vector<double> scores;
  std::vector<std::uint8_t> positive;
  for (int i = 0; i < 200; ++i) {
    scores.push_back((i * 37) % 11);
    positive.push_back((i * 53) % 7 < 2);
  }
  double rank_sum = 0, positives = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!positive[i]) continue;
    double below = 0, equal = 0;
    for (const double other : scores) {
      below += other < scores[i];
      equal += other == scores[i];
    }
    rank_sum += below + (equal + 1) / 2;
    ++positives;
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  EXPECT_NEAR(*area_under_roc(scores, positive),
              (rank_sum - positives * (positives + 1) / 2) / (positives * negatives), 1e-12);
}

TEST(Ranking, AveragePrecisionByHand) {
  // Positives at ranks 1 and 4: (1/1 + 2/4) / 2.
  EXPECT_DOUBLE_EQ(*average_precision(std::vector<double>{4, 3, 2, 1}, std::vector<std::uint8_t>{1, 0, 0, 1}),
                   0.75);
  // A tie is one step: at score 2 two rows of which one is positive, precision 2/3 for the second half.
  EXPECT_DOUBLE_EQ(*average_precision(std::vector<double>{3, 2, 2}, std::vector<std::uint8_t>{1, 1, 0}),
                   0.5 * 1 + 0.5 * 2 / 3);
  EXPECT_FALSE(average_precision(std::vector<double>{1, 2}, std::vector<std::uint8_t>{0, 0}));
}

TEST(Ranking, OperatingPoints) {
  const std::vector<double> scores = {6, 5, 4, 3, 2, 1};
  const std::vector<std::uint8_t> positive = {1, 1, 0, 1, 0, 0};
  // precision by threshold: 1, 1, 2/3, 3/4, 3/5, 1/2
  EXPECT_DOUBLE_EQ(*recall_at_precision(scores, positive, 1.0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*recall_at_precision(scores, positive, 0.75), 1.0);
  EXPECT_DOUBLE_EQ(*recall_at_precision(std::vector<double>{2, 1}, std::vector<std::uint8_t>{0, 1}, 0.9),
                   0.0);
  // specificity by threshold: 1, 1, 2/3, 2/3, 1/3, 0
  EXPECT_DOUBLE_EQ(*sensitivity_at_specificity(scores, positive, 0.9), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*sensitivity_at_specificity(scores, positive, 0.6), 1.0);
}

TEST(ClassGroups, MinorityAndMajority) {
  const auto groups = minority_majority(Counts{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50});
  EXPECT_EQ(groups[0].name, "minority");
  EXPECT_EQ(groups[0].classes, (Classes{8, 9}));
  EXPECT_EQ(groups[1].classes, (Classes{0, 1}));
  EXPECT_EQ(minority_majority(Counts(100, 1))[0].classes.size(), 20u);
  const auto two = minority_majority(Counts{10, 10});
  EXPECT_EQ(two[0].classes, (Classes{0})); // ties: lower index
  EXPECT_EQ(two[1].classes, (Classes{1})); // never the same class twice
  const auto tied = minority_majority(Counts{7, 3, 3, 9, 9});
  EXPECT_EQ(tied[0].classes, (Classes{1}));
  EXPECT_EQ(tied[1].classes, (Classes{3}));
}

TEST(ClassGroups, FewMedMany) {
  const auto groups = [](const Counts& counts, std::string_view rule) {
    const auto result = few_med_many(counts, *parse_group_rule(rule));
    EXPECT_TRUE(result.ok());
    std::vector<Classes> classes;
    for (const ClassGroup& group : *result)
      classes.push_back(group.classes);
    return classes;
  };
  // The bounds belong to med; CIFAR-10 at r = 0.01 has no few class (methods.md C9).
  EXPECT_EQ(groups({19, 20, 100, 101}, "thresholds(20,100)"), (std::vector<Classes>{{0}, {1, 2}, {3}}));
  EXPECT_EQ(groups({5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}, "thresholds(20,100)"),
            (std::vector<Classes>{{}, {8, 9}, {0, 1, 2, 3, 4, 5, 6, 7}}));
  EXPECT_EQ(groups(Counts{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, "thirds"),
            (std::vector<Classes>{{7, 8, 9}, {3, 4, 5, 6}, {0, 1, 2}}));
  EXPECT_EQ(groups(Counts{1, 2, 3}, "thirds"), (std::vector<Classes>{{0}, {1}, {2}}));
  EXPECT_EQ(groups(Counts{4, 3, 2, 1}, "head_med_tail(1, 1)"), (std::vector<Classes>{{1, 2, 3}, {}, {0}}));
  EXPECT_FALSE(few_med_many(Counts{1, 2}, *parse_group_rule("head_med_tail(1,3)")).ok());
}

TEST(ClassGroups, RulesAreParsedStrictly) {
  for (const char* text : {"thresholds(20,100)", "thirds", "head_med_tail(3,7)"})
    EXPECT_EQ(to_string(*parse_group_rule(text)), text);
  for (const char* text :
       {"", "halves", "thresholds", "thresholds(20)", "thresholds(100,20)", "thresholds(20,100", "thirds()",
        "head_med_tail(-1,2)", "thresholds(1,2)x", "thresholds(99999999999999999999,2)"})
    EXPECT_FALSE(parse_group_rule(text).ok()) << text;
}

Evaluation evaluation(EvaluationPlan plan) {
  auto result = Evaluation::create(std::move(plan));
  EXPECT_TRUE(result.ok()) << result.status().message();
  return std::move(*result);
}

double metric(const EvaluationResult& result, std::string_view name) {
  const Metric* found = result.find(name);
  EXPECT_TRUE(found && found->value) << name;
  return found && found->value ? *found->value : NAN;
}

TEST(Evaluation, LossIsTheReferenceCrossEntropy) {
  // methods.md 2.9: z = [1, -.5, .25, 2, -1], y = 2 gives CE 2.264932; five classes, argmax 3.
  Evaluation e = evaluation({.num_classes = 5, .train_class_counts = {5000, 645, 139, 83, 50}});
  EXPECT_TRUE(e.add(std::vector<float>{1, -.5f, .25f, 2, -1}, Classes{2}, 1).ok());
  const EvaluationResult result = e.finish();
  EXPECT_NEAR(metric(result, "loss"), 2.264932, 5e-7);
  EXPECT_EQ(result.confusion.at(2, 3), 1);
  EXPECT_EQ(result.find("auc"), nullptr); // two classes only
}

TEST(Evaluation, MetricsOfABinarySplit) {
  Evaluation e = evaluation({.train_class_counts = {900, 10},
                             .requested = {"kappa", "accuracy", "per_class", "recall_at_precision(0.9)"}});
  // Padded batches: the rows past `valid` are rubbish and do not count.
  EXPECT_TRUE(e.add(std::vector<float>{2, 0, 0, 1, NAN, NAN}, Classes{0, 1, -5}, 2).ok());
  EXPECT_TRUE(e.add(std::vector<float>{0, 0, 0, 3}, Classes{1, 0}, 2).ok());
  const EvaluationResult r = e.finish();
  EXPECT_EQ(r.num_rows, 4);
  // margins z1 - z0: -2 (y 0), 1 (y 1), 0 (y 1, tie decides class 0), 3 (y 0)
  EXPECT_DOUBLE_EQ(metric(r, "accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(metric(r, "balanced_accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(metric(r, "minority"), 0.5);
  EXPECT_DOUBLE_EQ(metric(r, "few"), 0.5); // 10 training rows
  EXPECT_FALSE(r.find("med")->value);      // absent
  EXPECT_DOUBLE_EQ(metric(r, "many"), 0.5);
  EXPECT_DOUBLE_EQ(metric(r, "auc"), 0.5); // (1 > -2), (0 > -2) of four pairs
  // Descending: 3 (0), 1 (1), 0 (1), -2 (0): precision 1/2 and 2/3 at the positives.
  EXPECT_NEAR(metric(r, "average_precision"), 0.5 * (1.0 / 2 + 2.0 / 3), 1e-15);
  EXPECT_DOUBLE_EQ(metric(r, "f1"), 2.0 * 1 / (2 + 1 + 1));
  EXPECT_DOUBLE_EQ(metric(r, "mcc"), 0);
  const auto p = [](double z) { return 1 / (1 + std::exp(-z)); };
  EXPECT_NEAR(metric(r, "loss"), (-std::log(p(2)) - std::log(p(1)) - std::log(0.5) - std::log(p(-3))) / 4,
              1e-15);
  EXPECT_NEAR(metric(r, "brier"), (p(-2) * p(-2) + p(-1) * p(-1) + 0.25 + p(3) * p(3)) / 4, 1e-15);
  // Confidences p(2) right, p(1) right, 1/2 wrong, p(3) wrong, each in a bin of its own.
  EXPECT_NEAR(metric(r, "ece"), ((1 - p(2)) + (1 - p(1)) + 0.5 + p(3)) / 4, 1e-15);
  EXPECT_DOUBLE_EQ(metric(r, "recall_at_precision(0.9)"), 0);
  EXPECT_DOUBLE_EQ(metric(r, "precision"), 0.5);
  EXPECT_DOUBLE_EQ(metric(r, "recall"), 0.5);
  EXPECT_DOUBLE_EQ(metric(r, "macro_f1"), 0.5);
  EXPECT_DOUBLE_EQ(metric(r, "kappa"), 0);
  EXPECT_EQ(
      std::count_if(r.metrics.begin(), r.metrics.end(), [](const Metric& m) { return m.name == "accuracy"; }),
      1)
      << "asked for what there is anyway";
  EXPECT_EQ(r.class_accuracy.size(), 2u);
}

TEST(Evaluation, CalibrationErrorHasFifteenBinsOfEqualWidth) {
  // Logits (0, z) with confidence c: z = ln(c / (1 - c)), class 1 decided. 15 c = 9.75 and 9.9 share bin 9, one
  // right and one wrong; 15 c = 13.5 is in bin 13, right. With other bins the first two would not cancel.
  const std::vector<double> confidence = {0.65, 0.66, 0.9};
  std::vector<float> logits;
  for (const double c : confidence) {
    logits.push_back(0);
    logits.push_back(static_cast<float>(std::log(c / (1 - c))));
  }
  Evaluation e = evaluation({.train_class_counts = {3, 3}});
  EXPECT_TRUE(e.add(logits, Classes{1, 0, 1}, 3).ok());
  EXPECT_NEAR(metric(e.finish(), "ece"), (std::abs(1 - 0.65 - 0.66) + std::abs(1 - 0.9)) / 3, 1e-7);
  // A certain answer (confidence 1) belongs to the last bin.
  Evaluation certain = evaluation({.train_class_counts = {3, 3}});
  EXPECT_TRUE(certain.add(std::vector<float>{0, 1000, 1000, 0}, Classes{1, 1}, 2).ok());
  EXPECT_DOUBLE_EQ(metric(certain.finish(), "ece"), 0.5);
}

TEST(Evaluation, OneLogitFormAgreesWithTwo) {
  const std::vector<float> z = {0.7f, -1.5f, 0, 30, -40};
  const Classes labels = {1, 0, 1, 0, 1};
  for (const std::int32_t positive : {0, 1}) {
    const EvaluationPlan plan{.positive_class = positive, .train_class_counts = {3, 2}};
    Evaluation one = evaluation(plan), two = evaluation(plan);
    std::vector<float> pairs;
    for (const float value : z) {
      pairs.push_back(0); // the logit is of class 1, whichever class is the positive one
      pairs.push_back(value);
    }
    EXPECT_TRUE(one.add(z, labels, 5).ok());
    EXPECT_TRUE(two.add(pairs, labels, 5).ok());
    const EvaluationResult a = one.finish(), b = two.finish();
    for (const char* name : {"loss", "auc", "average_precision", "brier"})
      EXPECT_NEAR(metric(a, name), metric(b, name), 1e-14) << name;
    // Of class 1 the rows with z = 0 and -40 are decided to be of class 0.
    EXPECT_EQ(a.confusion.at(1, 0), 2);
    EXPECT_DOUBLE_EQ(metric(a, "accuracy"), 0.4);
    EXPECT_NEAR(metric(a, "auc"), 1.0 / 3, 1e-15) << "the same order, seen from either class";
  }
}

TEST(Confusion, ManyClassesTakeNoSquareOfMemory) {
  constexpr std::int32_t kClasses = 1'000'000; // 8 TB as a table
  ConfusionMatrix confusion(kClasses);
  confusion.add(999'999, 0);
  confusion.add(5, 5);
  confusion.add(5, 7);
  EXPECT_EQ(confusion.at(999'999, 0), 1);
  EXPECT_EQ(confusion.at(0, 0), 0);
  EXPECT_EQ(confusion.class_rows(5), 2);
  EXPECT_EQ(confusion.correct_rows(5), 1);
  EXPECT_EQ(confusion.decided_rows(7), 1);
  EXPECT_DOUBLE_EQ(*confusion.balanced_accuracy(), 0.25);
}

TEST(Evaluation, HugeLogitsStayFiniteAndNanIsSeen) {
  Evaluation e = evaluation({.train_class_counts = {1, 1}});
  EXPECT_TRUE(e.add(std::vector<float>{3e38f, -3e38f, -3e38f, 3e38f}, Classes{0, 1}, 2).ok());
  EXPECT_EQ(metric(e.finish(), "loss"), 0);
  EXPECT_TRUE(e.add(std::vector<float>{NAN, 0}, Classes{0}, 1).ok());
  EXPECT_TRUE(std::isnan(metric(e.finish(), "loss")));
  EXPECT_FALSE(e.finish().find("auc")->value);
}

TEST(Evaluation, BatchingDoesNotChangeABit) {
  std::vector<float> logits;
  Classes labels;
  for (int i = 0; i < 300; ++i) {
    for (int k = 0; k < 3; ++k)
      logits.push_back(static_cast<float>(std::sin(i * 3 + k) * 4));
    labels.push_back(i % 3);
  }
  const auto run = [&](std::size_t batch) {
    Evaluation e = evaluation({.num_classes = 3, .train_class_counts = {100, 100, 100}});
    for (std::size_t at = 0; at < labels.size(); at += batch) {
      const std::size_t rows = std::min(batch, labels.size() - at);
      EXPECT_TRUE(e.add(std::span(logits).subspan(at * 3, rows * 3), std::span(labels).subspan(at, rows),
                        static_cast<std::int32_t>(rows))
                      .ok());
    }
    std::vector<double> values;
    for (const Metric& m : e.finish().metrics)
      values.push_back(m.value.value_or(-1));
    return values;
  };
  EXPECT_EQ(run(1), run(300));
  EXPECT_EQ(run(7), run(300));
}

TEST(Evaluation, NothingEvaluatedIsAbsent) {
  const EvaluationResult r = evaluation({.train_class_counts = {1, 1}}).finish();
  for (const Metric& m : r.metrics)
    EXPECT_FALSE(m.value) << m.name;
}

TEST(Evaluation, RefusesWhatMakesNoSense) {
  const auto message = [](EvaluationPlan plan) {
    return Evaluation::create(std::move(plan)).status().message();
  };
  EXPECT_THAT(message({.train_class_counts = {1}}), HasSubstr("1 training class counts for 2 classes"));
  EXPECT_THAT(message({.num_classes = 1, .train_class_counts = {1}}), HasSubstr("metrics over 1 classes"));
  EXPECT_THAT(message({.positive_class = 2, .train_class_counts = {1, 1}}), HasSubstr("positive class 2"));
  EXPECT_THAT(message({.train_class_counts = {1, 1}, .requested = {"aucc"}}),
              HasSubstr("unknown metric 'aucc'"));
  EXPECT_THAT(message({.train_class_counts = {1, 1}, .requested = {"recall_at_precision(2)"}}),
              HasSubstr("x in (0, 1]"));
  EXPECT_THAT(message({.num_classes = 3,
                       .train_class_counts = {1, 1, 1},
                       .requested = {"sensitivity_at_specificity(0.9)"}}),
              HasSubstr("is for two classes"));
  Evaluation e = evaluation({.num_classes = 3, .train_class_counts = {1, 1, 1}});
  EXPECT_THAT(e.add(std::vector<float>{1, 2}, Classes{0}, 1).message(), HasSubstr("expected 3 a row"));
  EXPECT_THAT(e.add(std::vector<float>{1, 2, 3}, Classes{3}, 1).message(), HasSubstr("label 3"));
  EXPECT_THAT(e.add(std::vector<float>{1, 2, 3}, Classes{0}, 2).message(),
              HasSubstr("2 valid rows of 1 labels"));
}

TEST(Evaluation, NamesAreThoseOfTheMetrics) {
  for (const std::int32_t num_classes : {2, 5}) {
    const EvaluationPlan plan{.num_classes = num_classes,
                              .train_class_counts = Counts(static_cast<std::size_t>(num_classes), 3)};
    std::vector<std::string> names;
    for (const Metric& metric : (*Evaluation::create(plan)).finish().metrics)
      names.push_back(metric.name);
    EXPECT_EQ(metric_names(num_classes), names);
  }
}

TEST(MetricTable, NamesAreReadStrictly) {
  for (const MetricSpec* spec : metric_specs()) {
    std::string name = spec->name;
    if (name.ends_with("(x)")) name.replace(name.size() - 3, 3, "(0.25)");
    const auto metric = parse_metric(name);
    ASSERT_TRUE(metric.ok()) << name;
    EXPECT_EQ(metric->spec, spec);
    EXPECT_EQ(metric->argument, name == spec->name ? 0 : 0.25);
  }
  for (const char* name : {"", "nope", "eceo", "ece(0.5)", "recall_at_precision", "recall_at_precision()",
                           "recall_at_precision(x)", "recall_at_precision(0)", "recall_at_precision(0.5"})
    EXPECT_FALSE(parse_metric(name).ok()) << name;
  EXPECT_THAT(parse_metric("nope").status().hint(), ::testing::StartsWith("one of loss, accuracy, "));
  EXPECT_THAT(parse_metric("nope").status().hint(), ::testing::EndsWith(", per_class, few_med_many"));
}

TEST(Evaluation, Direction) {
  EXPECT_FALSE(higher_is_better("val/loss"));
  EXPECT_FALSE(higher_is_better("ece"));
  EXPECT_FALSE(higher_is_better("val/brier"));
  EXPECT_TRUE(higher_is_better("val/recall_at_precision(0.9)"));
  EXPECT_TRUE(higher_is_better("val/class_accuracy/loss")) << "the accuracy of a class called loss";
  EXPECT_TRUE(higher_is_better("val/balanced_accuracy"));
  EXPECT_TRUE(higher_is_better("val/class_accuracy/loss")) << "a class of that name";
}

TEST(Summary, MeanAndStandardError) {
  const SeedSummary s = summarise(std::vector<double>{1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(s.mean, 2.5);
  EXPECT_DOUBLE_EQ(*s.standard_error, std::sqrt(5.0 / 3) / 2); // sd with ddof 1, over sqrt(4)
  EXPECT_EQ(to_string(s), "2.5000 +- 0.6455 (4 seeds)");
  EXPECT_FALSE(summarise(std::vector<double>{1}).standard_error);
  EXPECT_EQ(to_string(summarise(std::vector<double>{0.5})), "0.5000 (1 seed)");
  EXPECT_EQ(to_string(summarise({})), "absent");
}

TEST(Summary, StudentTQuantilesOfTheTables) {
  EXPECT_NEAR(student_t_quantile(0.975, 1), 12.706204736432095, 1e-8);
  EXPECT_NEAR(student_t_quantile(0.975, 2), 4.302652729911275, 1e-9);
  EXPECT_NEAR(student_t_quantile(0.975, 4), 2.7764451051977987, 1e-9);
  EXPECT_NEAR(student_t_quantile(0.995, 14), 2.976842734370834, 1e-9);
  EXPECT_NEAR(student_t_quantile(0.975, 1e6), 1.959966, 1e-5); // the normal distribution
  EXPECT_NEAR(student_t_quantile(0.025, 4), -2.7764451051977987, 1e-9);
  EXPECT_NEAR(student_t_quantile(0.5, 7), 0, 1e-9);
}

TEST(Summary, PairedDifferenceByHand) {
  const std::vector<double> a = {1, 2, 3, 4}, b = {1.5, 2.5, 3.5, 5}; // d = .5 .5 .5 1
  const PairedDifference d = paired_difference(a, b, 0.95);
  EXPECT_EQ(d.num_pairs, 4);
  EXPECT_DOUBLE_EQ(d.mean, 0.625);
  EXPECT_DOUBLE_EQ(*d.standard_error, 0.125); // sd = .25
  EXPECT_NEAR(*d.half_width, 3.182446305284263 * 0.125, 1e-9);
  EXPECT_TRUE(d.told_apart());
  EXPECT_FALSE(paired_difference(b, a, 0.999).told_apart()); // t = 12.92: 1.6 wide
  // Rows drawn anew by every seed: sqrt(1/4 + 1/4) in place of sqrt(1/4).
  EXPECT_NEAR(*paired_difference(a, b, 0.95, 0.25).half_width, 3.182446305284263 * 0.25 * std::sqrt(0.5),
              1e-9);
  // Too few pairs say nothing, however alike they are.
  const std::vector<double> zero = {0, 0}, one = {1, 1};
  EXPECT_FALSE(paired_difference(zero, one, 0.95).told_apart());
  EXPECT_FALSE(paired_difference(zero, one, 0.95).half_width);
  EXPECT_FALSE(paired_difference(a, a, 0.95).told_apart()) << "no difference at all is none";
}

} // namespace
} // namespace tailor::runtime
