#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

struct TableKeys {
  std::string train;
  std::string val;
  std::string test_file;
  std::string header = "auto";
  std::string separator = "auto";
  std::string decimal = ".";
  std::string thousands;
  std::vector<std::string> number_signs = {};
  std::vector<std::string> missing_markers = {"?", "NA", "nan", "NaN", "NAN"};
  OptionValue label_column = std::int64_t{-1};
  std::string label_positive;
  std::string label_strip;
  std::vector<std::string> label_classes;
  OptionValue columns_drop = OptionValue::List{};
  OptionValue columns_categorical = OptionValue::List{};
  OptionValue columns_numeric = OptionValue::List{};
  OptionValue columns_date = OptionValue::List{};
  std::string date_order = "auto";
  std::vector<std::string> date_features = {"elapsed", "month", "day_of_week", "hour"};
  OptionValue columns_time;
  OptionValue columns_group;
  OptionValue columns_id;
  std::string missing = "error";

  static const KeySet<TableKeys>& keys();
};

} // namespace tailor::runtime
