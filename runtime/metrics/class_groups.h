#pragma once
#include "runtime/base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// Classes whose accuracy is averaged (unweighted). Empty = absent, which is reported as absent, never as 0.
struct ClassGroup {
  std::string name;
  std::vector<std::int32_t> classes; ///< ascending
};

/// few / med / many (methods.md 1.3).
struct GroupRule {
  enum class Kind {
    kThresholds,  ///< few: n < a, med: a <= n <= b, many: n > b
    kThirds,      ///< by size: many = the floor(K/3) largest, few = the floor(K/3) smallest, med = the rest
    kHeadMedTail, ///< by size: many = the a largest, med = the next up to b, few = the rest
  };
  Kind kind = Kind::kThresholds;
  std::int64_t a = 20, b = 100;
  bool operator==(const GroupRule&) const = default;
};

/// "thresholds(20,100)" | "thirds" | "head_med_tail(3,7)".
Result<GroupRule> parse_group_rule(std::string_view text);
std::string to_string(const GroupRule& rule);

/// "minority", "majority": the max(1, round(0.2 K)) classes with fewest / most training rows. Ties: lower
/// index first; a class is never in both (a class taken as minority is passed over, so that K = 2 balanced
/// gives {0}, {1}).
std::vector<ClassGroup> minority_majority(std::span<const std::int64_t> class_counts);

/// "few", "med", "many" in this order. Ties by size: lower index counts as larger (class 0 is the head of a
/// natural order).
///
/// Errors   head_med_tail with a > b or b > K.
Result<std::vector<ClassGroup>> few_med_many(std::span<const std::int64_t> class_counts,
                                             const GroupRule& rule);

} // namespace tailor::runtime
