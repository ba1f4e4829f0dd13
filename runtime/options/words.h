#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// The words of an enumeration as users write them, in the order in which they are listed. Specialised beside the
/// enumeration, which makes it a type that keys can have:
///
///   enum class SplitBy { kStratified, kGroup };
///   template <> struct Words<SplitBy> {
///     static constexpr std::pair<SplitBy, const char*> kAll[] = {{SplitBy::kStratified, "stratified"}, ...};
///   };
template <class Enum> struct Words;

template <class Enum>
concept HasWords = requires {
  Words<Enum>::kAll;
};

template <HasWords Enum> const char* word_of(Enum value) {
  for (const auto& [known, word] : Words<Enum>::kAll)
    if (known == value) return word;
  return "unknown";
}

template <HasWords Enum> std::optional<Enum> from_word(std::string_view text) {
  for (const auto& [value, word] : Words<Enum>::kAll)
    if (text == word) return value;
  return std::nullopt;
}

template <HasWords Enum> std::vector<std::string> words_of() {
  std::vector<std::string> words;
  for (const auto& [value, word] : Words<Enum>::kAll)
    words.emplace_back(word);
  return words;
}

} // namespace tailor::runtime
