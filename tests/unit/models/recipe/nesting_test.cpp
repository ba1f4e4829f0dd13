// The depth of TOML text, told without a parser.
#include "models/recipe/nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace tailor::recipe {
namespace {

TEST(Nesting, QuotesAndCommentsHoldNoBrackets) {
  const std::string brackets(100, '['), three(3, '\'');
  for (const std::string& text : {"x = \"" + brackets + "\"", "x = '" + brackets + "'", "# " + brackets,
                                  "x = \"\\\"" + brackets + "\"", "x = \"\"\"\n\"" + brackets + "\"\"\"\"\"",
                                  "x = " + three + "\n" + brackets + three, "\"" + brackets + "\" = 1"})
    EXPECT_FALSE(nested_too_deep(text)) << text;
}

TEST(Nesting, LongIsNotDeep) {
  std::string list = "x = [", sections;
  for (int i = 0; i < 1000; ++i) {
    list += "1.5, [2, { a.b = 3 }],";
    sections += "[[a.b]]\nc.d = 1.5\n[e.f.g]\nh = 2024-01-01T00:00:00.5\n";
  }
  EXPECT_FALSE(nested_too_deep(list + "]"));
  EXPECT_FALSE(nested_too_deep(sections));
}

TEST(Nesting, SectionsKeysAndBracketsAddUp) {
  std::string section = "[s";
  for (int i = 1; i < 30; ++i)
    section += ".s";
  section += "]\n";
  EXPECT_FALSE(nested_too_deep(section + "k = [1]\n")); // 30 + 1 + 1
  const std::optional<TextPlace> deep = nested_too_deep(section + "k = [\n  [1]]\n");
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->line, 3u);
  EXPECT_EQ(deep->column, 3u);
  EXPECT_FALSE(nested_too_deep(section + "[t]\nk = [[1]]\n")) << "a section ends where the next begins";
}

} // namespace
} // namespace tailor::recipe
