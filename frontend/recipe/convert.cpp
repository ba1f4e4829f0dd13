#include "frontend/recipe/convert.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>

#include "frontend/recipe/toml.h"

#include "frontend/recipe/nesting.h"
#include "frontend/recipe/registry.h"
#include "frontend/recipe/source.h"
#include "runtime/base/option_choice.h"

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
    return "the string \"" + shortened(**node.as_string()) + "\"";
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

Conversion refuse(std::string error, std::string hint = {}) {
  return {{}, {{std::move(error), std::move(hint)}}};
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
    OptionValue::List values;
    if (!array) {
      Conversion one = single(node, element);
      if (one.ok()) one.value = OptionValue(OptionValue::List{std::move(one.value)});
      return one;
    }
    Conversion all;
    for (size_t i = 0; i < array->size(); ++i) {
      Conversion one = single(*array->get(i), element);
      for (Conversion::Complaint& complaint : one.complaints) {
        complaint.element = i;
        all.complaints.push_back(std::move(complaint));
      }
      values.push_back(std::move(one.value));
    }
    all.value = OptionValue(std::move(values));
    return all;
  }

  Conversion single(const toml::node& node, Type type) {
    switch (type) {
    case Type::boolean:
      if (auto* value = node.as_boolean()) return {OptionValue(**value), {}};
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
        if ((*value)->empty()) return refuse(std::string(spec_.key) + " is empty");
        if ((*value)->find('\0') != std::string::npos)
          return refuse(std::string(spec_.key) + " holds a NUL character");
        return {OptionValue(**value), {}};
      }
      break;
    case Type::column:
      if (auto* value = node.as_string()) return {OptionValue(**value), {}};
      if (auto* value = node.as_integer()) {
        if (std::abs(static_cast<double>(**value)) <= 1e6) return {OptionValue(**value), {}};
        return refuse("column index " + std::to_string(**value) + " of " + std::string(spec_.key) +
                      " is out of range");
      }
      break;
    case Type::seed_choice:
      if (auto* value = node.as_integer()) return bounded_integer(**value);
      if (auto* value = node.as_string(); value && **value == "run_seed") return {OptionValue(**value), {}};
      break;
    default:
      break;
    }
    return wrong_type(node);
  }

  Conversion word(const std::string& value) {
    if (choices_.empty() || runtime::is_choice(value, choices_)) return {OptionValue(value), {}};
    for (const auto& [key, kind] : {std::pair("method.use", "method"), std::pair("model.name", "model")})
      if (const ReservedKey* reserved = spec_.key == key ? find_reserved(kind + ("." + value)) : nullptr)
        return refuse(kind + (" '" + value + "' is not available in this version (") +
                      std::string(reserved->what) + ")");
    std::string near = nearest(value, choices_);
    std::string known;
    for (const std::string& choice : choices_)
      known += (known.empty() ? "" : ", ") + choice;
    return refuse("'" + shortened(value) + "' is not a value of " + std::string(spec_.key),
                  near.empty() ? "one of " + known : "did you mean '" + near + "'? (" + known + ")");
  }

  Conversion bounded_integer(int64_t value) {
    Conversion checked = bounded(static_cast<double>(value), std::to_string(value));
    if (checked.ok()) checked.value = OptionValue(value);
    return checked;
  }

  Conversion bounded(double value, const std::string& text) {
    if (!std::isfinite(value)) return refuse(std::string(spec_.key) + " must be a finite number");
    if (has_limits(spec_) && (value < spec_.min || value > spec_.max))
      return refuse(std::string(spec_.key) + " = " + text + ", but it must be " + range_text(spec_));
    return {OptionValue(value), {}};
  }

  Conversion wrong_type(const toml::node& node) {
    const bool wants_text = spec_.type == Type::text || spec_.type == Type::word || spec_.type == Type::words;
    std::string as_text; // the label 1 is written "1"
    if (auto* value = node.as_integer(); value && wants_text) as_text = std::to_string(**value);
    return refuse(std::string(spec_.key) + " must be " + std::string(name(spec_.type)) + ", not " +
                      toml_kind(node),
                  as_text.empty() ? std::string() : "as text it is written \"" + as_text + "\"");
  }

  static std::vector<std::string> choices_of(const KeySpec& spec) {
    std::vector<std::string> choices = split_choices(spec.choices);
    for (std::string& registered : registered_names(spec.key))
      choices.push_back(std::move(registered));
    return choices;
  }

  const KeySpec& spec_;
  const std::vector<std::string> choices_ = choices_of(spec_);
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

namespace {

// A shell takes the quotes off: what is wanted as text is text, whatever else it could be.
bool is_text(Type type) {
  return type == Type::word || type == Type::text || type == Type::path;
}

// The value that `text` says, in a document of its own; nothing if it is not one.
std::unique_ptr<toml::node> parsed_value(const std::string& text) {
  const std::string document = "value = " + text;
  if (nested_too_deep(document)) return nullptr;
  toml::parse_result parsed = toml::parse(document);
  if (!parsed || parsed.table().size() != 1) return nullptr;
  toml::node* value = parsed.table().get("value");
  if (!value) return nullptr;
  return value->visit([](auto&& node) -> std::unique_ptr<toml::node> {
    return std::make_unique<std::remove_cvref_t<decltype(node)>>(std::move(node));
  });
}

std::unique_ptr<toml::node> element_of(Type type, const std::string& text) {
  std::unique_ptr<toml::node> value = parsed_value(text);
  if (!value && type == Type::number) // ".5" and "5." are no TOML, and numbers for tailor-run
    if (const auto number = runtime::parse_option_text(OptionType::kNumber, text);
        number.ok() && number->as_number())
      return std::make_unique<toml::value<double>>(*number->as_number());
  const bool text_or_integer = type == Type::column || type == Type::seed_choice;
  if (value && (value->is_string() || (text_or_integer ? value->is_integer() : !is_text(type)))) return value;
  return std::make_unique<toml::value<std::string>>(text);
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin, end + 1 - begin));
}

} // namespace

Conversion convert_text(const KeySpec& spec, const std::string& text) {
  if (nested_too_deep("value = " + text))
    return refuse("the value of " + std::string(spec.key) + " nests deeper than " +
                  std::to_string(kMaxNesting) + " levels");
  const bool takes_list = is_list(spec.type) || spec.type == Type::integer_or_list;
  if (!takes_list) return convert(spec, *element_of(spec.type, text));
  if (const std::unique_ptr<toml::node> whole = parsed_value(text);
      whole && (whole->is_array() || whole->is_string()))
    return convert(spec, *whole);
  std::string_view elements = text;
  if (elements.starts_with('[') && elements.ends_with(']')) // the shell took the quotes: [sam, ema]
    elements = elements.substr(1, elements.size() - 2);
  toml::array list;
  for (size_t begin = 0; begin <= elements.size();) {
    const size_t comma = std::min(elements.find(',', begin), elements.size());
    element_of(element_type(spec.type), trimmed(elements.substr(begin, comma - begin)))
        ->visit([&](auto&& node) { list.push_back(std::move(node)); });
    begin = comma + 1;
  }
  return list.size() == 1 ? convert(spec, *list.get(0)) : convert(spec, list);
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
  if (spec.type == Type::seed_choice) option.limits.choices = {"run_seed"};
  if (!option.limits.choices.empty())
    for (std::string& registered : registered_names(spec.key))
      option.limits.choices.push_back(std::move(registered));
  return option;
}

} // namespace tailor::recipe
