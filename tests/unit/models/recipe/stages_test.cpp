// Recipes of several stages: what each has, and what none of them can say.
#include "models/recipe/describe.h"
#include "models/recipe/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::recipe {
namespace {

using ::testing::HasSubstr;

const std::string kMoons = "[data]\nformat = \"two_moons\"\n";

Recipe parse_text(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse("r.toml", overrides, [&](const std::string&) -> runtime::Result<std::string> { return text; });
}

TEST(RecipeStages, OneStageIsMergedSeveralKeepTheirOwn) {
  Recipe one = parse_text(kMoons + "[[stage]]\nname = \"main\"\nepochs = 7\nmethod = { use = [\"sam\"] }\n");
  ASSERT_TRUE(one.ok()) << one.messages();
  EXPECT_TRUE(one.stages.empty());
  EXPECT_EQ(*one.options.get_int("run.epochs"), 7);
  EXPECT_EQ(one.options.get_strings("method.use")->front(), "sam");
  const std::string two = kMoons + "[optimizer]\nlr = 0.5\n[[stage]]\nname = \"a\"\nepochs = 3\n"
                                   "method = { use = [\"ema\"] }\n[[stage]]\nname = \"b\"\ncontinues = true\n"
                                   "optimizer = { lr = 0.1 }\n";
  Recipe several = parse_text(two, {"stage.b.run.epochs=9", "schedule.name=constant"});
  ASSERT_TRUE(several.ok()) << several.messages();
  ASSERT_EQ(several.stages.size(), 2u);
  EXPECT_FALSE(several.stages[0].continues);
  EXPECT_TRUE(several.stages[1].continues);
  const Recipe a = several.of_stage(0), b = several.of_stage(1);
  EXPECT_EQ(*a.options.get_int("run.epochs"), 3);
  EXPECT_EQ(*b.options.get_int("run.epochs"), 9);
  EXPECT_EQ(*a.options.get_number("optimizer.lr"), 0.5);
  EXPECT_EQ(*b.options.get_number("optimizer.lr"), 0.1);
  EXPECT_EQ(*a.options.get_string("eval.weights"), "ema");
  EXPECT_EQ(*b.options.get_string("eval.weights"), "raw");
  EXPECT_EQ(*b.options.get_string("schedule.name"), "constant");
}

TEST(RecipeStages, WhatStagesCannotSayIsRefusedAtItsLine) {
  const auto messages = [](const std::string& first, const std::string& second,
                           const std::vector<std::string>& overrides = {}) {
    return parse_text(kMoons + "[[stage]]\n" + first + "[[stage]]\n" + second, overrides).messages();
  };
  EXPECT_THAT(messages("name = \"a\"\n", ""),
              HasSubstr("r.toml:5:1: error: a stage of several needs a name"));
  EXPECT_THAT(messages("name = \"a\"\n", "name = \"a\"\n"),
              HasSubstr("r.toml:6:8: error: two stages are called 'a'"));
  EXPECT_THAT(messages("name = \"a\"\ncontinues = true\n", "name = \"b\"\n"),
              HasSubstr("r.toml:5:13: error: the first stage has none before it"));
  EXPECT_THAT(messages("name = \"a\"\n", "name = \"b\"\nmodel = { layers = [8] }\n"),
              HasSubstr("r.toml:7:11: error: 'model.layers' is the same in all stages, 'b' cannot set it"));
  EXPECT_THAT(messages("name = \"a\"\n", "name = \"b\"\nmethod = { use = [\"sam\", \"sam-a\"] }\n"),
              HasSubstr("r.toml:7:26: error: 'sam' and 'sam-a' contradict each other"));
  EXPECT_THAT(messages("name = \"a\"\n", "name = \"b\"\nrun.seed = 3\n"),
              HasSubstr("r.toml:7:5: error: 'run.seed' is the same in all stages, 'b' cannot set it"));
  // What one stage reads is no key without effect; what none reads is.
  const std::string sections = "[method]\nsam-a = { rho = 0.1 }\n";
  EXPECT_EQ(parse_text(kMoons + sections +
                       "[[stage]]\nname = \"a\"\n[[stage]]\nname = \"b\"\nmethod.use = \"sam-a\"\n")
                .messages(),
            "");
  EXPECT_THAT(parse_text(kMoons + sections + "[[stage]]\nname = \"a\"\n[[stage]]\nname = \"b\"\n").messages(),
              HasSubstr("'method.sam-a.rho' is set, but method 'sam-a' is not used"));
  EXPECT_THAT(messages("name = \"a\"\n", "name = \"b\"\nmethod = { use = \"erm\", focal = { gamma = 2 } }\n"),
              HasSubstr("'method.focal.gamma' is set, but method 'focal' is not used"));
  EXPECT_EQ(messages("name = \"a\"\nschedule = { warmup_epochs = 2 }\n",
                     "name = \"b\"\nschedule.name = \"cosine\"\n"),
            "");
  EXPECT_THAT(messages("name = \"a\"\nepochs = 3\n", "name = \"b\"\nepochs = 4\n", {"run.epochs=1"}),
              HasSubstr("'run.epochs' has no effect: every stage has one of its own\n"
                        "hint: stage.a.run.epochs or stage.b.run.epochs"));
  EXPECT_THAT(messages("name = \"a\"\n", "name = \"b\"\n", {"stage.c.run.epochs=1"}),
              HasSubstr("'stage.c.run.epochs=1' names no stage of this recipe\n"
                        "hint: stage.a.KEY=VALUE, stage.b.KEY=VALUE"));
}

TEST(RecipeStages, OneOverABaseWithSeveralDoesNotReplaceThem) {
  const Recipe recipe = parse("r.toml", {}, [&](const std::string& path) -> runtime::Result<std::string> {
    if (path == "r.toml") return std::string("base = \"b.toml\"\n[[stage]]\nname = \"b\"\nepochs = 1\n");
    return kMoons + "[[stage]]\nname = \"a\"\n[[stage]]\nname = \"b\"\n";
  });
  EXPECT_THAT(recipe.messages(),
              HasSubstr("r.toml:2:1: error: one [[stage]] would replace the 2 stages of the base"));
}

// A file above the one with the stages says nothing either where each of them has its own.
TEST(RecipeStages, AFileAboveThemIsNotIgnoredWithoutAWord) {
  const Recipe recipe = parse("r.toml", {}, [&](const std::string& path) -> runtime::Result<std::string> {
    if (path == "r.toml") return std::string("base = \"b.toml\"\n[optimizer]\nlr = 0.5\n");
    return kMoons +
           "[[stage]]\nname = \"a\"\noptimizer.lr = 0.1\n[[stage]]\nname = \"b\"\noptimizer.lr = 0.2\n";
  });
  EXPECT_THAT(recipe.messages(),
              HasSubstr("r.toml:3:1: error: 'optimizer.lr' has no effect: every stage has one of its own"));
}

// What no stage reads is refused where it stands, though each of them has made the choice it depends on for itself; what a
// base file says is context that they replace.
TEST(RecipeStages, AKeyThatNoStageReadsIsRefusedThoughEachHasItsOwnChoice) {
  const std::string stages = "[[stage]]\nname = \"a\"\nmethod.use = [\"erm\"]\n"
                             "[[stage]]\nname = \"b\"\nmethod.use = [\"smoothing\"]\n";
  const std::string gamma = "[method]\nfocal = { gamma = 2 }\n";
  EXPECT_THAT(parse_text(kMoons + gamma + stages).messages(),
              HasSubstr("r.toml:4:11: error: 'method.focal.gamma' is set, but method 'focal' is not used"));
  EXPECT_THAT(parse_text(kMoons + stages, {"method.focal.gamma=2"}).messages(),
              HasSubstr("'method.focal.gamma' is set, but method 'focal' is not used"));
  EXPECT_EQ(parse_text(kMoons + stages, {"method.smoothing.eps=0.2", "stage.a.run.epochs=2"}).messages(), "");
  EXPECT_THAT(
      parse_text(kMoons + "[schedule]\nname = \"step\"\nmilestones = [2]\n[[stage]]\nname = \"a\"\n"
                          "schedule.name = \"cosine\"\n[[stage]]\nname = \"b\"\n"
                          "schedule.name = \"constant\"\n")
          .messages(),
      testing::AllOf(HasSubstr("r.toml:4:1: error: 'schedule.name' has no effect: every stage has one"),
                     HasSubstr("r.toml:5:1: error: 'schedule.milestones' has no effect")));
  const Recipe over_base = parse("r.toml", {}, [&](const std::string& path) -> runtime::Result<std::string> {
    return path == "r.toml" ? "base = \"b.toml\"\n" + stages : kMoons + gamma + "use = [\"focal\"]\n";
  });
  EXPECT_EQ(over_base.messages(), "");
}

// The command line says of a stage what its file may say.
TEST(RecipeStages, TheCommandLineWritesWhatAFileDoes) {
  const std::string two = kMoons + "[[stage]]\nname = \"a\"\n[[stage]]\nname = \"b\"\n";
  const Recipe recipe = parse_text(two, {"stage.a.epochs=3", "stage.b.continues=true"});
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(*recipe.of_stage(0).options.get_int("run.epochs"), 3);
  EXPECT_TRUE(recipe.stages[1].continues);
  EXPECT_THAT(parse_text(two, {"stage.a.continues=true"}).messages(),
              HasSubstr("the first stage has none before it"));
  EXPECT_THAT(parse_text(two, {"stage.b.continues=yes"}).messages(),
              HasSubstr("continues must be true or false, not 'yes'"));
  EXPECT_THAT(parse_text(two, {"stage.b.name=c"}).messages(),
              HasSubstr("a stage has its name from its file"));
  EXPECT_THAT(parse_text(two, {"stage.b.batch=8"}).messages(),
              HasSubstr("'run.batch' is the same in all stages, 'b' cannot set it"));
}

TEST(RecipeStages, WeightsAreThoseOfAnEarlierStage) {
  const auto messages = [](const std::string& first, const std::string& second, const std::string& third) {
    return parse_text(kMoons + "[[stage]]\nname = \"a\"\n" + first + "[[stage]]\nname = \"b\"\n" + second +
                      "[[stage]]\nname = \"c\"\n" + third)
        .messages();
  };
  const std::string of_a = "model.weights = \"stage:a\"\n";
  EXPECT_EQ(messages("", "", of_a), "");
  EXPECT_EQ(messages("", of_a, "model = { weights = \"stage:b\", initialise = [\"head*\"] }\n"), "");
  EXPECT_THAT(
      messages("", "", "model.weights = \"stage:d\"\n"),
      HasSubstr(
          "r.toml:9:17: error: 'd' is no stage before 'c'\nmodel.weights = \"stage:d\"\n                ^\n"
          "hint: there are \"stage:a\", \"stage:b\""));
  EXPECT_THAT(messages(of_a, "", ""), HasSubstr("'a' is no stage before 'a'"));
  EXPECT_THAT(messages("", "model.weights = \"stage:c\"\n", ""), HasSubstr("'c' is no stage before 'b'"));
  EXPECT_THAT(messages("", "", of_a + "continues = true\n"),
              HasSubstr("'c' begins with the weights of 'a' and continues the stage before"));
  EXPECT_THAT(messages("", "", "model.weights = \"w.safetensors\"\n"),
              HasSubstr("hint: weights of a file are model.weights.file"));
  EXPECT_THAT(
      messages("model.initialise = [\"head*\"]\n", "", ""),
      HasSubstr(
          "r.toml:5:7: error: 'model.initialise' has no effect: the first stage initialises everything"));
  EXPECT_THAT(parse_text(kMoons + "[model]\nweights = \"stage:a\"\n").messages(),
              HasSubstr("r.toml:4:11: error: the weights of a stage are what a later [[stage]]"));
  EXPECT_THAT(parse_text(kMoons + "[model]\ninitialise = [\"head*\"]\n").messages(),
              HasSubstr("r.toml:4:1: error: 'model.initialise' is for a [[stage]] of several"));
  const Recipe set =
      parse_text(kMoons + "[[stage]]\nname = \"a\"\n[[stage]]\nname = \"b\"\n[[stage]]\nname = \"c\"\n",
                 {"stage.c.model.weights=stage:a"});
  ASSERT_TRUE(set.ok()) << set.messages();
  EXPECT_EQ(set.stages[2].weights, "a");
  EXPECT_THAT(values_of(set), HasSubstr("stage.c.model.weights = \"stage:a\"   # command line\n"));
}

TEST(RecipeStages, ValuesAreShownWithTheLinesThatSetThem) {
  const Recipe recipe = parse_text(kMoons + "[[stage]]\nname = \"a\"\nmethod.use = [\"ema\"]\n[[stage]]\n"
                                            "name = \"b\"\ncontinues = true\nepochs = 3\n");
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_THAT(values_of(recipe), testing::AllOf(HasSubstr("stage.a.continues = false   # default\n"),
                                                HasSubstr("stage.a.eval.weights = \"ema\"   # default\n"),
                                                HasSubstr("stage.a.method.use = [\"ema\"]   # r.toml:5:8\n"),
                                                HasSubstr("stage.b.continues = true   # r.toml:8:13\n"),
                                                HasSubstr("stage.b.run.epochs = 3   # r.toml:9:1\n")));
  EXPECT_THAT(describe(), HasSubstr("\n[[stage]]\nname = (unset)\n"));
  EXPECT_THAT(describe(), HasSubstr("    method: every key\n"));
}

} // namespace
} // namespace tailor::recipe
