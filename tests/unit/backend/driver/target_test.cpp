#include "backend/driver/Targets.h"

#include <gtest/gtest.h>

namespace tailor::backend {
namespace {

TEST(ParseTarget, NamesTheProcessor) {
  auto target = parseTarget("cpu:x86-64-v3");
  ASSERT_TRUE(target.ok()) << target.status().message();
  EXPECT_EQ(target->backend->name(), "cpu");
  EXPECT_EQ(target->processor, "x86-64-v3");
  EXPECT_EQ(target->name(), "cpu:x86-64-v3");
}

TEST(ParseTarget, FeaturesAreWhatTheRuntimeMustFind) {
  auto target = parseTarget("cpu:x86-64-v3");
  ASSERT_TRUE(target.ok());
  std::vector<std::string> features = target->backend->features(target->processor);
  EXPECT_TRUE(std::is_sorted(features.begin(), features.end()));
  for (const char* needed : {"avx2", "fma", "bmi2"})
    EXPECT_NE(std::find(features.begin(), features.end(), needed), features.end()) << needed;
  EXPECT_EQ(std::find(features.begin(), features.end(), "avx512f"), features.end());
}

TEST(ParseTarget, NativeIsResolved) {
  auto target = parseTarget("cpu");
  ASSERT_TRUE(target.ok());
  EXPECT_NE(target->processor, "native");
  EXPECT_FALSE(target->processor.empty());
}

TEST(ParseTarget, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(parseTarget("gpu:9").status().message(), "unknown target 'gpu:9'");
  EXPECT_EQ(parseTarget("gpu:9").status().hint(),
            "targets are cpu:PROCESSOR (cpu:native, cpu:x86-64-v3, cpu:znver4), "
            "cuda:ARCHITECTURE (cuda:sm_80, cuda:sm_90, cuda:sm_100) and reference");
  EXPECT_FALSE(parseTarget("cpu:pdp-11").ok());
  EXPECT_EQ(parseTarget("reference:f32").status().message(),
            "target 'reference' has no processor, but 'f32' is given");
}

} // namespace
} // namespace tailor::backend
