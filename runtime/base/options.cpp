#include "runtime/base/options.h"

#include "runtime/base/edit_distance.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tailor::runtime {
namespace {

using Json = nlohmann::ordered_json;

/// Deeper nesting than any recipe has; keeps hostile text from exhausting the stack.
constexpr int kMaxDepth = 64;

Json json_of(const OptionValue& value) {
  if (const bool* b = value.as_bool()) return *b;
  if (const std::int64_t* i = value.as_int()) return *i;
  if (const double* d = value.as_double()) return *d;
  if (const std::string* s = value.as_string()) return *s;
  if (const OptionValue::List* list = value.as_list()) {
    Json json = Json::array();
    for (const OptionValue& item : *list)
      json.push_back(json_of(item));
    return json;
  }
  if (const OptionValue::Table* table = value.as_table()) {
    Json json = Json::object();
    // Names are unique; looking for each of thousands of classes would take quadratic time.
    auto& members = json.get_ref<Json::object_t&>();
    for (const auto& [key, item] : *table)
      members.emplace_back(key, json_of(item));
    return json;
  }
  return nullptr;
}

std::string dump(const Json& json) {
  // Text from outside may hold broken UTF-8: it is replaced, not thrown upon.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<OptionValue> value_of(const Json& json, int depth) {
  if (depth > kMaxDepth) return invalid_argument("JSON is nested deeper than ", kMaxDepth, " levels");
  switch (json.type()) {
  case Json::value_t::null:
    return OptionValue();
  case Json::value_t::boolean:
    return OptionValue(json.get<bool>());
  case Json::value_t::number_integer:
    return OptionValue(json.get<std::int64_t>());
  case Json::value_t::number_unsigned: {
    const auto number = json.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX))
      return invalid_argument("the number ", number, " does not fit in 64 signed bits");
    return OptionValue(static_cast<std::int64_t>(number));
  }
  case Json::value_t::number_float:
    return OptionValue(json.get<double>());
  case Json::value_t::string:
    return OptionValue(json.get_ref<const std::string&>());
  case Json::value_t::array: {
    OptionValue::List list;
    list.reserve(json.size());
    for (const Json& item : json) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(OptionValue value, value_of(item, depth + 1));
      list.push_back(std::move(value));
    }
    return OptionValue(std::move(list));
  }
  case Json::value_t::object: {
    OptionValue::Table table;
    table.reserve(json.size());
    for (const auto& [key, item] : json.items()) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(OptionValue value, value_of(item, depth + 1));
      table.emplace_back(key, std::move(value));
    }
    return OptionValue(std::move(table));
  }
  default:
    return invalid_argument("not JSON");
  }
}

/// Parses without building deep trees: the callback stops at kMaxDepth.
Result<Json> parse(std::string_view text) {
  // The parser takes a zero byte for the end of the text and would let anything follow it.
  if (text.find('\0') != std::string_view::npos) return invalid_argument("JSON with a zero byte");
  bool too_deep = false;
  Json json = Json::parse(
      text.begin(), text.end(),
      [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > kMaxDepth;
        return depth <= kMaxDepth;
      },
      false);
  if (too_deep) return invalid_argument("JSON is nested deeper than ", kMaxDepth, " levels");
  if (json.is_discarded()) return invalid_argument("not valid JSON");
  return json;
}

const std::pair<OptionType, const char*> kTypeNames[] = {
    {OptionType::kAny, "any"},       {OptionType::kBool, "bool"},     {OptionType::kInt, "int"},
    {OptionType::kNumber, "number"}, {OptionType::kString, "string"}, {OptionType::kList, "list"},
    {OptionType::kTable, "table"}};

bool type_matches(OptionType type, const OptionValue& value) {
  switch (type) {
  case OptionType::kAny:
    return true;
  case OptionType::kBool:
    return value.as_bool();
  case OptionType::kInt:
    return value.as_int();
  case OptionType::kNumber:
    return value.as_number().has_value();
  case OptionType::kString:
    return value.as_string();
  case OptionType::kList:
    return value.as_list();
  case OptionType::kTable:
    return value.as_table();
  }
  return false;
}

/// "a number above 0 and at most 1", "one of: sgd, adamw", "a bool".
std::string describe_wanted(const Option& option) {
  const OptionLimits& limits = option.limits;
  std::string text;
  if (!limits.choices.empty()) {
    text = "one of: ";
    for (std::size_t i = 0; i < limits.choices.size(); ++i)
      text += (i ? ", " : "") + limits.choices[i];
  } else if (option.type == OptionType::kInt) {
    text = "an int";
  } else {
    text = option.type == OptionType::kAny ? "a value" : concat("a ", to_string(option.type));
  }
  if (limits.min) text += concat(limits.min_exclusive ? " above " : " of at least ", *limits.min);
  if (limits.max)
    text += concat(limits.min ? " and " : " ", limits.max_exclusive ? "below " : "at most ", *limits.max);
  if (option.nullable) text += ", or \"none\"";
  return text;
}

bool within_limits(const OptionLimits& limits, double number) {
  if (!std::isfinite(number)) return false;
  if (limits.min && (limits.min_exclusive ? number <= *limits.min : number < *limits.min)) return false;
  if (limits.max && (limits.max_exclusive ? number >= *limits.max : number > *limits.max)) return false;
  return true;
}

/// Of a value that is no list, and of each element of one.
bool element_fits(const OptionLimits& limits, const OptionValue& value) {
  if (const auto number = value.as_number()) return within_limits(limits, *number);
  if (const std::string* text = value.as_string(); text && !limits.choices.empty())
    return std::find(limits.choices.begin(), limits.choices.end(), *text) != limits.choices.end();
  return !limits.min && !limits.max; // a bound is for numbers
}

bool value_fits(const Option& option) {
  const OptionValue& value = option.value;
  if (value.is_null()) return option.nullable || option.type == OptionType::kAny;
  if (!type_matches(option.type, value)) return false;
  const OptionValue::List* list = value.as_list();
  if (!list) return element_fits(option.limits, value);
  return std::all_of(list->begin(), list->end(),
                     [&](const OptionValue& item) { return element_fits(option.limits, item); });
}

Result<Option> option_of(const Json& json) {
  if (!json.is_object() || !json.contains("value")) return invalid_argument("an option needs a value");
  Option option;
  for (const auto& [key, item] : json.items()) {
    if (key == "value") {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(option.value, value_of(item, 0));
    } else if (key == "type" && item.is_string()) {
      const auto found = std::find_if(std::begin(kTypeNames), std::end(kTypeNames), [&](const auto& entry) {
        return item.get_ref<const std::string&>() == entry.second;
      });
      if (found == std::end(kTypeNames)) return invalid_argument("unknown option type ", dump(item));
      option.type = found->first;
    } else if (key == "stage" && (item == "compile" || item == "run")) {
      option.stage = item == "compile" ? OptionStage::kCompile : OptionStage::kRun;
    } else if (key == "origin" && item.is_string()) {
      option.origin = item.get<std::string>();
    } else if (key == "only_if" && item.is_string()) {
      option.only_if = item.get<std::string>();
    } else if (key == "nullable" && item.is_boolean()) {
      option.nullable = item.get<bool>();
    } else if ((key == "min" || key == "above") && item.is_number()) {
      option.limits.min = item.get<double>();
      option.limits.min_exclusive = key == "above";
    } else if ((key == "max" || key == "below") && item.is_number()) {
      option.limits.max = item.get<double>();
      option.limits.max_exclusive = key == "below";
    } else if (key == "choices" && item.is_array()) {
      for (const Json& choice : item) {
        if (!choice.is_string()) return invalid_argument("choices must be strings");
        option.limits.choices.push_back(choice.get<std::string>());
      }
    } else {
      return invalid_argument("unexpected member '", key, "' with value ", dump(item));
    }
  }
  return option;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

Status wrong_type(std::string_view key, const Option& option, const char* wanted) {
  return invalid_argument("'", key, "' must be ", wanted, ", not ", option.value.to_json(), " (set by ",
                          option.origin, ")");
}

} // namespace

std::optional<double> OptionValue::as_number() const {
  if (const double* d = as_double()) return *d;
  if (const std::int64_t* i = as_int()) return static_cast<double>(*i);
  return std::nullopt;
}

const OptionValue* OptionValue::find(std::string_view key) const {
  if (const Table* table = as_table())
    for (const auto& [name, item] : *table)
      if (name == key) return &item;
  return nullptr;
}

const char* OptionValue::kind_name() const {
  static constexpr const char* kNames[] = {"null", "bool", "int", "number", "string", "list", "table"};
  return kNames[value_.index()];
}

std::string OptionValue::to_json() const {
  return dump(json_of(*this));
}

Result<OptionValue> OptionValue::from_json(std::string_view text) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Json json, parse(text));
  return value_of(json, 0);
}

const char* to_string(OptionType type) {
  for (const auto& [value, name] : kTypeNames)
    if (value == type) return name;
  return "unknown";
}

const char* to_string(OptionStage stage) {
  return stage == OptionStage::kCompile ? "compile" : "run";
}

void Options::set(std::string key, OptionValue value) {
  Option option;
  option.value = std::move(value);
  set(std::move(key), std::move(option));
}

const Option* Options::find(std::string_view key) const {
  const auto entry = map_.find(key);
  return entry == map_.end() ? nullptr : &entry->second;
}

bool Options::has_value(std::string_view key) const {
  const Option* option = find(key);
  return option && !option->value.is_null();
}

Result<bool> Options::get_bool(std::string_view key) const {
  const Option* option = find(key);
  if (!option) return not_found("option '", key, "' is not set");
  if (const bool* value = option->value.as_bool()) return *value;
  return wrong_type(key, *option, "true or false");
}

Result<std::int64_t> Options::get_int(std::string_view key) const {
  const Option* option = find(key);
  if (!option) return not_found("option '", key, "' is not set");
  if (const std::int64_t* value = option->value.as_int()) return *value;
  return wrong_type(key, *option, "an int");
}

Result<double> Options::get_number(std::string_view key) const {
  const Option* option = find(key);
  if (!option) return not_found("option '", key, "' is not set");
  if (const auto value = option->value.as_number()) return *value;
  return wrong_type(key, *option, "a number");
}

Result<std::string> Options::get_string(std::string_view key) const {
  const Option* option = find(key);
  if (!option) return not_found("option '", key, "' is not set");
  if (const std::string* value = option->value.as_string()) return *value;
  return wrong_type(key, *option, "a string");
}

Result<std::vector<std::string>> Options::get_strings(std::string_view key) const {
  const Option* option = find(key);
  if (!option) return not_found("option '", key, "' is not set");
  if (const std::string* value = option->value.as_string()) return std::vector<std::string>{*value};
  const OptionValue::List* list = option->value.as_list();
  if (!list) return wrong_type(key, *option, "a list of strings");
  std::vector<std::string> strings;
  for (const OptionValue& item : *list) {
    const std::string* text = item.as_string();
    if (!text) return wrong_type(key, *option, "a list of strings");
    strings.push_back(*text);
  }
  return strings;
}

Result<bool> Options::get_bool(std::string_view key, bool otherwise) const {
  return has_value(key) ? get_bool(key) : Result<bool>(otherwise);
}
Result<std::int64_t> Options::get_int(std::string_view key, std::int64_t otherwise) const {
  return has_value(key) ? get_int(key) : Result<std::int64_t>(otherwise);
}
Result<double> Options::get_number(std::string_view key, double otherwise) const {
  return has_value(key) ? get_number(key) : Result<double>(otherwise);
}
Result<std::string> Options::get_string(std::string_view key, std::string otherwise) const {
  return has_value(key) ? get_string(key) : Result<std::string>(std::move(otherwise));
}

Status Options::check(std::string_view key, const Option& option) {
  if (value_fits(option)) return {};
  const double* number = option.value.as_double();
  return invalid_argument("'", key, "' must be ", describe_wanted(option), ", not ",
                          number ? concat(*number) : option.value.to_json());
}

Status Options::set_from_text(std::string_view key, std::string_view text) {
  const auto entry = map_.find(key);
  if (entry == map_.end()) {
    Status status = not_found("unknown option '", key, "'");
    if (const std::string near = nearest_key(key); !near.empty())
      return std::move(status).with_hint(concat("did you mean '", near, "'?"));
    return status;
  }
  if (entry->second.stage == OptionStage::kCompile)
    return invalid_argument("'", key, "' is compiled into the artifact and cannot be set when it runs");
  Option changed = entry->second;
  const std::vector<std::string>& choices = changed.limits.choices;
  const bool is_choice =
      std::find(choices.begin(), choices.end(), text) != choices.end(); // "none" may be one
  Result<OptionValue> value = is_choice && changed.type == OptionType::kString
                                  ? Result<OptionValue>(OptionValue(std::string(text)))
                                  : parse_option_text(changed.type, text);
  if (!value.ok())
    return invalid_argument("'", key, "' must be ", describe_wanted(changed), ", not '", text, "'");
  changed.value = *std::move(value);
  TAILOR_RETURN_IF_ERROR_AS_IS(check(key, changed));
  changed.origin = "command line";
  entry->second = std::move(changed);
  return {};
}

void Options::merge(const Options& overrides) {
  for (const auto& [key, option] : overrides)
    map_.insert_or_assign(key, option);
}

std::string Options::nearest_key(std::string_view key) const {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, key.size() / 3) + 1;
  for (const auto& [candidate, option] : map_) {
    std::size_t distance = edit_distance(key, candidate);
    // "rho" is near "method.sam.rho": the last part alone counts as one step away.
    const std::string_view last = std::string_view(candidate).substr(candidate.rfind('.') + 1);
    if (key.find('.') == std::string_view::npos) distance = std::min(distance, edit_distance(key, last) + 1);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string Options::to_json() const {
  Json json = Json::object();
  const Option plain;
  for (const auto& [key, option] : map_) {
    Json& entry = json[key];
    entry["value"] = json_of(option.value);
    if (option.type != plain.type) entry["type"] = to_string(option.type);
    if (option.stage != plain.stage) entry["stage"] = to_string(option.stage);
    if (option.nullable) entry["nullable"] = true;
    if (option.origin != plain.origin) entry["origin"] = option.origin;
    const OptionLimits& limits = option.limits;
    if (limits.min) entry[limits.min_exclusive ? "above" : "min"] = *limits.min;
    if (limits.max) entry[limits.max_exclusive ? "below" : "max"] = *limits.max;
    if (!limits.choices.empty()) entry["choices"] = limits.choices;
    if (!option.only_if.empty()) entry["only_if"] = option.only_if;
  }
  return dump(json);
}

Result<Options> Options::from_json(std::string_view text) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Json json, parse(text));
  if (!json.is_object()) return invalid_argument("options must be a JSON object");
  Options options;
  for (const auto& [key, item] : json.items()) {
    TAILOR_ASSIGN_OR_RETURN(Option option, option_of(item), concat("option '", key, "'"));
    options.set(key, std::move(option));
  }
  return options;
}

Result<OptionValue> parse_option_text(OptionType type, std::string_view text) {
  if (text == "none" || text == "null") return OptionValue();
  if (type == OptionType::kString) return OptionValue(std::string(text));
  if (type == OptionType::kNumber) { // takes "1e-3", ".5" and "-2" alike; JSON wants a leading digit
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
      return invalid_argument("'", text, "' is not a number");
    return OptionValue(number);
  }
  Result<OptionValue> value = OptionValue::from_json(text);
  if (type == OptionType::kAny)
    return value.ok() ? std::move(value) : Result<OptionValue>(OptionValue(std::string(text)));
  if (type == OptionType::kList && !value.ok()) { // --set eval.metrics=auc,f1 or [auc, f1]
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    OptionValue::List list;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t comma = std::min(text.find(',', begin), text.size());
      const std::string_view item = trimmed(text.substr(begin, comma - begin));
      Result<OptionValue> parsed = OptionValue::from_json(item);
      list.push_back(parsed.ok() ? *std::move(parsed) : OptionValue(std::string(item)));
      begin = comma + 1;
    }
    return OptionValue(std::move(list));
  }
  if (type == OptionType::kList && !value->as_list() && !value->as_table()) // a single one: a list of one
    return OptionValue(OptionValue::List{*std::move(value)});
  if (!value.ok() || !type_matches(type, *value))
    return invalid_argument("'", text, "' is not a ", to_string(type));
  return value;
}

} // namespace tailor::runtime
