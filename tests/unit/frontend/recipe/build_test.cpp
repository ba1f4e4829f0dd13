// Recipes become programs: which state, which controls, which line an op answers to.
#include "frontend/recipe/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/error.h"
#include "frontend/nn/linear.h"
#include "frontend/ops/elementwise.h"

namespace tailor::recipe {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

runtime::DataSchema table_schema(int classes) {
  runtime::DataSchema schema;
  for (int i = 0; i < 4; ++i) {
    runtime::Column column;
    column.name = "x" + std::to_string(i);
    column.position = i;
    schema.columns.push_back(column);
  }
  schema.num_classes = classes;
  for (int k = 0; k < classes; ++k)
    schema.class_names.push_back(std::to_string(k));
  return schema;
}

Recipe recipe_of(const std::string& text) {
  Recipe recipe = parse("r.toml", {}, [&](const std::string&) -> runtime::Result<std::string> {
    return "[data]\nformat = \"blobs\"\ndimensions = 4\n" + text;
  });
  EXPECT_TRUE(recipe.ok()) << recipe.messages();
  return recipe;
}

std::vector<std::string> control_names(const TracedProgram& program) {
  std::vector<std::string> names;
  for (const ControlField& field : program.controls)
    names.push_back(field.name);
  return names;
}

TEST(Build, EveryMethodTraces) {
  for (const char* use :
       {"[\"erm\"]", "[\"weighted\"]", "[\"logit-adjustment\"]", "[\"balanced-softmax\", \"smoothing\"]",
        "[\"sam\"]", "[\"sam\", \"weighted\"]", "[\"sam-a\", \"smoothing\", \"ema\"]",
        "[\"sam-a\", \"weighted\", \"logit-adjustment\", \"ema\"]"})
    for (const char* optimizer : {"sgd", "adamw"}) {
      Program program(
          recipe_of(std::string("[method]\nuse = ") + use + "\n[optimizer]\nname = \"" + optimizer + "\"\n"),
          table_schema(3));
      TracedProgram traced = program.training().trace();
      EXPECT_GE(traced.entries.size(), 2u) << use << " " << optimizer;
      EXPECT_THAT(control_names(traced), Contains("lr")) << use;
    }
}

TEST(Build, RunKeysBecomeControlFields) {
  Program program(recipe_of("[method]\nuse = [\"sam-a\", \"smoothing\"]\n"), table_schema(3));
  TracedProgram traced = program.training().trace();
  bool found = false;
  for (const ControlField& field : traced.controls)
    found |= field.name == "rho" && field.key == "method.sam-a.rho";
  EXPECT_TRUE(found);
  EXPECT_THAT(control_names(traced), Contains("smoothing"));
}

TEST(Build, OneVariantABatchSize) {
  Program program(recipe_of("[run]\nbatch = [8, 32]\neval_batch = 16\n"), table_schema(3));
  int steps = 0, evals = 0;
  for (const Entry& entry : program.training().trace().entries) {
    steps += entry.kind == Entry::Kind::step;
    evals += entry.kind == Entry::Kind::eval;
  }
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(evals, 1);
}

TEST(Build, ComplaintsAnswerToTheLine) {
  try {
    Program program(recipe_of("[model]\noutput = \"sigmoid\"\n"), table_schema(3));
    FAIL() << "one logit for three classes";
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("r.toml:5:1"));
    EXPECT_THAT(error.what(), HasSubstr("3"));
  }
}

struct TinyNet : nn::Module {
  explicit TinyNet(int64_t outputs) : head(4, outputs) { add("head", head); }
  Array operator()(const Batch& batch, const Context& context) { return head(batch.numeric, context); }
  nn::Linear head;
};

TEST(Registry, RecipesNameWhatAProgramRegistered) {
  register_model("tiny", [](const ModelRequest& request) {
    return as_network(std::make_unique<TinyNet>(request.outputs));
  });
  register_method("double-erm", [](const MethodRequest& request) {
    return value_and_grad([&] { return request.loss(Array()) * 2.0; }).gradients;
  });
  Program program(recipe_of("[model]\nname = \"tiny\"\n[method]\nuse = [\"double-erm\"]\n"), table_schema(3));
  TracedProgram traced = program.training().trace();
  size_t parameters = 0;
  for (const StateGroup& group : traced.groups)
    if (group.name == "net") parameters = group.states.size();
  EXPECT_EQ(parameters, 2u);
  EXPECT_THROW(register_model("mlp", nullptr), std::invalid_argument);
  EXPECT_THROW(register_model("tiny", [](const ModelRequest&) { return std::unique_ptr<Network>(); }),
               std::invalid_argument);
  EXPECT_THROW(register_loss("empty", nullptr), std::invalid_argument);
}

// What registered code throws is that code's, at the line of the recipe that names it.
TEST(Registry, WhatRegisteredCodeThrowsStandsAtTheRecipesLine) {
  register_loss("throws", [](const LossRequest&) -> Array { throw std::runtime_error("no table of costs"); });
  Program program(recipe_of("[method]\nloss = \"throws\"\n"), table_schema(3));
  try {
    program.training().trace();
    FAIL() << "the loss throws";
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("r.toml:"));
    EXPECT_THAT(error.what(), HasSubstr("error: loss 'throws': the program's code threw: no table of costs"));
  }
}

} // namespace
} // namespace tailor::recipe
