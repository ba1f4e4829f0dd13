#include "runtime/base/utf8.h"

#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

TEST(Utf8, CharactersAsRfc3629HasThem) {
  for (const auto& [text, bytes] : {std::pair<std::string_view, std::size_t>("ab", 1),
                                    {"\xC3\xA9x", 2},
                                    {"\xE2\x82\xAC", 3},
                                    {"\xF0\x9F\x98\x80", 4},
                                    {"\x80", 0},
                                    {"\xC0\xAF", 0},         // overlong
                                    {"\xC3", 0},             // cut
                                    {"\xED\xA0\x80", 0},     // surrogate
                                    {"\xF4\x90\x80\x80", 0}, // above U+10FFFF
                                    {"\xE2\x82x", 0}})
    EXPECT_EQ(utf8_character_bytes(text), bytes) << text;
}

TEST(Utf8, APrefixEndsWithACharacter) {
  EXPECT_EQ(utf8_prefix("abc", 2), "ab");
  EXPECT_EQ(utf8_prefix("abc", 3), "abc");
  EXPECT_EQ(utf8_prefix("a\xC3\xA9", 2), "a");
  EXPECT_EQ(utf8_prefix("a\xC3\xA9", 3), "a\xC3\xA9");
  EXPECT_EQ(utf8_prefix("\xF0\x9F\x98\x80", 3), "");
}

} // namespace
} // namespace tailor::runtime
