#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

struct SplitKeys {
  std::string by = "stratified";
  OptionValue column;
  std::optional<double> val;
  double test = 0.2;
  std::int64_t seed = 0;
  OptionValue val_seed = std::int64_t{1};

  static const KeySet<SplitKeys>& keys();
};

} // namespace tailor::runtime
