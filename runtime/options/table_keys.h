#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// Whether the first line of a table names its columns.
enum class HeaderLine { kAuto, kYes, kNo };
template <> struct Words<HeaderLine> {
  static constexpr std::pair<HeaderLine, const char*> kAll[] = {
      {HeaderLine::kAuto, "auto"}, {HeaderLine::kYes, "yes"}, {HeaderLine::kNo, "no"}};
};

/// How a date is read whose cells leave it open.
enum class DateOrder { kAuto, kDayFirst, kMonthFirst };
template <> struct Words<DateOrder> {
  static constexpr std::pair<DateOrder, const char*> kAll[] = {{DateOrder::kAuto, "auto"},
                                                               {DateOrder::kDayFirst, "day_first"},
                                                               {DateOrder::kMonthFirst, "month_first"}};
};

template <> struct Words<DateFeature> {
  static constexpr std::pair<DateFeature, const char*> kAll[] = {
      {DateFeature::kElapsed, "elapsed"},       {DateFeature::kYear, "year"},
      {DateFeature::kMonth, "month"},           {DateFeature::kDay, "day"},
      {DateFeature::kDayOfWeek, "day_of_week"}, {DateFeature::kHour, "hour"}};
};

/// What to do with a numeric cell that has no value.
enum class MissingPolicy {
  kError, ///< stop at the cell (the default: nobody declared what it should mean)
  kMean,  ///< the training mean
  kFlag,  ///< the training mean, and one more 0/1 feature per column that had missing values when the schema
          ///< was made
};
template <> struct Words<MissingPolicy> {
  static constexpr std::pair<MissingPolicy, const char*> kAll[] = {
      {MissingPolicy::kError, "error"}, {MissingPolicy::kMean, "mean"}, {MissingPolicy::kFlag, "flag"}};
};

struct TableKeys {
  std::string train;
  std::string val;
  std::string test_file;
  HeaderLine header = HeaderLine::kAuto;
  std::string separator = "auto";
  std::string decimal = ".";
  std::string thousands;
  std::vector<std::string> number_signs = {};
  std::vector<std::string> missing_markers = default_missing_markers();
  OptionValue label_column = std::int64_t{-1};
  std::string label_positive;
  std::string label_strip;
  std::vector<std::string> label_classes;
  OptionValue columns_drop = OptionValue::List{};
  OptionValue columns_categorical = OptionValue::List{};
  OptionValue columns_numeric = OptionValue::List{};
  OptionValue columns_date = OptionValue::List{};
  DateOrder date_order = DateOrder::kAuto;
  std::vector<DateFeature> date_features = {DateFeature::kElapsed, DateFeature::kMonth,
                                            DateFeature::kDayOfWeek, DateFeature::kHour};
  OptionValue columns_time;
  OptionValue columns_group;
  OptionValue columns_id;
  OptionValue row_weights;
  MissingPolicy missing = MissingPolicy::kError;

  static const KeySet<TableKeys>& keys();
};

} // namespace tailor::runtime
