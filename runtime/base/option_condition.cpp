#include "runtime/base/option_condition.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

std::vector<std::string> split_at_bars(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = text.find('|');
    words.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return words;
}

bool holds(const Option& option, const std::vector<std::string>& values) {
  const std::string* text = option.value.as_string();
  const auto among = [&](const std::string& word) {
    return std::find(values.begin(), values.end(), word) != values.end();
  };
  if (option.value.is_null() || (text && text->empty())) return among("none");
  if (values.empty()) return true;
  if (const auto* list = option.value.as_list())
    return std::any_of(list->begin(), list->end(),
                       [&](const OptionValue& item) { return item.as_string() && among(*item.as_string()); });
  return among(text ? *text : option.value.to_json());
}

/// An artifact's options may name each other in a circle.
constexpr int kDeepest = 8;

std::optional<OptionCondition> unmet(const Options& options, std::string_view key, int depth) {
  const Option* option = options.find(key);
  if (!option || depth == kDeepest) return std::nullopt;
  OptionCondition condition = OptionCondition::parse(option->only_if);
  bool known = false;
  for (const std::string& other : condition.keys) {
    const Option* found = options.find(other);
    if (!found) continue;
    known = true;
    if (holds(*found, condition.values)) return unmet(options, other, depth + 1);
  }
  if (!known) return std::nullopt;
  return condition;
}

} // namespace

OptionCondition OptionCondition::parse(std::string_view text) {
  constexpr std::string_view kEquals = " = ";
  const std::size_t equals = text.find(kEquals);
  if (equals == std::string_view::npos) return {split_at_bars(text), {}};
  return {split_at_bars(text.substr(0, equals)), split_at_bars(text.substr(equals + kEquals.size()))};
}

std::optional<OptionCondition> unmet_condition(const Options& options, std::string_view key) {
  return unmet(options, key, 0);
}

} // namespace tailor::runtime
