#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

struct LongTailKeys {
  std::string profile;
  double r = 1.0;
  bool reversed = false;
  std::string size = "fixed_max";
  std::optional<std::int64_t> total;
  std::optional<std::int64_t> minority;
  std::string minority_count = "total";
  std::int64_t n_max = 0;
  std::int64_t class_order_seed = 0;
  std::optional<std::int64_t> step_at;
  std::optional<double> a;
  std::optional<double> b;
  double alpha = 6;
  std::int64_t min_per_class = 1;
  std::string class_order = "index";
  OptionValue subset_seed = std::int64_t{0};

  static const KeySet<LongTailKeys>& keys();
};

struct TestTailKeys {
  double r = 1.0;
  std::string profile;

  static const KeySet<TestTailKeys>& keys();
};

} // namespace tailor::runtime
