#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

/// Which way a watched metric improves.
enum class Direction { kAuto, kMax, kMin };
template <> struct Words<Direction> {
  static constexpr std::pair<Direction, const char*> kAll[] = {
      {Direction::kAuto, "auto"}, {Direction::kMax, "max"}, {Direction::kMin, "min"}};
};

struct RunKeys {
  OptionValue batch = std::int64_t{64};
  std::int64_t accumulate = 1;
  std::int64_t memory_budget = 0;
  std::int64_t eval_batch = 256;
  std::int64_t epochs = 300;
  std::int64_t steps = 0;
  std::int64_t seed = 0;
  std::int64_t seeds = 1;
  std::string precision = "f32";
  std::int64_t threads = 0;
  std::int64_t loader_threads = 1;
  bool drop_last = false;
  std::int64_t steps_per_launch = 8;
  std::int64_t log_steps = 0;
  double checkpoint_minutes = 10;
  std::int64_t checkpoint_every = 0;
  std::string out;
  std::string early_stop_on;
  std::int64_t early_stop_patience = 16;
  Direction early_stop_mode = Direction::kAuto;
  std::string keep_best;

  static const KeySet<RunKeys>& keys();
};

} // namespace tailor::runtime
