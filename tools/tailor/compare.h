#pragma once
// `tailor compare`: the methods of a recipe side by side, on the same seeds and rows.

#include "tools/experiment/comparison.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::tools {

struct CompareArguments {
  std::string recipe;
  std::vector<std::string> set;     ///< "key=value" over the recipe, for every method
  std::string data;                 ///< the folder that the recipe's data paths start from; empty: its own
  std::vector<std::string> methods; ///< empty: default_candidates()
  /// The fewest that give an interval of four degrees of freedom, 1.4 times as wide as that of many.
  std::int64_t seeds = 5;
  std::string out; ///< empty: runs/compare-<recipe>
  std::string target = "cpu:native";
  std::int32_t threads = 0;
  bool quiet = false;                    ///< no progress
  std::vector<std::string> command_line; ///< whole
};

/// Trains every method, prints the table, writes OUT/compare.{md,csv,json} and a run folder per method. The
/// files are written after every method, so that an interrupted comparison leaves what is finished; the same
/// command goes on with it.
///
/// Numbers come from the validation rows: choosing a method by test rows would be selection on them. Where the
/// recipe splits its own table, seed s validates on rows of its own (data.split.val_seed = "run_seed").
///
/// Returns the exit code: 0 done; 1 the recipe or the baseline failed; 2 an unknown method; 128 + n stopped by
/// signal n.
int run_compare(const CompareArguments& arguments);

} // namespace tailor::tools
