#pragma once
#include "runtime/base/result.h"
#include "runtime/options/long_tail_keys.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tailor::runtime {

struct LongTailSpec {
  TailProfile profile = TailProfile::kExp;
  double r = LongTailKeys{}.r; ///< imbalance ratio n_min / n_max
  bool reversed = false;       ///< class 0 is the smallest; needed for r > 1, which then means 1/r
  std::int64_t split_at = LongTailKeys{}.step_at;
  double a = LongTailKeys{}.a, b = LongTailKeys{}.b; ///< binary_fixed
  double alpha = LongTailKeys{}.alpha;               ///< pareto
  TailSize size = TailSize::kFixedMax;
  std::int64_t n_max = 0; ///< fixed_max: 0 = as many as the data offer
  std::int64_t total = 0;
  std::int64_t minority = 0;
  MinorityCount minority_count = LongTailKeys{}.minority_count;
  /// 0 reproduces the references, which can leave classes empty.
  std::int64_t min_per_class = LongTailKeys{}.min_per_class;
  bool shuffle_classes = false; ///< class_order = shuffled
  std::uint64_t class_order_seed = 0;
  std::uint64_t subset_seed = 0;
  bool subset_follows_run =
      false; ///< subset_seed = "run_seed": open_data puts the seed of the run in its place
};

/// "r = 0.01 (1:100)"; "r = 1 (balanced)"; ratios above 1 as "r = 100 (100:1)".
std::string format_ratio(double r);
/// n_min / n_max over the classes with rows; 1 if there are none.
double imbalance_ratio(std::span<const std::int64_t> class_counts);

/// Sense of the numbers themselves. r out of (0, 1] without `reversed`: kInvalidArgument "long_tail.r = 100
/// ...", hint "did you mean 1/100?".
Status check_long_tail(const LongTailSpec& spec);

/// The class sizes, floor(share * n_max + 1e-9) and at least min_per_class, for a set with `available` rows
/// per class. fixed_max with n_max 0 takes the largest n_max for which every class has enough rows.
/// Errors    check_long_tail; a two-class profile with other K; step_at beyond the last class; a
///           class that would need more rows than it has (names class, both numbers); a total below K *
///           min_per_class.
Result<std::vector<std::int64_t>> long_tail_counts(const LongTailSpec& spec,
                                                   std::span<const std::int64_t> available);

/// Which of `rows`: per class, shuffled with subset_seed, the first n_i; returned in ascending order.
Result<std::vector<std::int32_t>> long_tail_rows(const LongTailSpec& spec, std::span<const std::int32_t> rows,
                                                 std::span<const std::int32_t> labels,
                                                 std::int32_t num_classes);

} // namespace tailor::runtime
