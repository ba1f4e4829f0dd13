#include "runtime/train/finite_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

ArtifactSpec spec_of(GroupKind kind) {
  ArtifactSpec spec;
  spec.groups = {{"weights", kind, true}};
  State state;
  state.name = "fc0.weight";
  state.group = 0;
  state.shape = {3};
  state.bytes = 3 * sizeof(float);
  spec.states = {state};
  return spec;
}

Checkpoint checkpoint_of(const std::vector<float>& values) {
  Checkpoint checkpoint;
  checkpoint.states.resize(values.size() * sizeof(float));
  std::memcpy(checkpoint.states.data(), values.data(), checkpoint.states.size());
  return checkpoint;
}

TEST(FiniteCheck, NamesTheTensorThatDiverged) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const Status status = check_finite_states(spec_of(GroupKind::kNet), checkpoint_of({1, 2, bad}));
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_THAT(status.message(), HasSubstr("element 2 of tensor '"));
    EXPECT_THAT(status.message(), HasSubstr("fc0.weight' is not finite"));
    // Momentum takes no part in an evaluation.
    EXPECT_TRUE(check_finite_states(spec_of(GroupKind::kOptimizer), checkpoint_of({1, 2, bad})).ok());
  }
  EXPECT_TRUE(check_finite_states(spec_of(GroupKind::kNet), checkpoint_of({1, 2, 3.4e38f})).ok());
}

TEST(FiniteCheck, NamesTheRowAndItsLargestFeature) {
  DataSchema schema;
  schema.columns = {
      {"a", 0, ColumnRole::kNumeric}, {"y", 1, ColumnRole::kLabel}, {"b", 2, ColumnRole::kNumeric, 0, true}};
  Dataset data;
  data.path = "t.csv";
  data.num_rows = 2;
  data.columns = {DataColumn({"numeric", DType::kF32, {3}}, 2)};
  std::ranges::copy(std::vector<float>{1, 2, 0, 1, -9e37f, 1}, data.columns[0].values<float>().begin());
  data.source_row = {0, 1};
  data.lines.add(0, 2);
  data.lines.add(1, 5);
  const std::vector<float> logits = {0, 1, 2, std::nanf("")};
  const Status status = check_finite_logits(logits, 2, 0, data, schema);
  EXPECT_EQ(status.message(), "t.csv:5: the program's output for this row is nan, expected a finite number");
  EXPECT_THAT(status.hint(), HasSubstr("largest feature is column 'b': -8.99"));
  EXPECT_TRUE(check_finite_logits(std::span(logits).first(2), 2, 0, data, schema).ok());
}

} // namespace
} // namespace tailor::runtime
