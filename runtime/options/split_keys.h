#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

enum class SplitBy { kStratified, kGroup, kTime, kFiles };
template <> struct Words<SplitBy> {
  static constexpr std::pair<SplitBy, const char*> kAll[] = {{SplitBy::kStratified, "stratified"},
                                                             {SplitBy::kGroup, "group"},
                                                             {SplitBy::kTime, "time"},
                                                             {SplitBy::kFiles, "files"}};
};

struct SplitKeys {
  /// Shares of all rows that are held out where nobody says another: a fifth for testing, and a fifth of the others
  /// for validation, which leaves 64 % to train on. Where the test rows are a file of their own the fifth is one of
  /// all rows.
  static constexpr double kTestShare = 0.2, kValShare = 0.16, kValShareBesideTestFile = 0.2;

  SplitBy by = SplitBy::kStratified;
  OptionValue column;
  std::optional<double> val;
  double test = kTestShare;
  std::int64_t seed = 0;
  OptionValue val_seed = std::int64_t{1};

  static const KeySet<SplitKeys>& keys();
};

} // namespace tailor::runtime
