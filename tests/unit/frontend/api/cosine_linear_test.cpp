#include "frontend/traced_program.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tailor {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(CosineLinear, HasOneWeightOfMeanLengthOne) {
  nn::CosineLinear head(12, 5);
  const auto tensors = head.tensors();
  ASSERT_EQ(tensors.size(), 1u) << "no bias";
  const State& weight = *tensors[0].second->state();
  EXPECT_EQ(tensors[0].first, "weight");
  EXPECT_EQ(weight.type.shape, (Shape{5, 12}));
  EXPECT_EQ(weight.init.kind, InitRule::Kind::uniform);
  EXPECT_DOUBLE_EQ(weight.init.value * weight.init.value / 3 * 12, 1.0)
      << "mean square of an element, 12 of them";
}

TEST(CosineLinear, RefusesWrongSizes) {
  EXPECT_THAT([] { nn::CosineLinear(0, 5); },
              ThrowsMessage<TraceError>(HasSubstr("at least one feature to come in, not 0")));
  EXPECT_THAT([] { nn::CosineLinear(5, 0); },
              ThrowsMessage<TraceError>(HasSubstr("at least one class, not 0")));
}

/// The line of the call, both sizes.
TEST(CosineLinear, RefusesRowsOfAnotherWidth) {
  TrainingProgram program("wrong");
  data::Plan plan = data::blobs({.classes = 3, .dimensions = 4});
  nn::CosineLinear head(5, 3);
  optim::Sgd sgd;
  program.data(plan, {.batch = 8});
  program.state("net", head), program.state("sgd", sgd);
  program.train_step(
      [&](Step& step) { step.report("loss", max(head(step.batch().numeric, step.context()))); });
  program.eval_step([&](Eval& eval) { eval.logits(head(eval.batch().numeric, eval.context())); });
  EXPECT_THAT([&] { program.trace(); },
              ThrowsMessage<TraceError>(
                  AllOf(HasSubstr("cosine_linear"), HasSubstr("expects rows of 5 features, not f32[8, 4]"))));
}

} // namespace
} // namespace tailor
