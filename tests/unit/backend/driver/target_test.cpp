#include "backend/driver/EmitArtifact.h"
#include "backend/registry.h"

#include <gtest/gtest.h>

namespace tailor::backend {
namespace {

TEST(ParseTarget, NamesTheProcessorAndItsVectors) {
  auto target = parseTarget("cpu:x86-64-v3");
  ASSERT_TRUE(target.ok()) << target.status().message();
  EXPECT_EQ(target->backend->name(), "cpu");
  EXPECT_EQ(target->info.processor, "x86-64-v3");
  EXPECT_EQ(target->info.vectorBytes, 32);
  auto wide = parseTarget("cpu:x86-64-v4");
  ASSERT_TRUE(wide.ok());
  EXPECT_EQ(wide->info.vectorBytes, 64);
}

TEST(ParseTarget, FeaturesAreWhatTheRuntimeMustFind) {
  auto target = parseTarget("cpu:x86-64-v3");
  ASSERT_TRUE(target.ok());
  std::vector<std::string> features = target->backend->features(target->info);
  EXPECT_TRUE(std::is_sorted(features.begin(), features.end()));
  for (const char* needed : {"avx2", "fma", "bmi2"})
    EXPECT_NE(std::find(features.begin(), features.end(), needed), features.end()) << needed;
  EXPECT_EQ(std::find(features.begin(), features.end(), "avx512f"), features.end());
}

TEST(ParseTarget, NativeIsResolved) {
  auto target = parseTarget("cpu");
  ASSERT_TRUE(target.ok());
  EXPECT_NE(target->info.processor, "native");
  EXPECT_FALSE(target->info.processor.empty());
}

TEST(ParseTarget, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(parseTarget("gpu:9").status().message(), "unknown target 'gpu:9'");
  EXPECT_FALSE(parseTarget("gpu:9").status().hint().empty());
  EXPECT_FALSE(parseTarget("cpu:pdp-11").ok());
  EXPECT_EQ(parseTarget("reference:f32").status().message(),
            "target 'reference' has no processor, but 'f32' is given");
}

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
