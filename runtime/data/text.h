#pragma once
#include <span>
#include <string>
#include <string_view>

namespace tailor::runtime {

/// The name nearest to `text` (its first 64 bytes), the first on a tie; empty without names. For hints.
std::string nearest(std::string_view text, std::span<const std::string> names);

/// `text` without `suffix`, if it ends in it and is longer.
std::string_view strip_suffix(std::string_view text, std::string_view suffix);

/// Well-formed UTF-8 (RFC 3629): no overlong forms, surrogates or values above U+10FFFF. Names and categories
/// must be, because they are stored in JSON.
bool is_utf8(std::string_view text);

/// A cell as messages show it: in quotes, cut after 40 bytes.
std::string in_quotes(std::string_view text);

} // namespace tailor::runtime
