#include "runtime/exec/init.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

constexpr std::int64_t kElements = 20000;

ArtifactSpec spec_of(InitRule rule, const std::string& name = "fc0.weight") {
  ArtifactSpec spec;
  spec.groups = {{"net", GroupKind::kNet, true}};
  spec.states = {{name, 0, DType::kF32, {kElements}, 0, kElements * 4, rule, true}};
  return spec;
}

std::vector<float> initial(InitRule rule, std::uint64_t seed = 0, const std::string& name = "fc0.weight") {
  const ArtifactSpec spec = spec_of(rule, name);
  std::vector<float> values(kElements, -7.0f);
  write_initial_value(spec, spec.states[0], seed, std::as_writable_bytes(std::span(values)));
  return values;
}

struct Moments {
  double mean = 0, sd = 0, min = 0, max = 0;
};

Moments moments(const std::vector<float>& values) {
  Moments m{0, 0, values[0], values[0]};
  for (const float v : values) {
    m.mean += v / static_cast<double>(values.size());
    m.min = std::min<double>(m.min, v);
    m.max = std::max<double>(m.max, v);
  }
  for (const float v : values)
    m.sd += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.sd = std::sqrt(m.sd);
  return m;
}

TEST(InitialValue, Constants) {
  EXPECT_EQ(initial({InitKind::kZeros, 0, -1}), std::vector<float>(kElements, 0.0f));
  EXPECT_EQ(initial({InitKind::kOnes, 0, -1}), std::vector<float>(kElements, 1.0f));
  EXPECT_EQ(initial({InitKind::kConstant, 0.25, -1}), std::vector<float>(kElements, 0.25f));
}

// Tolerances: 4 standard errors of the estimate over 20000 draws.
TEST(InitialValue, UniformFillsItsInterval) {
  const Moments m = moments(initial({InitKind::kUniform, 0.5, -1}));
  EXPECT_GE(m.min, -0.5);
  EXPECT_LT(m.max, 0.5);
  EXPECT_LT(m.min, -0.499);
  EXPECT_GT(m.max, 0.499);
  EXPECT_NEAR(m.mean, 0, 4 * 0.2887 / std::sqrt(kElements));
  EXPECT_NEAR(m.sd, 0.5 / std::sqrt(3.0), 0.004);
}

TEST(InitialValue, NormalHasItsMoments) {
  const Moments m = moments(initial({InitKind::kNormal, 2.0, -1}));
  EXPECT_NEAR(m.mean, 0, 4 * 2.0 / std::sqrt(kElements));
  EXPECT_NEAR(m.sd, 2.0, 4 * 2.0 / std::sqrt(2.0 * kElements));
  EXPECT_GT(m.max, 6.0);
}

TEST(InitialValue, TruncatedNormalStaysWithinTwoDeviations) {
  const Moments m = moments(initial({InitKind::kTruncatedNormal, 0.02, -1}));
  EXPECT_GE(m.min, -0.04);
  EXPECT_LE(m.max, 0.04);
  EXPECT_NEAR(m.sd, 0.02 * 0.8796, 0.0004); // sd of a standard normal cut at 2 is 0.8796
}

TEST(InitialValue, DependsOnSeedAndNameOnly) {
  const InitRule rule{InitKind::kNormal, 1.0, -1};
  EXPECT_EQ(initial(rule, 7), initial(rule, 7));
  EXPECT_NE(initial(rule, 7), initial(rule, 8));
  EXPECT_NE(initial(rule, 7, "fc0.weight"), initial(rule, 7, "fc1.weight"));
}

TEST(InitialValue, IntegersAndDoubles) {
  ArtifactSpec spec = spec_of({InitKind::kConstant, 3, -1});
  State& state = spec.states[0];
  state.dtype = DType::kI64;
  std::vector<std::int64_t> integers(4);
  write_initial_value(spec, state, 0, std::as_writable_bytes(std::span(integers)));
  EXPECT_EQ(integers, std::vector<std::int64_t>(4, 3));
  state.dtype = DType::kF64;
  state.init = {InitKind::kUniform, 1.0, -1};
  std::vector<double> doubles(4);
  write_initial_value(spec, state, 0, std::as_writable_bytes(std::span(doubles)));
  const std::vector<float> singles = initial({InitKind::kUniform, 1.0, -1});
  for (std::size_t i = 0; i < doubles.size(); ++i)
    EXPECT_EQ(static_cast<float>(doubles[i]), singles[i]); // one stream, rounded once
}

} // namespace
} // namespace tailor::runtime
