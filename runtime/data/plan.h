#pragma once
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/data/long_tail.h"
#include "runtime/data/source.h"
#include "runtime/metrics/class_groups.h"
#include "runtime/options/data_keys.h"

#include <memory>
#include <optional>
#include <string>

namespace tailor::runtime {

/// Section [data] of a recipe, typed and checked for sense: where the rows come from, and what is done with them.
struct DataPlan {
  std::shared_ptr<const DataSource> source;
  Normalisation normalisation = Normalisation::kNone;
  std::optional<LongTailSpec> long_tail;      ///< of the training split
  std::optional<LongTailSpec> test_long_tail; ///< of the test split
  GroupRule groups;

  /// Whether another seed of the run means other rows in a split.
  bool follows_run_seed() const;
};

/// Puts the place that set the option of `status.key()` in front: "recipe.toml:4:3: ...". As it is if no key is
/// known or the option has its default.
Status at_option(const Options& options, Status status);

/// Reads the keys of `[data]` and `eval.groups`. Relative paths are taken from `directory` (the recipe's folder).
/// Errors    kInvalidArgument about the key, naming it, its value and the place that set it.
Result<DataPlan> data_plan_from(const Options& options, const std::string& directory);
/// The same for a caller that shows the place of the key itself (Status::key): the message leaves it out.
Result<DataPlan> read_data_plan(const Options& options, const std::string& directory);

} // namespace tailor::runtime
