#include "runtime/data/text.h"

#include "runtime/base/edit_distance.h"

#include <gtest/gtest.h>

#include <vector>

namespace tailor::runtime {
namespace {

TEST(Text, EditDistance) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("same", "same"), 0u);
  const std::vector<std::string> names = {"age", "wage", "page"};
  EXPECT_EQ(nearest("agee", names), "age");
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Text, QuotedCutsAndHidesControlCharacters) {
  EXPECT_EQ(in_quotes("a\nb"), "'a.b'");
  EXPECT_EQ(in_quotes(std::string(50, 'x')), "'" + std::string(40, 'x') + "...'");
}

TEST(Text, StripSuffix) {
  EXPECT_EQ(strip_suffix(">50K.", "."), ">50K");
  EXPECT_EQ(strip_suffix(">50K", "."), ">50K");
  EXPECT_EQ(strip_suffix(".", "."), ".");
}

TEST(Text, Utf8) {
  for (const char* good :
       {"", "abc", "M\xC3\xBCnchen", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"M\xFCnchen", "\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xC3"})
    EXPECT_FALSE(is_utf8(bad));
}

} // namespace
} // namespace tailor::runtime
