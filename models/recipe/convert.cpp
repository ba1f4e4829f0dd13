#include "models/recipe/convert.h"

#include "models/recipe/nesting.h"
#include "models/recipe/reserved.h"
#include "models/recipe/source.h"
#include "models/recipe/toml.h"
#include "runtime/base/byte_size.h"
#include "runtime/base/option_choice.h"
#include "runtime/base/wording.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>

namespace tailor::recipe {

using runtime::KeyType;
using runtime::number_text;
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

bool is_list(KeyType type) {
  return type == KeyType::kWords || type == KeyType::kColumns || type == KeyType::kInts ||
         type == KeyType::kNumbers || type == KeyType::kTables;
}

KeyType element_type(KeyType type) {
  switch (type) {
  case KeyType::kWords:
    return KeyType::kWord;
  case KeyType::kColumns:
    return KeyType::kColumn;
  case KeyType::kNumbers:
    return KeyType::kNumber;
  case KeyType::kTables:
    return KeyType::kTables;
  default:
    return KeyType::kInt;
  }
}

Conversion refuse(std::string error, std::string hint = {}) {
  return {{}, {{std::move(error), std::move(hint)}}};
}

/// Whatever the value holds, dates aside: nullopt for one.
std::optional<OptionValue> any_value(const toml::node& node) {
  if (auto* value = node.as_boolean()) return OptionValue(**value);
  if (auto* value = node.as_integer()) return OptionValue(**value);
  if (auto* value = node.as_floating_point()) return OptionValue(**value);
  if (auto* value = node.as_string()) return OptionValue(**value);
  if (const toml::array* array = node.as_array()) {
    OptionValue::List list;
    for (const toml::node& item : *array)
      if (std::optional<OptionValue> value = any_value(item))
        list.push_back(*std::move(value));
      else
        return std::nullopt;
    return OptionValue(std::move(list));
  }
  const toml::table* table = node.as_table();
  if (!table) return std::nullopt;
  OptionValue::Table members;
  for (auto&& [name, item] : *table)
    if (std::optional<OptionValue> value = any_value(item))
      members.emplace_back(std::string(name.str()), *std::move(value));
    else
      return std::nullopt;
  return OptionValue(std::move(members));
}

class Converter {
public:
  explicit Converter(const KeySpec& spec) : spec_(spec) {}

  Conversion run(const toml::node& node) {
    if (spec_.type == KeyType::kIntOrList && node.is_array()) return list(node, KeyType::kInt);
    if (spec_.type == KeyType::kNumbersByName) return numbers(node);
    if (is_list(spec_.type)) return list(node, element_type(spec_.type));
    return single(node, spec_.type == KeyType::kIntOrList ? KeyType::kInt : spec_.type);
  }

private:
  Conversion list(const toml::node& node, KeyType element) {
    const toml::array* array = node.as_array();
    OptionValue::List values;
    if (!array) {
      Conversion one = single(node, element);
      if (one.ok()) one.value = OptionValue(OptionValue::List{std::move(one.value)});
      return one;
    }
    Conversion all;
    for (std::size_t i = 0; i < array->size(); ++i) {
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

  Conversion numbers(const toml::node& node) {
    if (node.is_array()) return list(node, KeyType::kNumber);
    const toml::table* table = node.as_table();
    if (!table) return wrong_type(node);
    OptionValue::Table members;
    Conversion all;
    for (auto&& [name, item] : *table) {
      Conversion one = single(item, KeyType::kNumber);
      for (Conversion::Complaint& complaint : one.complaints)
        all.complaints.push_back(
            {"'" + shortened(std::string(name.str())) + "': " + complaint.error, std::move(complaint.hint)});
      members.emplace_back(std::string(name.str()), std::move(one.value));
    }
    all.value = OptionValue(std::move(members));
    return all;
  }

  Conversion single(const toml::node& node, KeyType type) {
    switch (type) {
    case KeyType::kBool:
      if (auto* value = node.as_boolean()) return {OptionValue(**value), {}};
      break;
    case KeyType::kInt:
      if (auto* value = node.as_integer()) return bounded_integer(**value);
      break;
    case KeyType::kNumber:
      if (auto* value = node.as_integer())
        return bounded(static_cast<double>(**value), std::to_string(**value));
      if (auto* value = node.as_floating_point()) return bounded(**value, number_text(**value));
      break;
    case KeyType::kWord:
      if (auto* value = node.as_string()) return word(**value);
      break;
    case KeyType::kText:
    case KeyType::kPath:
      if (auto* value = node.as_string()) {
        if ((*value)->empty()) return refuse(spec_.key + " is empty");
        if ((*value)->find('\0') != std::string::npos) return refuse(spec_.key + " holds a NUL character");
        return {OptionValue(**value), {}};
      }
      break;
    case KeyType::kColumn:
      if (auto* value = node.as_string()) return {OptionValue(**value), {}};
      if (auto* value = node.as_integer()) {
        if (std::abs(static_cast<double>(**value)) <= 1e6) return {OptionValue(**value), {}};
        return refuse("column index " + std::to_string(**value) + " of " + spec_.key + " is out of range");
      }
      break;
    case KeyType::kTables:
      if (node.is_table())
        if (std::optional<OptionValue> value = any_value(node)) return {*std::move(value), {}};
      break;
    case KeyType::kSeedChoice:
      if (auto* value = node.as_integer()) return bounded_integer(**value);
      if (auto* value = node.as_string(); value && **value == "run_seed") return {OptionValue(**value), {}};
      break;
    case KeyType::kBytes:
      if (auto* value = node.as_integer()) return bounded_integer(**value);
      if (auto* value = node.as_string()) {
        const runtime::Result<std::int64_t> bytes = runtime::parse_bytes(**value);
        if (bytes.ok()) return bounded_integer(*bytes);
        return refuse(spec_.key + ": " + bytes.status().message(), bytes.status().hint());
      }
      if (auto* value = node.as_floating_point()) {
        Conversion checked = bounded(**value, runtime::number_text(**value));
        if (!checked.ok()) return checked;
        if (**value != std::floor(**value))
          return refuse(spec_.key + " = " + runtime::number_text(**value) + " is no whole number of bytes");
        return bounded_integer(static_cast<std::int64_t>(**value));
      }
      break;
    default:
      break;
    }
    return wrong_type(node);
  }

  Conversion word(const std::string& value) {
    if (choices_.empty() || runtime::is_choice(value, choices_)) return {OptionValue(value), {}};
    if (!spec_.choices_of.empty())
      if (const ReservedKey* reserved = find_reserved(spec_.choices_of + "." + value))
        return refuse(spec_.choices_of + " '" + value + "' is not available in this version (" +
                      std::string(reserved->what) + ")");
    const std::string near = runtime::did_you_mean(value, choices_), known = runtime::listed(choices_);
    return refuse("'" + shortened(value) + "' is not a value of " + spec_.key,
                  near.empty() ? "one of " + known : near + " (" + known + ")");
  }

  Conversion bounded_integer(std::int64_t value) {
    Conversion checked = bounded(static_cast<double>(value), std::to_string(value));
    if (checked.ok()) checked.value = OptionValue(value);
    return checked;
  }

  Conversion bounded(double value, const std::string& text) {
    if (!std::isfinite(value)) return refuse(spec_.key + " must be a finite number");
    if (value > spec_.max || (spec_.above_min ? value <= spec_.min : value < spec_.min))
      return refuse(spec_.key + " = " + text + ", but it must be " + spec_.range());
    return {OptionValue(value), {}};
  }

  Conversion wrong_type(const toml::node& node) {
    const bool wants_text =
        spec_.type == KeyType::kText || spec_.type == KeyType::kWord || spec_.type == KeyType::kWords;
    std::string as_text; // the label 1 is written "1"
    if (auto* value = node.as_integer(); value && wants_text) as_text = std::to_string(**value);
    return refuse(spec_.key + " must be " + std::string(runtime::name(spec_.type)) + ", not " +
                      toml_kind(node),
                  as_text.empty() ? std::string() : "as text it is written \"" + as_text + "\"");
  }

  const KeySpec& spec_;
  const std::vector<std::string> choices_ = spec_.words();
};

} // namespace

Conversion convert(const KeySpec& spec, const toml::node& node) {
  return Converter(spec).run(node);
}

namespace {

// A shell takes the quotes off: what is wanted as text is text, whatever else it could be.
bool is_text(KeyType type) {
  return type == KeyType::kWord || type == KeyType::kText || type == KeyType::kPath;
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

std::unique_ptr<toml::node> element_of(KeyType type, const std::string& text) {
  std::unique_ptr<toml::node> value = parsed_value(text);
  if (!value && type == KeyType::kNumber) // ".5" and "5." are no TOML, and numbers for tailor-run
    if (const auto number = runtime::parse_option_text(OptionType::kNumber, text);
        number.ok() && number->as_number())
      return std::make_unique<toml::value<double>>(*number->as_number());
  const bool text_or_integer = type == KeyType::kColumn || type == KeyType::kSeedChoice;
  if (value && (value->is_string() || (text_or_integer ? value->is_integer() : !is_text(type)))) return value;
  return std::make_unique<toml::value<std::string>>(text);
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin, end + 1 - begin));
}

} // namespace

Conversion convert_text(const KeySpec& spec, const std::string& text) {
  if (nested_too_deep("value = " + text))
    return refuse("the value of " + spec.key + " nests deeper than " + std::to_string(kMaxNesting) +
                  " levels");
  const bool takes_list = is_list(spec.type) || spec.type == KeyType::kIntOrList;
  if (!takes_list) return convert(spec, *element_of(spec.type, text));
  if (const std::unique_ptr<toml::node> whole = parsed_value(text);
      whole && (whole->is_array() || whole->is_string()))
    return convert(spec, *whole);
  std::string_view elements = text;
  if (elements.starts_with('[') && elements.ends_with(']')) // the shell took the quotes: [sam, ema]
    elements = elements.substr(1, elements.size() - 2);
  toml::array list;
  for (std::size_t begin = 0; begin <= elements.size();) {
    const std::size_t comma = std::min(elements.find(',', begin), elements.size());
    element_of(element_type(spec.type), trimmed(elements.substr(begin, comma - begin)))
        ->visit([&](auto&& node) { list.push_back(std::move(node)); });
    begin = comma + 1;
  }
  return list.size() == 1 ? convert(spec, *list.get(0)) : convert(spec, list);
}

} // namespace tailor::recipe
