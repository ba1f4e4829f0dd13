#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

struct GeneratedKeys {
  std::int64_t classes = 10;
  std::int64_t dimensions = 2;
  std::int64_t samples_per_class = 500;
  std::int64_t test_per_class = 500;
  std::int64_t val_per_class = 100;
  double noise = 0.15;
  double separation = 3.0;
  std::int64_t seed = 0;

  static const KeySet<GeneratedKeys>& keys();
};

} // namespace tailor::runtime
