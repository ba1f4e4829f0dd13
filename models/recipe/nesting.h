#pragma once
// How deep the text of a recipe nests, before a parser recurses into it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tailor::recipe {

/// Levels of tables and lists in TOML text: every part of a section's or key's dotted name and every bracket is
/// one. The deepest key of the grammar has three; the bound keeps hostile text from exhausting the stack, which
/// takes some thousands.
inline constexpr std::size_t kMaxNesting = 32;

struct TextPlace {
  std::uint32_t line = 1, column = 1;
};

/// The first place where `text` nests deeper than kMaxNesting. One pass, linear in the text; quotes and comments
/// are told apart as TOML does, and what follows the first mistake in the syntax does not matter, because no
/// parser comes that far.
std::optional<TextPlace> nested_too_deep(std::string_view text);

} // namespace tailor::recipe
