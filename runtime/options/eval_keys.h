#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

struct EvalKeys {
  std::string weights = "auto";
  std::vector<std::string> metrics = {};
  std::string groups = "thresholds(20,100)";
  std::string test = "end";
  OptionValue predict_id;
  std::vector<std::string> predict_out = {"probability", "decision"};

  static const KeySet<EvalKeys>& keys();
};

} // namespace tailor::runtime
