#pragma once
#include "runtime/base/result.h"
#include "runtime/options/split_keys.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tailor::runtime {

struct SplitSpec {
  SplitBy by = SplitBy::kStratified;
  double val = SplitKeys::kValShare;   ///< fraction of all rows
  double test = SplitKeys::kTestShare; ///< fraction of all rows; 0 when there is a test file
  std::uint64_t seed = 0;              ///< chooses test
  std::uint64_t val_seed = 1;          ///< chooses val among the rest: another one leaves test as it is
  bool val_follows_run = false;        ///< `val_seed` is the run's seed: every seed validates on other rows
};

/// Row numbers, each list ascending. Together a partition of [0, num_rows).
struct SplitRows {
  std::vector<std::int32_t> train, val, test;
};

/// kInvalidArgument unless val, test >= 0 and val + test < 1.
Status check_fractions(double val, double test);

/// Per class: round(n * test) rows drawn with `seed` to test, round(n * val) of the others drawn with
/// `val_seed` to val, the rest (at least one) to train.
Result<SplitRows> split_stratified(std::span<const std::int32_t> labels, std::int32_t num_classes,
                                   const SplitSpec& spec);

/// No group in two splits: groups in the order of `seed`, each to test or the rest, whichever is further
/// below its share; likewise those of the rest, in the order of `val_seed`, to val or train.
/// Errors    fewer groups than splits asked for.
Result<SplitRows> split_by_group(std::span<const std::int32_t> groups, const SplitSpec& spec);

/// The last `test` of the rows by time are test, the `val` before them val. Rows of equal time stay
/// together, in the earlier split. Errors: a split asked for would be empty.
Result<SplitRows> split_by_time(std::span<const double> times, const SplitSpec& spec);

} // namespace tailor::runtime
