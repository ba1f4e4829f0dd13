#include "passes/analysis/Intervals.h"

#include <gtest/gtest.h>

#include <random>

namespace tailor::passes {
namespace {

bool disjoint(const Interval& a, int64_t at, const Interval& b, int64_t bt) {
  bool apart_in_time = a.last < b.first || b.last < a.first;
  return apart_in_time || at + a.bytes <= bt || bt + b.bytes <= at;
}

TEST(PlaceIntervals, ValuesThatNeverMeetShareMemory) {
  Placement placement = placeIntervals({{0, 1, 256}, {2, 3, 256}, {4, 5, 100}});
  EXPECT_EQ(placement.offsets, (std::vector<int64_t>{0, 0, 0}));
  EXPECT_EQ(placement.bytes, 256);
}

TEST(PlaceIntervals, ACommandsResultDoesNotReplaceItsOperand) {
  // The first block is read by command 1, which writes the second.
  Placement placement = placeIntervals({{0, 1, 64}, {1, 2, 64}});
  EXPECT_NE(placement.offsets[0], placement.offsets[1]);
  EXPECT_EQ(placement.bytes, 128);
}

TEST(PlaceIntervals, TakesTheSmallestGapThatFits) {
  // Blocks that stay, with two that go between them: gaps of 256 and 192 bytes. The last block fits both.
  std::vector<Interval> blocks = {{0, 9, 512}, {0, 4, 256}, {0, 9, 192},
                                  {0, 4, 150}, {0, 9, 140}, {5, 9, 100}};
  Placement placement = placeIntervals(blocks);
  EXPECT_EQ(placement.offsets[5], placement.offsets[3]);
}

TEST(PlaceIntervals, EveryOffsetIsAligned) {
  Placement placement = placeIntervals({{0, 2, 4}, {0, 2, 68}, {1, 2, 1}});
  for (int64_t offset : placement.offsets)
    EXPECT_EQ(offset % 64, 0);
  EXPECT_EQ(placement.bytes % 64, 0);
}

TEST(PlaceIntervals, RandomBlocksNeverOverlapAndNeverNeedMoreThanApart) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Interval> blocks;
    for (int i = 0; i < 60; ++i) {
      int64_t first = random() % 100;
      blocks.push_back(
          {first, first + static_cast<int64_t>(random() % 20), 1 + static_cast<int64_t>(random() % 5000)});
    }
    Placement placement = placeIntervals(blocks);
    for (size_t i = 0; i < blocks.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        ASSERT_TRUE(disjoint(blocks[i], placement.offsets[i], blocks[j], placement.offsets[j]))
            << "round " << round << ", blocks " << j << " and " << i;
    EXPECT_LE(placement.bytes, placeApart(blocks).bytes);
  }
}

TEST(PlaceApart, NothingShares) {
  Placement placement = placeApart({{0, 1, 100}, {2, 3, 100}});
  EXPECT_EQ(placement.offsets, (std::vector<int64_t>{0, 128}));
  EXPECT_EQ(placement.bytes, 256);
}

} // namespace
} // namespace tailor::passes
