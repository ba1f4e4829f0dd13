#include "backend/driver/Driver.h"
#include "runtime/artifact/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string entry(const std::string& symbol, const std::string& kind, const std::string& batch = "") {
  return "  tailor.entry @" + symbol + " kind(" + kind + ")" + (batch.empty() ? "" : " batch(4) " + batch) +
         " {\n    tailor.yield\n  }\n";
}

/// Two entries of every kind that stages name, so that a reference is told from a default.
std::shared_ptr<const runtime::Artifact> compiled(const std::string& stages) {
  CompileOptions options;
  options.target = "reference";
  const auto result = compileText(
      "tailor.program @p {\n"
      "  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<4xf32> init(zeros) }\n"
      "  tailor.state_group @head kind(net) trainable { tailor.state @v : tensor<4xf32> init(zeros) }\n"
      "  tailor.state_group @slots kind(optimizer) { tailor.state @w : tensor<4xf32> init(zeros) }\n" +
          entry("fit_a", "fit") + entry("fit_b", "fit") + entry("step_a", "step", "name(\"a\")") +
          entry("step_b", "step", "name(\"b\")") + entry("eval_a", "eval", "name(\"ea\")") +
          entry("eval_b", "eval", "name(\"eb\")") + "  tailor.stage_plan {\n" + stages + "  }\n}\n",
      "stages.mlir", options);
  EXPECT_TRUE(result.ok()) << result.status().message();
  if (!result.ok()) return nullptr;
  auto artifact = runtime::Artifact::from_bytes(result->artifact);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return artifact.ok() ? *artifact : nullptr;
}

std::string nameOf(const runtime::ArtifactSpec& spec, int32_t entry) {
  return entry < 0 ? "none" : spec.entries[static_cast<size_t>(entry)].name;
}

TEST(Stages, SayWhichEntriesTheyRunAndWhatTheyInitialise) {
  const auto artifact = compiled("    tailor.stage @first entry(@a)\n"
                                 "    tailor.stage @second entry(@step_b) fit(@fit_b) eval(@eb) continues"
                                 " copies([[@net, @slots]]) initialises([@head, @slots])\n");
  ASSERT_TRUE(artifact);
  const runtime::ArtifactSpec& spec = artifact->spec();
  ASSERT_EQ(spec.stages.size(), 2u);
  const runtime::Stage &first = spec.stages[0], &second = spec.stages[1];
  EXPECT_EQ(nameOf(spec, first.step_entry), "a");
  EXPECT_EQ(nameOf(spec, first.fit_entry), "fit_a");
  EXPECT_EQ(nameOf(spec, first.eval_entry), "ea");
  EXPECT_FALSE(first.continues);
  EXPECT_THAT(first.initialised_groups, ElementsAre(0, 1, 2));
  EXPECT_EQ(nameOf(spec, second.step_entry), "b");
  EXPECT_EQ(nameOf(spec, second.fit_entry), "fit_b");
  EXPECT_EQ(nameOf(spec, second.eval_entry), "eb");
  EXPECT_TRUE(second.continues);
  EXPECT_THAT(second.copies, ElementsAre(runtime::GroupCopy{0, 2}));
  EXPECT_THAT(second.initialised_groups, ElementsAre(1, 2));
}

TEST(Stages, LaterOnesInitialiseNothingUnlessTheySaySo) {
  const auto artifact = compiled("    tailor.stage @first entry(@a)\n"
                                 "    tailor.stage @second entry(@b)\n");
  ASSERT_TRUE(artifact);
  EXPECT_THAT(artifact->spec().stages[1].initialised_groups, IsEmpty());
}

} // namespace
} // namespace tailor::backend
