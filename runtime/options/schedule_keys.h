#pragma once
#include "runtime/options/key_set.h"

#include <string>
#include <string_view>

namespace tailor::runtime {

/// What every schedule has; the other keys below the prefix belong to the schedules that read them.
struct ScheduleKeys {
  static constexpr std::string_view kPrefix = "schedule";

  std::string name = "warmup_cosine";

  /// "schedule."
  static std::string key_prefix() { return std::string(kPrefix) + "."; }
  static const KeySet<ScheduleKeys>& keys();
};

} // namespace tailor::runtime
