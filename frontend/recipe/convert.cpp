#include "frontend/recipe/convert.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "frontend/recipe/toml.h"

#include "frontend/recipe/registry.h"
#include "frontend/recipe/source.h"

namespace tailor::recipe {

using runtime::OptionStage;
using runtime::OptionType;

std::string toml_kind(const toml::node& node) {
  switch (node.type()) {
  case toml::node_type::table:
    return "a table";
  case toml::node_type::array:
    return "a list";
  case toml::node_type::string:
    return "the string \"" + **node.as_string() + "\"";
  case toml::node_type::integer:
    return "the integer " + std::to_string(**node.as_integer());
  case toml::node_type::floating_point:
    return "the number " + number_text(**node.as_floating_point());
  case toml::node_type::boolean:
    return **node.as_boolean() ? "true" : "false";
  default:
    return "a date or time";
  }
}

namespace {

bool is_list(Type type) {
  return type == Type::words || type == Type::columns || type == Type::integers;
}

Type element_type(Type type) {
  switch (type) {
  case Type::words:
    return Type::word;
  case Type::columns:
    return Type::column;
  default:
    return Type::integer;
  }
}

bool has_limits(const KeySpec& spec) {
  return !(spec.min == 0 && spec.max == 0);
}

std::string range_text(const KeySpec& spec) {
  bool positive = spec.min == std::numeric_limits<double>::min();
  std::string text = positive ? "above 0" : "at least " + number_text(spec.min);
  if (std::isfinite(spec.max)) text += " and at most " + number_text(spec.max);
  return text;
}

class Converter {
public:
  explicit Converter(const KeySpec& spec) : spec_(spec) {}

  Conversion run(const toml::node& node) {
    if (spec_.type == Type::integer_or_list && node.is_array()) return list(node, Type::integer);
    if (is_list(spec_.type)) return list(node, element_type(spec_.type));
    return single(node, spec_.type == Type::integer_or_list ? Type::integer : spec_.type);
  }

private:
  Conversion list(const toml::node& node, Type element) {
    const toml::array* array = node.as_array();
    if (!array) return wrong_type(node);
    OptionValue::List values;
    for (const toml::node& item : *array) {
      Conversion converted = single(item, element);
      if (!converted.error.empty()) {
        converted.element = values.size();
        return converted;
      }
      values.push_back(std::move(converted.value));
    }
    return {OptionValue(std::move(values)), {}, {}};
  }

  Conversion single(const toml::node& node, Type type) {
    switch (type) {
    case Type::boolean:
      if (auto* value = node.as_boolean()) return {OptionValue(**value), {}, {}};
      break;
    case Type::integer:
      if (auto* value = node.as_integer()) return bounded_integer(**value);
      break;
    case Type::number:
      if (auto* value = node.as_integer())
        return bounded(static_cast<double>(**value), std::to_string(**value));
      if (auto* value = node.as_floating_point()) return bounded(**value, number_text(**value));
      break;
    case Type::word:
      if (auto* value = node.as_string()) return word(**value);
      break;
    case Type::text:
    case Type::path:
      if (auto* value = node.as_string()) {
        if ((*value)->empty()) return {{}, std::string(spec_.key) + " is empty", {}};
        if ((*value)->find('\0') != std::string::npos)
          return {{}, std::string(spec_.key) + " holds a NUL character", {}};
        return {OptionValue(**value), {}, {}};
      }
      break;
    case Type::column:
      if (auto* value = node.as_string()) return {OptionValue(**value), {}, {}};
      if (auto* value = node.as_integer()) {
        if (std::abs(static_cast<double>(**value)) <= 1e6) return {OptionValue(**value), {}, {}};
        return {{},
                "column index " + std::to_string(**value) + " of " + std::string(spec_.key) +
                    " is out of range",
                {}};
      }
      break;
    case Type::seed_choice:
      if (auto* value = node.as_integer()) return bounded_integer(**value);
      if (auto* value = node.as_string(); value && **value == "run_seed")
        return {OptionValue(**value), {}, {}};
      break;
    default:
      break;
    }
    return wrong_type(node);
  }

  Conversion word(const std::string& value) {
    std::vector<std::string> choices = split_choices(spec_.choices);
    for (std::string& registered : registered_names(spec_.key))
      choices.push_back(std::move(registered));
    if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end())
      return {OptionValue(value), {}, {}};
    if (spec_.key == "method.use")
      if (const ReservedKey* reserved = find_reserved("method." + value))
        return {{},
                "method '" + value + "' is not available in this version (" + std::string(reserved->what) +
                    ")",
                {}};
    std::string near = nearest(value, choices);
    std::string known;
    for (const std::string& choice : choices)
      known += (known.empty() ? "" : ", ") + choice;
    return {{},
            "'" + value + "' is not a value of " + std::string(spec_.key),
            near.empty() ? "one of " + known : "did you mean '" + near + "'? (" + known + ")"};
  }

  Conversion bounded_integer(int64_t value) {
    Conversion checked = bounded(static_cast<double>(value), std::to_string(value));
    if (checked.error.empty()) checked.value = OptionValue(value);
    return checked;
  }

  Conversion bounded(double value, const std::string& text) {
    if (!std::isfinite(value)) return {{}, std::string(spec_.key) + " must be a finite number", {}};
    if (has_limits(spec_) && (value < spec_.min || value > spec_.max))
      return {{}, std::string(spec_.key) + " = " + text + ", but it must be " + range_text(spec_), {}};
    return {OptionValue(value), {}, {}};
  }

  Conversion wrong_type(const toml::node& node) {
    return {{},
            std::string(spec_.key) + " must be " + std::string(name(spec_.type)) + ", not " + toml_kind(node),
            {}};
  }

  const KeySpec& spec_;
};

OptionType option_type(Type type) {
  switch (type) {
  case Type::boolean:
    return OptionType::kBool;
  case Type::integer:
    return OptionType::kInt;
  case Type::number:
    return OptionType::kNumber;
  case Type::word:
  case Type::text:
  case Type::path:
    return OptionType::kString;
  case Type::words:
  case Type::columns:
  case Type::integers:
    return OptionType::kList;
  case Type::column:
  case Type::seed_choice:
  case Type::integer_or_list:
    return OptionType::kAny;
  }
  return OptionType::kAny;
}

} // namespace

Conversion convert(const KeySpec& spec, const toml::node& node) {
  return Converter(spec).run(node);
}

Option make_option(const KeySpec& spec, OptionValue value, std::string origin) {
  Option option;
  option.value = std::move(value);
  option.type = option_type(spec.type);
  option.stage = spec.stage == Stage::compile ? OptionStage::kCompile : OptionStage::kRun;
  option.nullable = spec.fallback.empty();
  option.origin = std::move(origin);
  if (has_limits(spec)) {
    option.limits.min_exclusive = spec.min == std::numeric_limits<double>::min();
    option.limits.min = option.limits.min_exclusive ? 0.0 : spec.min;
    if (std::isfinite(spec.max)) option.limits.max = spec.max;
  }
  option.only_if = spec.only_if;
  option.limits.choices = split_choices(spec.choices);
  if (!option.limits.choices.empty())
    for (std::string& registered : registered_names(spec.key))
      option.limits.choices.push_back(std::move(registered));
  return option;
}

} // namespace tailor::recipe
