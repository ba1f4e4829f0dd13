#pragma once
#include "runtime/base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tailor::runtime {

/// What a recipe key, a C++ program or `--set` can say: a JSON value. Tables keep the order in which they
/// were written.
class OptionValue {
public:
  using List = std::vector<OptionValue>;
  using Table = std::vector<std::pair<std::string, OptionValue>>;

  OptionValue() = default; ///< null: the key exists but has no value (for example "no time column")
  OptionValue(bool value) : value_(value) {}
  OptionValue(int value) : value_(std::int64_t{value}) {}
  OptionValue(std::int64_t value) : value_(value) {}
  OptionValue(double value) : value_(value) {}
  OptionValue(const char* value) : value_(std::string(value)) {}
  OptionValue(std::string value) : value_(std::move(value)) {}
  OptionValue(List value) : value_(std::move(value)) {}
  OptionValue(Table value) : value_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const bool* as_bool() const { return std::get_if<bool>(&value_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&value_); }
  const double* as_double() const { return std::get_if<double>(&value_); }
  /// An int or a double as a double.
  std::optional<double> as_number() const;
  const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  const List* as_list() const { return std::get_if<List>(&value_); }
  const Table* as_table() const { return std::get_if<Table>(&value_); }
  /// Member of a table, or nullptr.
  const OptionValue* find(std::string_view key) const;

  /// "null", "bool", "int", "number", "string", "list", "table": words for messages.
  const char* kind_name() const;
  /// Compact JSON; a non-finite number is written as null.
  std::string to_json() const;
  static Result<OptionValue> from_json(std::string_view text);

  bool operator==(const OptionValue&) const = default;

private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Table> value_;
};

/// Who may change a key: compile keys are baked into the artifact, run keys are read when it runs.
enum class OptionStage { kCompile, kRun };

/// The type a key was declared with in the key table. kNumber takes ints too; kAny takes everything.
enum class OptionType { kAny, kBool, kInt, kNumber, kString, kList, kTable };

/// What a value may be, beyond its type. Bounds are inclusive unless marked.
struct OptionLimits {
  std::optional<double> min;
  std::optional<double> max;
  bool min_exclusive = false;
  bool max_exclusive = false;
  std::vector<std::string> choices; ///< allowed strings; empty = any

  bool operator==(const OptionLimits&) const = default;
};

struct Option {
  OptionValue value;
  OptionType type = OptionType::kAny;
  OptionStage stage = OptionStage::kRun;
  bool nullable = false;          ///< null ("none") is allowed
  std::string origin = "default"; ///< "recipe.toml:4:3", "command line", "main.cpp:31:5" or "default"
  OptionLimits limits;
  std::string only_if; ///< what another option must be for this one to have an effect (option_condition.h)

  bool operator==(const Option&) const = default;
};

/// Every choice that shaped a program: dotted key (`optimizer.lr`, `method.sam-a.rho`) -> Option, ordered by
/// key. Recipes, C++ programs and `--set` all end here; the artifact stores it; the runtime builds data plan,
/// schedules and loop from it.
///
/// Errors   typed getters: kNotFound "option 'optimizer.lr' is not set", kInvalidArgument naming key, value,
/// origin.
class Options {
public:
  void set(std::string key, Option option) { map_.insert_or_assign(std::move(key), std::move(option)); }
  /// Short form for programs and tests: untyped, run stage.
  void set(std::string key, OptionValue value);

  const Option* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Set and not null.
  bool has_value(std::string_view key) const;

  Result<bool> get_bool(std::string_view key) const;
  Result<std::int64_t> get_int(std::string_view key) const;
  Result<double> get_number(std::string_view key) const;
  Result<std::string> get_string(std::string_view key) const;
  /// A list of strings; a single string counts as a list of one.
  Result<std::vector<std::string>> get_strings(std::string_view key) const;

  /// The same with a value for "not set or null"; a value of the wrong type is still an error.
  Result<bool> get_bool(std::string_view key, bool otherwise) const;
  Result<std::int64_t> get_int(std::string_view key, std::int64_t otherwise) const;
  Result<double> get_number(std::string_view key, double otherwise) const;
  Result<std::string> get_string(std::string_view key, std::string otherwise) const;

  /// Checks type and limits: kInvalidArgument "'optimizer.lr' must be a number above 0, not -1".
  static Status check(std::string_view key, const Option& option);

  /// `--set key=text` on an artifact: the key must exist (else kNotFound with the nearest key as hint) and be
  /// a run key (else kInvalidArgument); text is read by the declared type, checked against the limits, origin
  /// becomes "command line".
  Status set_from_text(std::string_view key, std::string_view text);

  /// Puts every entry of `overrides` over this one (a stage over the whole).
  void merge(const Options& overrides);

  /// The known key with the smallest edit distance, or empty if none is near.
  std::string nearest_key(std::string_view key) const;

  auto begin() const { return map_.begin(); }
  auto end() const { return map_.end(); }
  std::size_t size() const { return map_.size(); }

  /// {"optimizer.lr": {"value": 0.1, "type": "number", "stage": "run", "origin": "...", "min": 0, ...}, ...}
  /// Members equal to their default are left out. from_json(to_json(x)) == x.
  std::string to_json() const;
  static Result<Options> from_json(std::string_view text);

  bool operator==(const Options&) const = default;

private:
  std::map<std::string, Option, std::less<>> map_;
};

/// Reads command-line text as a value of `type`: "0.1", "true", "none", "[1, 2]", "adamw". kAny guesses: JSON
/// if it parses, else a string.
Result<OptionValue> parse_option_text(OptionType type, std::string_view text);

const char* to_string(OptionType type);
const char* to_string(OptionStage stage);

} // namespace tailor::runtime
