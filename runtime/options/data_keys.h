#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

struct DataKeys {
  std::string format = "csv";
  std::string numeric = "standard";
  std::string sampler = "uniform";
  double sampler_beta = 0.9999;

  static const KeySet<DataKeys>& keys();
};

} // namespace tailor::runtime
