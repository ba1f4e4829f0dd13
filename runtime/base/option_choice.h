#pragma once
#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <string_view>

namespace tailor::runtime {

/// Whether `text` is one of the words an option may be. A choice that ends in "(x)" stands for every number:
/// "recall_at_precision(x)" allows "recall_at_precision(0.9)".
inline bool is_choice(std::string_view text, std::span<const std::string> choices) {
  constexpr std::string_view kArgument = "(x)";
  return std::any_of(choices.begin(), choices.end(), [&](std::string_view choice) {
    if (!choice.ends_with(kArgument)) return text == choice;
    const std::size_t open = choice.size() - kArgument.size() + 1; // behind the parenthesis
    if (text.size() <= open + 1 || !text.starts_with(choice.substr(0, open)) || !text.ends_with(')'))
      return false;
    double number = 0;
    const char* const end = text.data() + text.size() - 1;
    const auto [stop, error] = std::from_chars(text.data() + open, end, number);
    return error == std::errc() && stop == end;
  });
}

} // namespace tailor::runtime
