#include "runtime/base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace tailor::runtime {
namespace {

TEST(Glob, AStarStandsForAnyLettersAndAQuestionMarkForOne) {
  EXPECT_TRUE(matches_glob("head.*", "head.weight"));
  EXPECT_TRUE(matches_glob("*.bias", "layer1.0.bn1.bias"));
  EXPECT_TRUE(matches_glob("layer?.*.weight", "layer1.0.conv1.weight"));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("a*b*c", "aXbYbZc"));
  EXPECT_TRUE(matches_glob("fc", "fc"));
}

TEST(Glob, TheWholeNameIsMatched) {
  EXPECT_FALSE(matches_glob("head", "head.weight"));
  EXPECT_FALSE(matches_glob("head.*", "overhead.weight"));
  EXPECT_FALSE(matches_glob("*.bias", "bias"));
  EXPECT_FALSE(matches_glob("?", ""));
  EXPECT_FALSE(matches_glob("", "x"));
  EXPECT_FALSE(matches_glob("a*b*c", "aXbYbZ"));
}

TEST(Glob, ManyStarsTakeNoMoreThanTheProductOfTheLengths) {
  std::string pattern;
  for (int i = 0; i < 200; ++i)
    pattern += "*a";
  EXPECT_FALSE(matches_glob(pattern + "b", std::string(20000, 'a')));
}

} // namespace
} // namespace tailor::runtime
