#include "runtime/base/options.h"

#include "runtime/base/edit_distance.h"
#include "runtime/base/option_choice.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tailor::runtime {
namespace {

using Json = nlohmann::ordered_json;

/// Deeper nesting than any recipe has; keeps hostile text from exhausting the stack.
constexpr std::size_t kMaxDepth = 64;

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

/// Takes the parser's events and makes values of them at once: no tree in between, whose objects would look for
/// every name among all others. Stops at kMaxDepth.
class ValueBuilder {
public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  bool null() { return add(OptionValue()); }
  bool boolean(bool value) { return add(OptionValue(value)); }
  bool number_integer(std::int64_t value) { return add(OptionValue(value)); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(INT64_MAX))
      return fail(invalid_argument("the number ", value, " does not fit in 64 signed bits"));
    return add(OptionValue(static_cast<std::int64_t>(value)));
  }
  bool number_float(double value, const std::string&) { return add(OptionValue(value)); }
  bool string(std::string& value) { return add(OptionValue(std::move(value))); }
  bool binary(binary_t&) { return fail(invalid_argument("not JSON")); }
  bool key(std::string& name) {
    open_.back().name = std::move(name);
    return true;
  }
  bool start_array(std::size_t) { return start(false); }
  bool start_object(std::size_t) { return start(true); }
  bool end_array() {
    OptionValue::List list = std::move(open_.back().list);
    open_.pop_back();
    return add(OptionValue(std::move(list)));
  }
  bool end_object() {
    OptionValue::Table table = std::move(open_.back().table);
    open_.pop_back();
    std::vector<std::string_view> names;
    names.reserve(table.size());
    for (const auto& [name, value] : table)
      names.push_back(name);
    std::sort(names.begin(), names.end());
    if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
      return fail(invalid_argument("JSON with two members '", *twice, "' in one table"));
    return add(OptionValue(std::move(table)));
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) {
    return fail(invalid_argument("not valid JSON"));
  }

  Result<OptionValue> take() && {
    if (!status_.ok()) return std::move(status_);
    return std::move(root_);
  }

private:
  struct Open {
    bool is_table = false;
    std::string name; ///< of the member that comes next
    OptionValue::List list;
    OptionValue::Table table;
  };

  bool fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
    return false;
  }
  bool start(bool is_table) {
    if (open_.size() >= kMaxDepth)
      return fail(invalid_argument("JSON is nested deeper than ", kMaxDepth, " levels"));
    open_.emplace_back();
    open_.back().is_table = is_table;
    return true;
  }
  bool add(OptionValue value) {
    if (open_.empty())
      root_ = std::move(value);
    else if (Open& parent = open_.back(); parent.is_table)
      parent.table.emplace_back(std::move(parent.name), std::move(value));
    else
      parent.list.push_back(std::move(value));
    return true;
  }

  OptionValue root_;
  std::vector<Open> open_;
  Status status_;
};

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
    return is_choice(*text, limits.choices);
  return !limits.min && !limits.max; // a bound is for numbers
}

bool value_fits(const Option& option) {
  const OptionValue& value = option.value;
  if (value.is_null()) return option.nullable || option.type == OptionType::kAny;
  if (!type_matches(option.type, value)) return false;
  if (const OptionValue::Table* table = value.as_table(); table && option.type == OptionType::kAny)
    return std::all_of(table->begin(), table->end(),
                       [&](const auto& member) { return element_fits(option.limits, member.second); });
  const OptionValue::List* list = value.as_list();
  if (!list) return element_fits(option.limits, value);
  return std::all_of(list->begin(), list->end(),
                     [&](const OptionValue& item) { return element_fits(option.limits, item); });
}

Result<Option> option_of(const OptionValue& json) {
  const OptionValue::Table* members = json.as_table();
  if (!members || !json.find("value")) return invalid_argument("an option needs a value");
  Option option;
  for (const auto& [key, item] : *members) {
    const std::string* text = item.as_string();
    if (key == "value") {
      option.value = item;
    } else if (key == "type" && text) {
      const auto found = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                      [&](const auto& entry) { return *text == entry.second; });
      if (found == std::end(kTypeNames)) return invalid_argument("unknown option type ", item.to_json());
      option.type = found->first;
    } else if (key == "stage" && text && (*text == "compile" || *text == "run")) {
      option.stage = *text == "compile" ? OptionStage::kCompile : OptionStage::kRun;
    } else if (key == "origin" && text) {
      option.origin = *text;
    } else if (key == "only_if" && text) {
      option.only_if = *text;
    } else if (key == "nullable" && item.as_bool()) {
      option.nullable = *item.as_bool();
    } else if ((key == "min" || key == "above") && item.as_number()) {
      option.limits.min = item.as_number();
      option.limits.min_exclusive = key == "above";
    } else if ((key == "max" || key == "below") && item.as_number()) {
      option.limits.max = item.as_number();
      option.limits.max_exclusive = key == "below";
    } else if (key == "choices" && item.as_list()) {
      for (const OptionValue& choice : *item.as_list()) {
        if (!choice.as_string()) return invalid_argument("choices must be strings");
        option.limits.choices.push_back(*choice.as_string());
      }
    } else {
      return invalid_argument("unexpected member '", key, "' with value ", item.to_json());
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
  // The parser takes a zero byte for the end of the text and would let anything follow it.
  if (text.find('\0') != std::string_view::npos) return invalid_argument("JSON with a zero byte");
  ValueBuilder builder;
  (void)Json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder).take();
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
  OptionValue::Table table;
  const Option plain;
  for (const auto& [key, option] : map_) {
    OptionValue::Table entry = {{"value", option.value}};
    if (option.type != plain.type) entry.emplace_back("type", to_string(option.type));
    if (option.stage != plain.stage) entry.emplace_back("stage", to_string(option.stage));
    if (option.nullable) entry.emplace_back("nullable", true);
    if (option.origin != plain.origin) entry.emplace_back("origin", option.origin);
    const OptionLimits& limits = option.limits;
    if (limits.min) entry.emplace_back(limits.min_exclusive ? "above" : "min", *limits.min);
    if (limits.max) entry.emplace_back(limits.max_exclusive ? "below" : "max", *limits.max);
    if (!limits.choices.empty())
      entry.emplace_back("choices", OptionValue::List(limits.choices.begin(), limits.choices.end()));
    if (!option.only_if.empty()) entry.emplace_back("only_if", option.only_if);
    table.emplace_back(key, std::move(entry));
  }
  return OptionValue(std::move(table)).to_json();
}

Result<Options> Options::from_json(std::string_view text) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const OptionValue json, OptionValue::from_json(text));
  if (!json.as_table()) return invalid_argument("options must be a JSON object");
  Options options;
  for (const auto& [key, item] : *json.as_table()) {
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
