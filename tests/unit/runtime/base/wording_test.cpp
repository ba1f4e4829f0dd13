#include "runtime/base/wording.h"

#include <gtest/gtest.h>

#include <vector>

namespace tailor::runtime {
namespace {

using Words = std::vector<std::string>;

TEST(Wording, NearestKnowsWhenNothingIsNear) {
  EXPECT_EQ(nearest_word("optimiser", Words{"optimizer", "model"}), "optimizer");
  EXPECT_EQ(nearest_word("zzz", Words{"optimizer", "model"}), "");
  EXPECT_EQ(nearest_word(std::string(100000, 'x'), Words{"optimizer"}), "");
  EXPECT_EQ(nearest_word("stage", Words{"stage"}), "") << "the word itself is no advice";
  EXPECT_EQ(nearest_word("sam", Words{"lws", "sma"}), "sma") << "two letters swapped are one slip";
}

TEST(Wording, AsksOnlyAboutWhatIsNear) {
  EXPECT_EQ(did_you_mean("optimiser", Words{"optimizer"}), "did you mean 'optimizer'?");
  EXPECT_EQ(did_you_mean("zzz", Words{"optimizer"}), "");
}

TEST(Wording, Lists) {
  EXPECT_EQ(listed(Words{}), "");
  EXPECT_EQ(listed(Words{"a"}), "a");
  EXPECT_EQ(listed(Words{"a", "", "b"}), "a, , b");
  EXPECT_EQ(listed(Words{"a", "b"}, " or "), "a or b");
}

} // namespace
} // namespace tailor::runtime
