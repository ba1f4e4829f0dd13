#pragma once
#include <cstddef>
#include <string_view>

namespace tailor::runtime {

/// Bytes of the UTF-8 character that `text`, which is not empty, starts with (RFC 3629: no overlong forms,
/// surrogates or values above U+10FFFF); 0 if it starts with none.
std::size_t utf8_character_bytes(std::string_view text);

/// At most the first `max_bytes` of `text`, cut at the end of a character.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes);

} // namespace tailor::runtime
