#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace tailor::runtime {

/// Class sizes i = 0..K-1 as shares of n_max (methods.md 1.1).
enum class TailProfile {
  kExp,         ///< r^(i / (K-1))
  kStep,        ///< 1 for the first floor(K/2) classes, r for the others
  kStepAt,      ///< 1 for classes below step_at, r for the others
  kBinaryFixed, ///< two classes: a, b
  kBinaryStep,  ///< two classes: the second n_max * r, the first the rest of n_max
  kBalanced,    ///< 1
  kPareto,      ///< K draws of a Lomax(alpha) law, sorted, the largest 1, none below r
};
template <> struct Words<TailProfile> {
  static constexpr std::pair<TailProfile, const char*> kAll[] = {{TailProfile::kExp, "exp"},
                                                                 {TailProfile::kStep, "step"},
                                                                 {TailProfile::kStepAt, "step_at"},
                                                                 {TailProfile::kBinaryFixed, "binary_fixed"},
                                                                 {TailProfile::kBinaryStep, "binary_step"},
                                                                 {TailProfile::kBalanced, "balanced"},
                                                                 {TailProfile::kPareto, "pareto"}};
};

enum class TailSize {
  kFixedMax,      ///< n_max = what the data offer, or the n_max given
  kFixedTotal,    ///< sum n_i = total, largest remainders
  kFixedMinority, ///< the minority group (20 % of classes with fewest rows) keeps `minority` rows, the others
                  ///< grow
};
template <> struct Words<TailSize> {
  static constexpr std::pair<TailSize, const char*> kAll[] = {{TailSize::kFixedMax, "fixed_max"},
                                                              {TailSize::kFixedTotal, "fixed_total"},
                                                              {TailSize::kFixedMinority, "fixed_minority"}};
};

enum class MinorityCount { kPerClass, kTotal };
template <> struct Words<MinorityCount> {
  static constexpr std::pair<MinorityCount, const char*> kAll[] = {{MinorityCount::kPerClass, "per_class"},
                                                                   {MinorityCount::kTotal, "total"}};
};

enum class ClassOrder { kIndex, kShuffled };
template <> struct Words<ClassOrder> {
  static constexpr std::pair<ClassOrder, const char*> kAll[] = {{ClassOrder::kIndex, "index"},
                                                                {ClassOrder::kShuffled, "shuffled"}};
};

struct LongTailKeys {
  std::optional<TailProfile> profile;
  double r = 1.0;
  bool reversed = false;
  TailSize size = TailSize::kFixedMax;
  std::optional<std::int64_t> total;
  std::optional<std::int64_t> minority;
  MinorityCount minority_count = MinorityCount::kTotal;
  std::int64_t n_max = 0;
  std::int64_t class_order_seed = 0;
  std::int64_t step_at = 5;
  double a = 1.0;
  double b = 0.05;
  double alpha = 6;
  std::int64_t min_per_class = 1;
  ClassOrder class_order = ClassOrder::kIndex;
  OptionValue subset_seed = std::int64_t{0};

  static const KeySet<LongTailKeys>& keys();
};

struct TestTailKeys {
  double r = 1.0;
  std::optional<TailProfile> profile;

  static const KeySet<TestTailKeys>& keys();
};

} // namespace tailor::runtime
