#include "runtime/options/key.h"

#include "runtime/base/status.h"
#include "runtime/options/component.h"

#include <cmath>

namespace tailor::runtime {
namespace {

OptionType option_type(KeyType type) {
  switch (type) {
  case KeyType::kBool:
    return OptionType::kBool;
  case KeyType::kInt:
  case KeyType::kBytes:
    return OptionType::kInt;
  case KeyType::kNumber:
    return OptionType::kNumber;
  case KeyType::kWord:
  case KeyType::kText:
  case KeyType::kPath:
    return OptionType::kString;
  case KeyType::kWords:
  case KeyType::kColumns:
  case KeyType::kInts:
  case KeyType::kNumbers:
  case KeyType::kTables:
    return OptionType::kList;
  case KeyType::kColumn:
  case KeyType::kSeedChoice:
  case KeyType::kIntOrList:
  case KeyType::kNumbersByName:
    return OptionType::kAny;
  }
  return OptionType::kAny;
}

} // namespace

std::string_view name(KeyType type) {
  switch (type) {
  case KeyType::kBool:
    return "true or false";
  case KeyType::kInt:
    return "an integer";
  case KeyType::kNumber:
    return "a number";
  case KeyType::kWord:
    return "a word";
  case KeyType::kText:
    return "a string";
  case KeyType::kPath:
    return "a path";
  case KeyType::kColumn:
    return "a column name or index";
  case KeyType::kSeedChoice:
    return "an integer or \"run_seed\"";
  case KeyType::kWords:
    return "a string or a list of strings";
  case KeyType::kColumns:
    return "a column name or index, or a list of them";
  case KeyType::kInts:
  case KeyType::kIntOrList:
    return "an integer or a list of integers";
  case KeyType::kBytes:
    return "a number of bytes, as 2147483648 or \"2GiB\"";
  case KeyType::kNumbers:
    return "a number or a list of numbers";
  case KeyType::kNumbersByName:
    return "a list of numbers, or a table of them";
  case KeyType::kTables:
    return "a list of tables";
  }
  return "";
}

std::vector<std::string> KeySpec::words() const {
  std::vector<std::string> all =
      choices_of.empty() ? std::vector<std::string>() : component_names(choices_of);
  all.insert(all.end(), choices.begin(), choices.end());
  return all;
}

std::string KeySpec::range() const {
  std::string text;
  if (min != -kNoLimit) text = (above_min ? "above " : "at least ") + number_text(min);
  if (max != kNoLimit) text += (text.empty() ? "at most " : " and at most ") + number_text(max);
  return text;
}

std::string number_text(double value) {
  return concat(value);
}

Option make_option(const KeySpec& spec, OptionValue value, std::string origin) {
  Option option;
  option.value = std::move(value);
  option.type = option_type(spec.type);
  option.stage = spec.stage;
  option.nullable = spec.fallback.is_null();
  option.origin = std::move(origin);
  if (spec.min != -kNoLimit) option.limits.min = spec.min;
  if (spec.max != kNoLimit) option.limits.max = spec.max;
  option.limits.min_exclusive = spec.above_min;
  option.only_if = spec.only_if;
  option.limits.choices = spec.words();
  if (spec.type == KeyType::kSeedChoice) option.limits.choices = {"run_seed"};
  return option;
}

} // namespace tailor::runtime
