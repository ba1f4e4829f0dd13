// Recipes become programs: which state, which controls, which line an op answers to.
#include "frontend/graph/error.h"
#include "frontend/nn/linear.h"
#include "frontend/ops/elementwise.h"
#include "frontend/traced_program.h"
#include "models/recipe/build.h"
#include "models/recipe/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

// How the statistics beside an average are made decides what state there is, and that is one for all stages.
TEST(Build, StagesThatShareAnAverageMakeItAlike) {
  const auto error_of = [](const std::string& first, const std::string& second) {
    try {
      Program program(recipe_of("[method]\nuse = [\"ema\"]\n[[stage]]\nname = \"one\"\n" + first +
                                "[[stage]]\nname = \"two\"\n" + second),
                      table_schema(3));
      (void)program.training().trace();
    } catch (const TraceError& error) {
      return to_string(error.location()) + ": " + error.message();
    }
    return std::string();
  };
  const std::string avg = "method.ema.bn = \"avg\"\n", copy = "method.ema.bn = \"copy\"\n";
  const std::string differs =
      "'method.ema.bn' is \"copy\" in one stage and \"avg\" in another, and 'ema' keeps one "
      "state for all stages";
  EXPECT_EQ(error_of(copy, avg), "r.toml:11:12: " + differs);
  EXPECT_EQ(error_of(copy, ""), "r.toml:8:12: " + differs);
  EXPECT_EQ(error_of(copy, copy), "");
  EXPECT_EQ(error_of(copy, "method.use = [\"erm\"]\n"), "") << "the only stage with one";
  EXPECT_EQ(error_of("method.ema.warmup = false\n", "method.ema.warmup = true\n"), "");
}

TEST(Build, EveryMethodTraces) {
  for (const char* use :
       {"[\"erm\"]", "[\"weighted\"]", "[\"logit-adjustment\"]", "[\"logit-adjustment\", \"smoothing\"]",
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

const Registered<ModelSpec> tiny{
    {.name = "tiny", .text = "one layer", .make = [](const ModelRequest& request) {
       return as_network(std::make_unique<TinyNet>(request.outputs));
     }}};

struct DoubleKeys {
  double factor = 2;
  static const runtime::KeySet<DoubleKeys>& keys() {
    static const runtime::KeySet<DoubleKeys> set{
        "method.double-erm.",
        {runtime::key("factor", &DoubleKeys::factor, {.min = 0, .max = 10, .text = "of the loss"})}};
    return set;
  }
};

struct DoubleErm : Method {
  explicit DoubleErm(DoubleKeys keys) : keys(keys) {}
  Gradients gradients(Step& step, const LossOfWeights& loss, const Array& class_weights) override {
    const Array factor = control(step, "factor", keys, &DoubleKeys::factor);
    return value_and_grad([&] { return loss(class_weights) * factor; }).gradients;
  }
  DoubleKeys keys;
};

const Registered<MethodSpec> double_erm{{.name = "double-erm",
                                         .text = "twice the gradient",
                                         .keys = DoubleKeys::keys().specs(),
                                         .part = Part::gradients,
                                         .make = [](const runtime::Options& options) {
                                           return std::make_unique<DoubleErm>(
                                               component_keys<DoubleKeys>(options));
                                         }}};

const Registered<LossSpec> throwing{
    {.name = "throws", .text = "nothing", .make = [](const LossRequest&) -> Array {
       throw std::runtime_error("no table of costs");
     }}};

TEST(Components, RecipesNameWhatAProgramRegistered) {
  Program program(recipe_of("[model]\nname = \"tiny\"\n[method]\nuse = [\"double-erm\"]\n"
                            "double-erm = { factor = 3 }\n"),
                  table_schema(3));
  TracedProgram traced = program.training().trace();
  size_t parameters = 0;
  for (const StateGroup& group : traced.groups)
    if (group.name == "net") parameters = group.states.size();
  EXPECT_EQ(parameters, 2u);
  EXPECT_THAT(control_names(traced), Contains("factor"));
  const runtime::Option* factor = traced.options.find("method.double-erm.factor");
  ASSERT_NE(factor, nullptr);
  EXPECT_EQ(factor->value.as_number(), 3.0);
  EXPECT_THAT(describe(),
              HasSubstr("\nmethod.double-erm.factor = 2.0\n    a number at least 0 and at most 10; run\n"));
  EXPECT_THAT(describe(), HasSubstr("\n    double-erm\n        twice the gradient (choice)\n"));
}

// What a component's code throws is that code's, at the line of the recipe that names it.
TEST(Components, WhatTheirCodeThrowsStandsAtTheRecipesLine) {
  Program program(recipe_of("[method]\nloss = \"throws\"\n"), table_schema(3));
  try {
    program.training().trace();
    FAIL() << "the loss throws";
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("r.toml:"));
    EXPECT_THAT(error.what(), HasSubstr("error: loss 'throws': the program's code threw: no table of costs"));
  }
}

TEST(Build, WhatIsWrongWithAParameterGroupStandsInTheList) {
  const auto text_of = [](const std::string&) -> runtime::Result<std::string> {
    return std::string(
        "[data]\nformat = \"blobs\"\n[optimizer]\ngroups = [{ keys = [\"head.*\"], lr = \"x\" }]\n");
  };
  EXPECT_THAT(
      parse("r.toml", {}, text_of).messages(),
      HasSubstr("r.toml:4:11: error: group 0 of optimizer.groups has lr = \"x\", which is no number"));
  try {
    Program program(recipe_of("[optimizer]\nlr = 0.1\ngroups = [{ keys = [\"haed.*\"], lr = 0.1 }]\n"),
                    table_schema(3));
    program.training().trace();
    FAIL() << "the pattern matches nothing";
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("r.toml:6:1: error: update: 'haed.*' of parameter group '0' matches no"));
  }
}

// A loss that does not look at label smoothing would train without it, and nobody would notice.
TEST(Components, ALossRefusesWhatItDoesNotTake) {
  const auto messages = [](const std::string& method) {
    return parse("r.toml", {},
                 [&](const std::string&) -> runtime::Result<std::string> {
                   return "[data]\nformat = \"blobs\"\n[method]\nloss = \"throws\"\nuse = [\"" + method +
                          "\"]\n";
                 })
        .messages();
  };
  EXPECT_THAT(
      messages("smoothing"),
      HasSubstr(
          "r.toml:5:8: error: 'smoothing' gives the label smoothing, which loss 'throws' does not take"));
  EXPECT_EQ(messages("weighted"), "");
}

const Registered<ModelSpec> pictures{{.name = "pictures",
                                      .text = "of images",
                                      .input = InputKind::image,
                                      .make = [](const ModelRequest& request) {
                                        return as_network(std::make_unique<TinyNet>(request.outputs));
                                      }}};

TEST(Components, AModelReadsItsKindOfData) {
  EXPECT_THAT(
      [&] {
        try {
          Program program(recipe_of("[model]\nname = \"pictures\"\n"), table_schema(3));
        } catch (const TraceError& error) {
          return std::string(error.what());
        }
        return std::string();
      }(),
      HasSubstr("r.toml:5:1: error: model: 'pictures' reads images, the data are rows of a table"));
}

TEST(Components, AResNextIsSpokenOfByItsName) {
  const Recipe recipe = parse("r.toml", {}, [&](const std::string&) -> runtime::Result<std::string> {
    return std::string(
        "[data]\nformat = \"cifar10\"\ncifar.folder = \"f\"\n[model]\nname = \"resnext\"\ndepth = 18\n");
  });
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  runtime::DataSchema schema;
  schema.image_height = schema.image_width = 32;
  schema.image_channels = 3;
  schema.num_classes = 10;
  try {
    const Program program(recipe, schema);
    FAIL();
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("resnext: a basic block has one group of 64, not 32 of 4"));
  }
}

} // namespace
} // namespace tailor::recipe
