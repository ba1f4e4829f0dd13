#include "backend/cpu/CostModel.h"

#include <gtest/gtest.h>

namespace tailor::backend {
namespace {

TEST(ChunkCount, SmallWorkIsNotSplit) {
  EXPECT_EQ(chunkCount(/*flops=*/1'000'000, /*bytesMoved=*/100'000, /*numUnits=*/64), 1u);
}

TEST(ChunkCount, LargeWorkIsSplitByItsSizeAlone) {
  uint32_t chunks = chunkCount(10'000'000, 100'000, 1000);
  EXPECT_EQ(chunks, 8u); // 200 us in pieces of 25
  EXPECT_EQ(chunkCount(0, 4'000'000, 1000), 8u);
}

TEST(ChunkCount, NeverMoreThanUnitsOrTheLimit) {
  EXPECT_EQ(chunkCount(10'000'000, 0, 3), 3u);
  EXPECT_EQ(chunkCount(10'000'000, 0, 1), 1u);
  EXPECT_EQ(chunkCount(uint64_t{1} << 50, 0, 1 << 20), 64u);
}

} // namespace
} // namespace tailor::backend
