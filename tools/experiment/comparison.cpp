#include "tools/experiment/comparison.h"

#include "runtime/metrics/class_groups.h"
#include "runtime/metrics/metric.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace tailor::experiment {
namespace {

using runtime::concat;
using runtime::MetricValues;
using runtime::PairedDifference;
using runtime::SeedResult;

std::vector<Column> columns_for(const std::string& positive_class) {
  std::vector<std::pair<std::string, std::string>> shown = {{"accuracy", "accuracy"},
                                                            {"balanced_accuracy", "balanced"}};
  if (positive_class.empty())
    shown.emplace_back("minority", "minority");
  else
    shown.emplace_back("recall", "recall");
  shown.emplace_back("macro_f1", "macro F1");
  if (!positive_class.empty()) shown.emplace_back("average_precision", "avg precision");
  shown.emplace_back("ece", "ECE");
  std::vector<Column> columns;
  for (auto& [metric, title] : shown)
    columns.push_back({metric, title, runtime::higher_is_better(metric)});
  return columns;
}

/// The metric over the seeds; a value that is not finite is absent.
Cell cell_of(const std::vector<SeedResult>& seeds, MetricValues SeedResult::*split,
             const std::string& metric) {
  Cell cell;
  std::vector<double> present;
  for (const SeedResult& seed : seeds) {
    std::optional<double> value = runtime::metric_value(seed.*split, metric);
    if (value && !std::isfinite(*value)) value.reset();
    if (value) present.push_back(*value);
    cell.values.push_back(value);
  }
  cell.summary = runtime::summarise(present);
  return cell;
}

Row row_of(const VariantResult& variant, const std::vector<Column>& columns) {
  Row row{variant.name, variant.settings, variant.reused, {}, {}, {}, 0};
  const std::vector<SeedResult>& seeds = variant.run.seeds;
  for (const SeedResult& seed : seeds) {
    row.seeds.push_back(seed.seed);
    row.ms_per_step += seed.ms_per_step / static_cast<double>(seeds.size());
  }
  for (const Column& column : columns) {
    row.val.push_back(cell_of(seeds, &SeedResult::val, column.metric));
    row.test.push_back(cell_of(seeds, &SeedResult::test, column.metric));
  }
  return row;
}

/// b - a over the seeds that both have, each with the value.
PairedDifference difference(const Row& a, const Row& b, std::size_t column, double confidence,
                            double resampling) {
  std::vector<double> of_a, of_b;
  for (std::size_t i = 0; i < a.seeds.size(); ++i)
    for (std::size_t k = 0; k < b.seeds.size(); ++k)
      if (a.seeds[i] == b.seeds[k] && a.val[column].values[i] && b.val[column].values[k]) {
        of_a.push_back(*a.val[column].values[i]);
        of_b.push_back(*b.val[column].values[k]);
      }
  return runtime::paired_difference(of_a, of_b, confidence, resampling);
}

Verdict verdict_of(const PairedDifference& difference, bool higher_is_better) {
  if (!difference.told_apart()) return Verdict::kNone;
  return (difference.mean > 0) == higher_is_better ? Verdict::kBetter : Verdict::kWorse;
}

void judge(Comparison& comparison) {
  std::vector<Row>& rows = comparison.rows;
  if (rows.size() < 2) return;
  const double each = 1 - (1 - comparison.confidence) / static_cast<double>(rows.size() - 1);
  for (std::size_t c = 0; c < comparison.columns.size(); ++c) {
    const bool higher = comparison.columns[c].higher_is_better;
    const auto against = [&](const Row& base, const Row& row) {
      return difference(base, row, c, each, comparison.resampling);
    };
    if (comparison.baseline < rows.size())
      for (std::size_t r = 0; r < rows.size(); ++r) {
        if (r == comparison.baseline) continue;
        Cell& cell = rows[r].val[c];
        cell.difference = against(rows[comparison.baseline], rows[r]);
        cell.verdict = verdict_of(*cell.difference, higher);
      }
    for (Row& row : rows)
      row.val[c].best = std::all_of(rows.begin(), rows.end(), [&](const Row& other) {
        return &other == &row || verdict_of(against(other, row), higher) == Verdict::kBetter;
      });
  }
}

std::string class_name(const Comparison& comparison, std::int32_t k) {
  return comparison.class_names[static_cast<std::size_t>(k)];
}

/// Points, as in the table: 0.123 -> "12.3".
std::string points(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", 100 * value);
  return text;
}

/// The classes whose accuracy the recall or minority column averages.
std::vector<std::int32_t> rare_classes(const Comparison& comparison, const std::string& positive_class) {
  if (positive_class.empty()) return runtime::minority_majority(comparison.class_counts).front().classes;
  const auto found = std::find(comparison.class_names.begin(), comparison.class_names.end(), positive_class);
  if (found == comparison.class_names.end()) return {};
  return {static_cast<std::int32_t>(found - comparison.class_names.begin())};
}

/// An accuracy over n rows has a standard error of at most 0.5 / sqrt(n); the mean over G classes of
/// 0.5 / G sqrt(sum 1 / n_g).
void warn_of_support(Comparison& comparison, const std::string& positive_class) {
  std::string names;
  std::int64_t rows = 0, empty = 0, present = 0;
  double inverse = 0;
  for (const std::int32_t k : rare_classes(comparison, positive_class)) {
    const std::int64_t count = comparison.val_class_counts[static_cast<std::size_t>(k)];
    names += concat(names.empty() ? "'" : ", '", class_name(comparison, k), "'");
    rows += count;
    if (count == 0) {
      ++empty;
    } else {
      ++present;
      inverse += 1.0 / static_cast<double>(count);
    }
  }
  if (empty > 0)
    comparison.warnings.push_back(
        concat("validation holds no row of ", empty, " of the rare classes (", names,
               "): nothing here speaks of them; a larger data.split.val, or rows of "
               "all classes in data.val, would"));
  if (present == 0) return;
  const double error = 0.5 / static_cast<double>(present) * std::sqrt(inverse);
  if (error <= kMostStandardError) return;
  comparison.warnings.push_back(
      concat("validation holds ", rows, " rows of the rare class", present > 1 ? "es " : " ", names,
             ": too few to tell methods apart on it; on so few an accuracy has a standard error of up to ",
             points(error), " points (", points(kMostStandardError),
             " at 25 rows of one class), so differences below ", points(2 * error), " are chance"));
}

void warn_of_silence(Comparison& comparison, const VariantResult& variant,
                     const std::string& positive_class) {
  const std::vector<SeedResult>& seeds = variant.run.seeds;
  const auto in_all = [&](auto predicate) {
    return !seeds.empty() && std::all_of(seeds.begin(), seeds.end(), predicate);
  };
  const auto is_zero = [](const SeedResult& seed, const std::string& metric) {
    const std::optional<double> value = runtime::metric_value(seed.val, metric);
    return value && *value == 0;
  };
  if (!positive_class.empty()) {
    const auto silent = std::count_if(seeds.begin(), seeds.end(), [](const SeedResult& seed) {
      return runtime::metric_value(seed.val, "recall") && !runtime::metric_value(seed.val, "precision");
    });
    if (silent > 0)
      comparison.warnings.push_back(concat(variant.name, " never says '", positive_class,
                                           "' on validation in ", silent, " of ", seeds.size(),
                                           " seeds: its accuracy is the share of the other class"));
    else if (in_all([&](const SeedResult& seed) { return is_zero(seed, "recall"); }))
      comparison.warnings.push_back(
          concat(variant.name, " finds no row of '", positive_class, "' on validation in any seed"));
    return;
  }
  // Whoever gives every row one class has a balanced accuracy of 1 / K.
  const std::vector<std::int64_t>& rows = comparison.val_class_counts;
  const auto present = std::count_if(rows.begin(), rows.end(), [](std::int64_t count) { return count > 0; });
  const auto collapsed = std::count_if(seeds.begin(), seeds.end(), [&](const SeedResult& seed) {
    const std::optional<double> balanced = runtime::metric_value(seed.val, "balanced_accuracy");
    return present > 1 && balanced && *balanced <= 1 / static_cast<double>(present) + 1e-9;
  });
  if (collapsed > 0)
    comparison.warnings.push_back(concat(
        variant.name, " does no better than one class for all rows in ", collapsed, " of ", seeds.size(),
        " seeds: its training failed there, and its mean says little; a smaller "
        "optimizer.lr is the usual way out"));
  std::string names;
  std::size_t missed = 0;
  constexpr std::size_t kShown = 3; // a line, however many classes there are
  for (const std::string& name : comparison.class_names)
    if (in_all([&](const SeedResult& seed) { return is_zero(seed, "class_accuracy/" + name); }) &&
        missed++ < kShown)
      names += concat(names.empty() ? "'" : ", '", name, "'");
  if (missed > 0)
    comparison.warnings.push_back(concat(variant.name, " finds no row of ",
                                         missed > 1 ? "classes " : "class ", names,
                                         missed > kShown ? ", ..." : "", " on validation in any seed"));
}

void warn_of_claims(Comparison& comparison, bool new_rows_per_seed) {
  std::size_t seeds = 0;
  for (const Row& row : comparison.rows)
    seeds = std::max(seeds, row.seeds.size());
  if (comparison.rows.size() > 1 && static_cast<std::int64_t>(seeds) < runtime::kFewestPairs)
    comparison.warnings.push_back(concat("with ", seeds, seeds == 1 ? " seed" : " seeds",
                                         " nothing is claimed: an interval takes at least ",
                                         runtime::kFewestPairs));
  if (!new_rows_per_seed)
    comparison.warnings.push_back(
        "every seed validates on the same rows (the recipe fixes them): the intervals hold "
        "the "
        "chance of initialisation and order, not that of which rows were looked at");
}

} // namespace

const char* to_string(Verdict verdict) {
  return verdict == Verdict::kBetter ? "better" : verdict == Verdict::kWorse ? "worse" : "";
}

Comparison compare(const std::vector<VariantResult>& variants, const ComparisonOptions& options) {
  Comparison comparison;
  comparison.columns = columns_for(options.positive_class);
  comparison.confidence = options.confidence;
  comparison.baseline = variants.size();
  std::vector<const VariantResult*> finished;
  for (const VariantResult& variant : variants) {
    if (!variant.status.ok()) {
      comparison.warnings.push_back(
          concat(variant.name, " failed and is left out: ", variant.status.message()));
      continue;
    }
    if (variant.name == options.baseline) comparison.baseline = comparison.rows.size();
    comparison.rows.push_back(row_of(variant, comparison.columns));
    finished.push_back(&variant);
  }
  comparison.baseline = std::min(comparison.baseline, comparison.rows.size());
  if (finished.empty()) return comparison;

  const runtime::RunResult& first = finished.front()->run; // the data are the same for all
  comparison.class_names = first.class_names;
  comparison.class_counts = first.class_counts;
  comparison.val_class_counts = first.val_class_counts;
  comparison.train_rows = first.train_rows;
  comparison.val_rows = first.val_rows;
  comparison.test_rows = first.test_rows;
  comparison.imbalance_ratio = first.imbalance_ratio();
  if (options.new_rows_per_seed && first.train_rows > 0)
    comparison.resampling = static_cast<double>(first.val_rows) / static_cast<double>(first.train_rows);
  judge(comparison);

  if (comparison.val_class_counts.size() == comparison.class_names.size())
    warn_of_support(comparison, options.positive_class);
  for (const VariantResult* variant : finished)
    warn_of_silence(comparison, *variant, options.positive_class);
  warn_of_claims(comparison, options.new_rows_per_seed);
  return comparison;
}

} // namespace tailor::experiment
