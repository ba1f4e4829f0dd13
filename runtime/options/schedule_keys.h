#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

struct ScheduleKeys {
  std::string name = "warmup_cosine";
  std::optional<std::int64_t> warmup_epochs;
  std::string per = "epoch";
  std::vector<std::int64_t> milestones = {};
  double factor = 0.1;

  static const KeySet<ScheduleKeys>& keys();
};

} // namespace tailor::runtime
