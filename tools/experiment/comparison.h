#pragma once
// What the runs of a grid say about each other, and what they do not say.

#include "tools/experiment/grid.h"

#include "runtime/base/data_schema.h"

#include <optional>
#include <string>
#include <vector>

namespace tailor::experiment {

/// A metric that is compared.
struct Column {
  std::string metric; ///< as the runs record it: "macro_f1"
  std::string title;
  bool higher_is_better = true;
};

/// Better and worse are claims: the paired interval of the difference to the baseline does not hold 0.
enum class Verdict { kNone, kBetter, kWorse };
const char* to_string(Verdict verdict); ///< "", "better", "worse"

/// One metric of one variant.
struct Cell {
  std::vector<std::optional<double>> values; ///< by seed; absent where the metric is
  runtime::SeedSummary summary;
  /// To the baseline, over the seeds where both have the metric. Of validation; nothing is claimed on test.
  std::optional<runtime::PairedDifference> difference;
  Verdict verdict = Verdict::kNone;
  bool best = false; ///< told apart from every other variant, and better
};

struct Row {
  std::string name;
  std::vector<std::string> settings;
  bool reused = false;
  std::vector<std::uint64_t> seeds;
  std::vector<Cell> val, test; ///< by column
  double ms_per_step = 0;      ///< mean over the seeds; measured when the run was trained
};

struct Comparison {
  std::vector<Column> columns;
  std::vector<Row> rows;    ///< variants that finished, in the order of the grid
  std::size_t baseline = 0; ///< index into rows; rows.size(): the baseline did not finish, nothing is claimed
  double confidence = 0.95; ///< of all comparisons of a column together
  double resampling = 0;    ///< n_val / n_train where every seed validates on rows of its own, else 0
  std::int64_t train_rows = 0, val_rows = 0, test_rows = 0;
  std::vector<std::string> class_names;
  std::vector<std::int64_t> class_counts, val_class_counts;
  double imbalance_ratio = 0;
  std::vector<std::string> warnings; ///< whole sentences, most serious first
};

struct ComparisonOptions {
  std::string baseline = "erm";
  std::string positive_class;    ///< name; empty: more than two classes
  bool new_rows_per_seed = true; ///< data.split.val_seed = "run_seed"
  double confidence = 0.95;
};

/// Columns   accuracy, balanced accuracy, recall of the positive class or accuracy of the minority classes, macro
///           F1, average precision (two classes), ECE.
/// Claims    of a column with M variants: paired t-intervals at 1 - (1 - confidence) / (M - 1), so that the
///           chance that any of the M - 1 claims against one variant is false stays below 1 - confidence
///           (Bonferroni). See runtime::paired_difference for rows drawn by every seed.
/// Warnings  a variant that failed; too few validation rows of the rare classes to tell; a variant that never
///           says "positive", finds none of a class or gives every row one class; too few seeds for an interval; rows that are the same for
///           all seeds.
Comparison compare(const std::vector<VariantResult>& variants, const ComparisonOptions& options);

/// The rare classes cannot be judged on validation rows that leave their accuracy a standard error above this:
/// at 0.1, 25 rows of one class, differences below 0.2 (two standard errors) are chance.
inline constexpr double kMostStandardError = 0.1;

} // namespace tailor::experiment
