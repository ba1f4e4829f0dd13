#pragma once
#include "runtime/base/result.h"
#include "runtime/options/key.h"
#include "runtime/options/words.h"

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tailor::runtime {

namespace detail {

template <class T> struct IsOptional : std::false_type {};
template <class T> struct IsOptional<std::optional<T>> : std::true_type {};
template <class T> struct IsList : std::false_type {};
template <class T> struct IsList<std::vector<T>> : std::true_type {};

/// The type of key that a member of type T is, unless its declaration says another.
template <class T> constexpr KeyType key_type() {
  if constexpr (IsOptional<T>::value) {
    return key_type<typename T::value_type>();
  } else if constexpr (std::same_as<T, bool>) {
    return KeyType::kBool;
  } else if constexpr (std::integral<T>) {
    return KeyType::kInt;
  } else if constexpr (std::floating_point<T>) {
    return KeyType::kNumber;
  } else if constexpr (HasWords<T>) {
    return KeyType::kWord;
  } else if constexpr (std::same_as<T, std::vector<std::string>>) {
    return KeyType::kWords;
  } else if constexpr (IsList<T>::value) {
    if constexpr (HasWords<typename T::value_type>) return KeyType::kWords;
    return key_type<typename T::value_type>() == KeyType::kInt ? KeyType::kInts : KeyType::kNumbers;
  } else {
    return KeyType::kText;
  }
}

template <class T> OptionValue to_value(const T& member) {
  if constexpr (std::same_as<T, OptionValue>) {
    return member;
  } else if constexpr (IsOptional<T>::value) {
    return member ? to_value(*member) : OptionValue();
  } else if constexpr (std::same_as<T, bool> || std::same_as<T, std::string>) {
    return OptionValue(member);
  } else if constexpr (std::integral<T>) {
    return OptionValue(static_cast<std::int64_t>(member));
  } else if constexpr (std::floating_point<T>) {
    return OptionValue(static_cast<double>(member));
  } else if constexpr (HasWords<T>) {
    return OptionValue(word_of(member));
  } else {
    OptionValue::List list;
    for (const auto& item : member)
      list.push_back(to_value(item));
    return OptionValue(std::move(list));
  }
}

/// False: `value` is not of that type.
template <class T> bool from_value(const OptionValue& value, T& member) {
  if constexpr (std::same_as<T, OptionValue>) {
    member = value;
    return true;
  } else if constexpr (IsOptional<T>::value) {
    return from_value(value, member.emplace());
  } else if constexpr (std::same_as<T, bool>) {
    if (!value.as_bool()) return false;
    member = *value.as_bool();
    return true;
  } else if constexpr (std::integral<T>) {
    if (!value.as_int() || !std::in_range<T>(*value.as_int())) return false;
    member = static_cast<T>(*value.as_int());
    return true;
  } else if constexpr (std::floating_point<T>) {
    const std::optional<double> number = value.as_number();
    if (number) member = static_cast<T>(*number);
    return number.has_value();
  } else if constexpr (std::same_as<T, std::string>) {
    if (!value.as_string()) return false;
    member = *value.as_string();
    return true;
  } else if constexpr (HasWords<T>) {
    if (!value.as_string()) return false;
    const std::optional<T> word = from_word<T>(*value.as_string());
    if (word) member = *word;
    return word.has_value();
  } else {
    member.clear();
    const OptionValue::List* list = value.as_list();
    if (!list) return from_value(value, member.emplace_back()); // one value is a list of one
    for (const OptionValue& item : *list)
      if (!from_value(item, member.emplace_back())) return false;
    return true;
  }
}

} // namespace detail

/// What the declaration of a key says beside its name and member.
struct About {
  OptionStage stage = OptionStage::kRun;
  double min = -kNoLimit, max = kNoLimit;
  bool above_min = false;
  std::string text;
  std::string source = "choice";
  std::string only_if = "";
  std::string read_by = "";
  std::string_view choices_of = "";
  std::vector<std::string> choices = {};
  std::optional<KeyType> type = std::nullopt; ///< where the member's type leaves it open: a path, a column
  bool unset = false;                         ///< the key has no default; its member's value stands for that
};

inline constexpr OptionStage kCompiled = OptionStage::kCompile, kRunning = OptionStage::kRun;

/// One key of a KeySet: made by `key(...)`.
template <class S> struct KeyField {
  KeySpec spec;
  std::size_t offset = 0; ///< of the member, which tells keys apart
  std::function<bool(const OptionValue&, S&)> assign;
};

namespace detail {
template <class S, class T> std::size_t offset_of(T S::*member) {
  static const S sample{};
  return static_cast<std::size_t>(reinterpret_cast<const char*>(&(sample.*member)) -
                                  reinterpret_cast<const char*>(&sample));
}
} // namespace detail

/// Declares that `member` of a struct of options is the key `name`, relative to the set's prefix. Type, default and
/// words follow from the member.
template <class S, class T>
KeyField<S> key(std::string name, T S::*member, About about,
                const std::source_location& where = std::source_location::current()) {
  KeyField<S> field;
  KeySpec& spec = field.spec;
  spec.key = std::move(name);
  spec.type = about.type.value_or(detail::key_type<T>());
  spec.stage = about.stage;
  static const S defaults{};
  if (!about.unset) spec.fallback = detail::to_value(defaults.*member);
  if constexpr (HasWords<T>) spec.choices = words_of<T>();
  if constexpr (detail::IsOptional<T>::value)
    if constexpr (HasWords<typename T::value_type>) spec.choices = words_of<typename T::value_type>();
  if constexpr (detail::IsList<T>::value)
    if constexpr (HasWords<typename T::value_type>) spec.choices = words_of<typename T::value_type>();
  if (!about.choices.empty()) spec.choices = std::move(about.choices);
  spec.choices_of = about.choices_of;
  if (spec.type == KeyType::kText && (!spec.choices.empty() || !spec.choices_of.empty()))
    spec.type = KeyType::kWord;
  spec.min = about.min;
  spec.max = about.max;
  spec.above_min = about.above_min;
  spec.text = std::move(about.text);
  spec.source = std::move(about.source);
  spec.only_if = std::move(about.only_if);
  spec.read_by = std::move(about.read_by);
  spec.declared = where;
  field.offset = detail::offset_of(member);
  field.assign = [member](const OptionValue& value, S& into) {
    return detail::from_value(value, into.*member);
  };
  return field;
}

/// The keys of a struct of options, which gives them their types and defaults: both stand nowhere else. The struct
/// has `static const KeySet<S>& keys()`, and then
///
///   read_keys<RunKeys>(options)       all of them, checked; a key that is not set keeps its default
///   key_name(&RunKeys::epochs)        "run.epochs", for whoever speaks of it
template <class S> class KeySet {
public:
  /// `prefix` stands before every name: "run.", "method.sam-a.".
  KeySet(std::string prefix, std::vector<KeyField<S>> fields)
      : prefix_(std::move(prefix)), fields_(std::move(fields)) {
    for (KeyField<S>& field : fields_)
      field.spec.key = prefix_ + field.spec.key;
  }

  /// Errors   kInvalidArgument about the key: a value of another type, or outside its limits and words.
  Result<S> read(const Options& options) const { return read(options, prefix_); }

  /// The same of keys that stand below another prefix: "control.weight.schedule." instead of "schedule.".
  Result<S> read(const Options& options, std::string_view prefix) const {
    S values{};
    for (const KeyField<S>& field : fields_) {
      const std::string key = std::string(prefix) + field.spec.key.substr(prefix_.size());
      const Option* option = options.find(key);
      if (!option || option->value.is_null()) continue;
      // The artifact's own limits are input too: those of the declaration count.
      Option checked = make_option(field.spec, option->value, option->origin);
      // A single one is a list of one.
      if (checked.type == OptionType::kList && !checked.value.as_list())
        checked.value = OptionValue::List{option->value};
      if (Status status = Options::check(key, checked); !status.ok()) return std::move(status).about(key);
      if (!field.assign(checked.value, values))
        return invalid_argument("'", key, "' must be ", name(field.spec.type), ", not ",
                                option->value.to_json())
            .about(key);
    }
    return values;
  }

  template <class T> const KeySpec& spec(T S::*member) const {
    const std::size_t offset = detail::offset_of(member);
    for (const KeyField<S>& field : fields_)
      if (field.offset == offset) return field.spec;
    std::abort(); // a member that was not declared: every use of it fails in its first test
  }

  std::vector<KeySpec> specs() const {
    std::vector<KeySpec> all;
    for (const KeyField<S>& field : fields_)
      all.push_back(field.spec);
    return all;
  }

private:
  std::string prefix_;
  std::vector<KeyField<S>> fields_;
};

template <class S> Result<S> read_keys(const Options& options) {
  return S::keys().read(options);
}

template <class S> Result<S> read_keys(const Options& options, std::string_view prefix) {
  return S::keys().read(options, prefix);
}

template <class S, class T> const KeySpec& key_spec(T S::*member) {
  return S::keys().spec(member);
}

template <class S, class T> const std::string& key_name(T S::*member) {
  return key_spec(member).key;
}

} // namespace tailor::runtime
