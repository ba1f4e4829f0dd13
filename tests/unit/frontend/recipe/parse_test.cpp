// Recipes: merging, short forms, places, and every message a user can meet.
#include "frontend/recipe/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "frontend/recipe/check.h"
#include "frontend/recipe/schema.h"
#include "runtime/base/option_condition.h"

namespace tailor::recipe {
namespace {

using ::testing::HasSubstr;

using Files = std::map<std::string, std::string>;

Recipe parse_files(const Files& files, const std::vector<std::string>& overrides = {}) {
  return parse("r.toml", overrides, [&](const std::string& path) -> std::optional<std::string> {
    auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

Recipe parse_text(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_files({{"r.toml", text}}, overrides);
}

const std::string kMoons = "[data]\nformat = \"two_moons\"\n";

TEST(Recipe, DefaultsFillEveryKey) {
  Recipe recipe = parse_text(kMoons);
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(recipe.options.size(), keys().size());
  EXPECT_EQ(*recipe.options.get_number("optimizer.lr"), 0.1);
  EXPECT_EQ(recipe.options.find("optimizer.lr")->origin, "default");
  EXPECT_EQ(recipe.options.find("data.format")->origin, "r.toml:2:1");
  EXPECT_TRUE(recipe.options.find("data.long_tail.profile")->value.is_null());
}

TEST(Recipe, EveryDefaultIsValid) {
  Recipe recipe = parse_text(kMoons);
  for (const auto& [key, option] : recipe.options)
    EXPECT_TRUE(runtime::Options::check(key, option).ok()) << key;
}

TEST(Recipe, LaterFilesWinAndKeepTheirPlace) {
  Recipe recipe = parse_files(
      {{"r.toml", "base = \"b/base.toml\"\n[optimizer]\nlr = 0.5\n"},
       {"b/base.toml", "base = \"deep.toml\"\n[optimizer]\nlr = 0.2\nmomentum = 0.8\n"},
       {"b/deep.toml", "[data]\nformat = \"blobs\"\n[optimizer]\nmomentum = 0.1\nnesterov = true\n"}});
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(*recipe.options.get_number("optimizer.lr"), 0.5);
  EXPECT_EQ(*recipe.options.get_number("optimizer.momentum"), 0.8);
  EXPECT_TRUE(*recipe.options.get_bool("optimizer.nesterov"));
  EXPECT_EQ(recipe.options.find("optimizer.momentum")->origin, "b/base.toml:4:1");
}

TEST(Recipe, ShortFormsAndRelativePaths) {
  Recipe recipe = parse("dir/r.toml", {}, [](const std::string&) -> std::optional<std::string> {
    return "[data]\ntrain = \"a.csv\"\ntest = \"/abs/t.csv\"\nlabel = \"y\"\n";
  });
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(*recipe.options.get_string("data.train"), "dir/a.csv");
  EXPECT_EQ(*recipe.options.get_string("data.test.file"), "/abs/t.csv");
  EXPECT_EQ(*recipe.options.get_string("data.label.column"), "y");
}

TEST(Recipe, OneStageIsMergedTwoAreRefused) {
  Recipe one = parse_text(kMoons + "[[stage]]\nname = \"main\"\nepochs = 7\nmethod = { use = [\"sam\"] }\n");
  ASSERT_TRUE(one.ok()) << one.messages();
  EXPECT_EQ(*one.options.get_int("run.epochs"), 7);
  EXPECT_EQ(one.options.get_strings("method.use")->front(), "sam");
  Recipe two = parse_text(kMoons + "[[stage]]\nname = \"a\"\n[[stage]]\nname = \"b\"\n");
  EXPECT_THAT(two.messages(),
              HasSubstr("r.toml:5:1: error: a recipe with 2 stages: this version runs one stage"));
}

TEST(Recipe, CommandLineWins) {
  Recipe recipe = parse_text(kMoons + "[optimizer]\nlr = 0.5\n",
                             {"optimizer.lr=0.25", "optimizer.name=adamw", "method.use=[\"sam\"]"});
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(*recipe.options.get_number("optimizer.lr"), 0.25);
  EXPECT_EQ(*recipe.options.get_string("optimizer.name"), "adamw");
  EXPECT_EQ(recipe.options.find("optimizer.lr")->origin, "command line");
  EXPECT_THAT(parse_text(kMoons, {"optimizer.lrr=1"}).messages(), HasSubstr("did you mean 'optimizer.lr'?"));
  EXPECT_THAT(parse_text(kMoons, {"optimizer.lr"}).messages(), HasSubstr("is not KEY=VALUE"));
}

TEST(Recipe, MessageShowsLineCaretNoteAndHint) {
  Recipe recipe = parse_text(kMoons + "[method]\nuse = [\"sam\", \"sam-a\"]\n");
  EXPECT_EQ(recipe.messages(), "r.toml:4:15: error: 'sam' and 'sam-a' contradict each other\n"
                               "use = [\"sam\", \"sam-a\"]\n"
                               "              ^\n"
                               "r.toml:4:8: note: the other one is here\n"
                               "use = [\"sam\", \"sam-a\"]\n"
                               "       ^\n"
                               "hint: keep one of them; 'sam-a' is the class-aware form of 'sam'\n");
}

TEST(Recipe, ComplaintsComeInTheOrderOfTheirPlaces) {
  Recipe recipe = parse_files(
      {{"r.toml", "base = \"base.toml\"\n[eval]\ngroups = \"halves\"\n[optimizer]\nnesterov = true\n"
                  "momentum = 0\n[method]\nuse = [\"sam\", \"sam\"]\n"},
       {"base.toml", "[data]\nformat = \"two_moons\"\nclasses = 4\n"}},
      {"run.keep.best=\"val/aucc\""});
  std::vector<std::string> places;
  std::istringstream lines(recipe.messages());
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(": error:"); at != std::string::npos)
      places.push_back(line.substr(0, at));
  EXPECT_THAT(places, ::testing::ElementsAre("r.toml:3:1", "r.toml:5:1", "r.toml:8:15", "base.toml:3:1",
                                             "command line"));
}

TEST(Recipe, ElementsOfListsHaveTheirOwnPlace) {
  Recipe recipe = parse_text(kMoons + "[method]\nuse = [\"sam\",\n  \"smothing\"]\n");
  EXPECT_THAT(
      recipe.messages(),
      HasSubstr("r.toml:5:3: error: 'smothing' is not a value of method.use\n  \"smothing\"]\n  ^\n"));
  recipe = parse_text(kMoons + "[method]\nuse = [\"ema\", \"sam\"]\n");
  EXPECT_EQ(recipe.place("method.use[1]").text(), "r.toml:4:15");
  EXPECT_EQ(recipe.place("method.use[7]").text(), "r.toml:4:1");
  // A list from above takes the places of the one below with it.
  recipe = parse_files({{"r.toml", "base = \"b.toml\"\n[method]\nuse = [\"sam\"]\n"},
                        {"b.toml", "[data]\nformat = \"blobs\"\n[method]\nuse = [\"erm\", \"sam\"]\n"}});
  EXPECT_EQ(recipe.place("method.use[1]").text(), "r.toml:3:1");
}

TEST(Recipe, WhatNobodySetHasNoPlace) {
  EXPECT_EQ(Place{}.text(), "");
  EXPECT_THAT(parse_text("[model]\nlayers = [8]\n").messages(),
              ::testing::StartsWith("r.toml: error: data.train names no table\nhint: "));
  EXPECT_THAT(parse_files({}).messages(),
              ::testing::StartsWith("r.toml: error: cannot read recipe 'r.toml'"));
  EXPECT_THAT(parse_text(kMoons + "[eval]\nweights = \"ema\"\n").messages(),
              HasSubstr("\nnote: method.use is not set; its default is [\"erm\"]\nhint: "));
}

TEST(Recipe, TheAverageIsEvaluatedWhereThereIsOne) {
  const auto weights = [](const std::string& text) {
    Recipe recipe = parse_text(kMoons + text);
    EXPECT_TRUE(recipe.ok()) << recipe.messages();
    return *recipe.options.get_string("eval.weights");
  };
  EXPECT_EQ(weights(""), "raw");
  EXPECT_EQ(weights("[method]\nuse = [\"ema\"]\n"), "ema");
  EXPECT_EQ(weights("[method]\nuse = [\"ema\"]\n[eval]\nweights = \"raw\"\n"), "raw");
  EXPECT_EQ(weights("[method]\nuse = [\"ema\"]\n[eval]\nweights = \"auto\"\n"), "ema");
}

// What a file below says about a choice that a file above replaced is context, not a contradiction.
TEST(Recipe, ValuesBelowTheChoiceThatReplacedThemAreIgnored) {
  const std::string base =
      "[data]\nformat = \"two_moons\"\nnoise = 0.2\n[method]\nuse = [\"sam\"]\nsam = { rho = 0.1 }\n"
      "[optimizer]\nname = \"sgd\"\nmomentum = 0.8\n[schedule]\nname = \"step\"\nmilestones = [3]\n";
  Recipe recipe = parse_files(
      {{"r.toml", "base = \"b.toml\"\n[method]\nuse = [\"erm\"]\n[optimizer]\nname = \"adamw\"\n[schedule]\n"
                  "name = \"constant\"\n[data]\nformat = \"blobs\"\n"},
       {"b.toml", base}});
  EXPECT_TRUE(recipe.ok()) << recipe.messages();
  recipe = parse_files({{"r.toml", base}}, {"optimizer.name=adamw", "method.use=[\"erm\"]",
                                            "schedule.name=constant", "data.format=blobs"});
  EXPECT_TRUE(recipe.ok()) << recipe.messages();
  // The other way round it is one.
  recipe =
      parse_files({{"r.toml", "base = \"b.toml\"\n[method]\nsam-a = { rho = 1 }\n[optimizer]\nbeta1 = 0.5\n"},
                   {"b.toml", base}});
  EXPECT_THAT(recipe.messages(),
              HasSubstr("r.toml:3:11: error: 'method.sam-a.rho' is set, but method 'sam-a' is not used"));
  EXPECT_THAT(recipe.messages(), HasSubstr("b.toml:5:1: note: the methods are listed here"));
  EXPECT_THAT(
      recipe.messages(),
      HasSubstr("r.toml:5:1: error: 'optimizer.beta1' has no effect with optimizer.name = \"sgd\"\nbeta1 = "
                "0.5\n^\nb.toml:8:1: note: optimizer.name is set here\n"));
  EXPECT_THAT(recipe.messages(), HasSubstr("hint: remove it, or set optimizer.name = \"adamw\""));
}

TEST(Recipe, SharesOfSplitsThatAreFilesDoNotCount) {
  EXPECT_TRUE(
      parse_text("[data]\ntrain = \"t.csv\"\ntest = \"u.csv\"\nsplit = { test = 0.9, val = 0.5 }\n").ok());
  EXPECT_TRUE(parse_text("[data]\ntrain = \"t.csv\"\nval = \"u.csv\"\nsplit = { val = 0.9 }\n").ok());
  EXPECT_THAT(parse_text("[data]\ntrain = \"t.csv\"\nsplit = { test = 0.9 }\n").messages(),
              HasSubstr("val = 0.16 and test = 0.9 leave no rows to train on"));
}

TEST(Recipe, AWatchedMetricNeedsAValidationSplit) {
  EXPECT_THAT(
      parse_text("[data]\ntrain = \"t.csv\"\nsplit.val = 0\n[run]\nkeep.best = \"val/loss\"\n").messages(),
      HasSubstr("r.toml:5:6: error: 'val/loss' is to be watched, but there is no validation split"));
  EXPECT_TRUE(
      parse_text(
          "[data]\ntrain = \"t.csv\"\nval = \"v.csv\"\nsplit.val = 0\n[run]\nkeep.best = \"val/loss\"\n")
          .ok());
}

runtime::DataSchema schema_of(int classes) {
  runtime::DataSchema schema;
  schema.num_classes = classes;
  for (int k = 0; k < classes; ++k)
    schema.class_names.push_back("c" + std::to_string(k));
  return schema;
}

TEST(Recipe, WhatDependsOnTheClassesIsCheckedAgainstThem) {
  const auto with = [](const std::string& text, int classes) {
    Recipe recipe =
        parse_text("[data]\nformat = \"blobs\"\nclasses = " + std::to_string(classes) + "\n" + text);
    EXPECT_TRUE(recipe.ok()) << recipe.messages();
    check_schema(recipe, schema_of(classes));
    return recipe.messages();
  };
  EXPECT_THAT(with("[run]\nkeep.best = \"val/auc\"\n", 10),
              HasSubstr("r.toml:5:6: error: 'val/auc' is for two classes, the data have 10\nkeep.best = "
                        "\"val/auc\"\n     ^\nr.toml:3:1: note: they come from here\n"));
  EXPECT_EQ(with("[run]\nkeep.best = \"val/auc\"\n", 2), "");
  for (const char* name : {"few", "med", "many", "minority", "class_accuracy/c3"})
    EXPECT_EQ(with(std::string("[run]\nearly_stop.on = \"val/") + name + "\"\n", 10), "") << name;
  EXPECT_THAT(with("[run]\nkeep.best = \"val/class_accuracy/c33\"\n", 10), HasSubstr("have no class 'c33'"));
  EXPECT_THAT(with("[eval]\nmetrics = [\"loss\", \"mcc\"]\n", 3),
              HasSubstr("r.toml:5:20: error: 'mcc' is for two classes"));
  EXPECT_THAT(with("[eval]\ngroups = \"head_med_tail(2,9)\"\n", 5), HasSubstr("reach beyond the 5 classes"));
  EXPECT_THAT(with("long_tail = { profile = \"step_at\", r = 0.1, step_at = 7 }\n", 7),
              HasSubstr("step_at = 7 leaves none of the 7 classes rare"));
  EXPECT_THAT(with("long_tail = { profile = \"step_at\", r = 0.1 }\n", 3),
              HasSubstr("step_at = 5 leaves none of the 3 classes rare"));
  EXPECT_EQ(with("long_tail = { profile = \"step_at\", r = 0.1 }\n", 10), "");
}

struct BadCase {
  const char* text;     // after kMoons
  const char* expected; // part of the message
};

class BadRecipe : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadRecipe, IsRefusedWithTheReason) {
  Recipe recipe = parse_text(kMoons + GetParam().text);
  EXPECT_FALSE(recipe.ok());
  EXPECT_THAT(recipe.messages(), HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, BadRecipe,
    ::testing::Values(
        BadCase{
            "[optimiser]\nlr = 1\n",
            "r.toml:3:2: error: unknown key 'optimiser'\n[optimiser]\n ^\nhint: did you mean 'optimizer'?"},
        BadCase{"[optimizer]\nlearning_rate = 1\n", "unknown key 'optimizer.learning_rate'"},
        BadCase{"[optimizer]\nlr = \"fast\"\n",
                "r.toml:4:6: error: optimizer.lr must be a number, not the string \"fast\""},
        BadCase{"[optimizer]\nlr = -1\n", "optimizer.lr = -1, but it must be at least 0"},
        BadCase{"[optimizer]\nlr = inf\n", "must be a finite number"},
        BadCase{"[optimizer]\nname = \"adamv\"\n", "did you mean 'adamw'?"},
        BadCase{"[run]\nbatch = 1152921504606846976\n",
                "run.batch = 1152921504606846976, but it must be at least 1 and at most 1048576"},
        BadCase{"[run]\nbatch = 99999999999999999999\n", "r.toml:4:"},
        BadCase{"[run]\nbatch = [8, 8]\n", "r.toml:4:13: error: run.batch names 8 twice"},
        BadCase{"[run]\nbatch = 0\n", "at least 1"},
        BadCase{"[run]\nepochs = 2.5\n", "run.epochs must be an integer"},
        BadCase{"optimizer = 3\n[run]\nepochs = 1\n", "unknown key 'data.optimizer'"},
        BadCase{"[method]\nuse = [\"ldam\"]\n", "method 'ldam' is not available in this version (LDAM)"},
        BadCase{"[method]\nuse = [\"sam-b\"]\n", "did you mean 'sam"},
        BadCase{"[method]\nuse = [\"erm\", \"sam\"]\n", "'erm' is the plain method"},
        BadCase{"[method]\nuse = [\"erm\"]\nsam = { rho = 1 }\n", "method 'sam' is not used"},
        BadCase{"[eval]\nweights = \"ema\"\n", "no weight average is kept"},
        BadCase{"long_tail = { r = 0.1 }\n",
                "'data.long_tail.r' has no effect with data.long_tail.profile unset"},
        BadCase{"long_tail = { profile = \"exp\", r = 100 }\n", "did you mean 1/100 = 0.01?"},
        BadCase{"long_tail = { profile = \"exp\", r = 0 }\n", "above 0"},
        BadCase{"long_tail = { profile = \"exp\", size = \"fixed_total\" }\n", "needs data.long_tail.total"},
        BadCase{"classes = 3\n", "two_moons has 2 classes in 2 dimensions"},
        BadCase{"train = \"x.csv\"\n", "'data.train' has no effect with data.format = \"two_moons\""},
        BadCase{"split = { val = 0.5 }\n", "'data.split.val' has no effect with data.format = \"two_moons\""},
        BadCase{"[run]\nepochs = 3\n[schedule]\nwarmup_epochs = 5\n", "a warm-up of 5 epochs in a run of 3"},
        BadCase{"[run]\nepochs = 3\n[schedule]\nwarmup_epochs = 3\n", "r.toml:4:1: note: the run's length"},
        BadCase{"[schedule]\nname = \"step\"\n", "without milestones keeps the rate constant"},
        BadCase{"[schedule]\nname = \"step\"\nmilestones = [4, 2]\n",
                "r.toml:5:18: error: milestone 2 does not come after 4"},
        BadCase{"[schedule]\nname = \"cosine\"\nmilestones = [4]\n",
                "'schedule.milestones' has no effect with schedule.name = \"cosine\""},
        BadCase{"[run]\nloader_threads = 65\n", "at most 64"},
        BadCase{"[run]\nkeep.last = false\n",
                "'run.keep.last' is not available in this version (the last checkpoint is "
                "always kept: --resume starts from it)"},
        BadCase{"[run]\nkeep.best = \"val/confusion\"\n", "unknown metric 'val/confusion'"},
        BadCase{"[run]\nearly_stop.patience = 3\n",
                "'run.early_stop.patience' has no effect without run.early_stop.on"},
        BadCase{"[optimizer]\nmomentum = 0.9\nname = \"adamw\"\n",
                "r.toml:4:1: error: 'optimizer.momentum' has no effect with optimizer.name = \"adamw\""},
        BadCase{
            "[optimizer]\nmomentum = 0\nnesterov = true\n",
            "r.toml:5:1: error: nesterov = true looks ahead along the momentum, but momentum = 0\nnesterov = "
            "true\n^\nr.toml:4:1: note: the momentum is set here"},
        BadCase{"[model]\noutput = \"sigmoid\"\n[method]\nuse = [\"sam\", \"logit-adjustment\"]\n",
                "r.toml:6:15: error: 'logit-adjustment' adds a bias to K logits, but model.output = "
                "\"sigmoid\" has one"},
        BadCase{"[method]\nuse = [\"balanced-softmax\", \"logit-adjustment\"]\n",
                "'balanced-softmax' is 'logit-adjustment' with tau = 1"},
        BadCase{"[method]\nsam-a = { rho = 1 }\n",
                "method 'sam-a' is not used\nsam-a = { rho = 1 }\n          ^\nnote: method.use is not set"},
        BadCase{"[method]\nuse = [\"weighted\"]\nweighted = { table = \"inv_max\", beta = 0.9 }\n",
                "'method.weighted.beta' has no effect with method.weighted.table = \"inv_max\""},
        BadCase{"[method]\nuse = [\"smoothing\"]\nsmoothing = { eps = 0.7 }\n",
                "uniform smoothing of eps = 0.7 is above eps_max = 0.5"},
        BadCase{"long_tail = { profile = \"exp\", r = 0.1, a = 0.5 }\n",
                "'data.long_tail.a' has no effect with"},
        BadCase{"long_tail = { n_max = 10 }\n",
                "'data.long_tail.n_max' has no effect without data.long_tail.profile"},
        BadCase{"test = { r = 0.5 }\n",
                "'data.test.r' has no effect without data.long_tail.profile or data.test.profile"},
        BadCase{"[eval]\ngroups = \"third\"\n",
                "r.toml:4:1: error: group rule 'third', expected thresholds(20,100)"},
        BadCase{"[run]\nearly_stop = { on = \"test/auc\" }\n", "did you mean 'val/auc'?"},
        BadCase{"[run]\nkeep = { best = \"val/aucc\" }\n", "did you mean 'val/auc'?"},
        BadCase{"[augment]\ntrain = [\"hflip\"]\n", "'augment' is not available in this version"},
        BadCase{"x = [1, 2\n", "r.toml:"}, BadCase{"noise = \"\\u0000\"\n", "data.noise must be a number"}));

TEST(Recipe, FilesThatAreMissingOrCircular) {
  EXPECT_THAT(parse_files({}).messages(), HasSubstr("cannot read recipe 'r.toml'"));
  EXPECT_THAT(parse_files({{"r.toml", "base = \"no.toml\"\n"}}).messages(),
              HasSubstr("r.toml:1:8: error: cannot read base recipe 'no.toml'"));
  EXPECT_THAT(parse_files({{"r.toml", "base = \"r.toml\"\n"}}).messages(),
              HasSubstr("a chain that does not end"));
  EXPECT_THAT(parse_text("[data]\nval = 1\n").messages(), HasSubstr("data.val must be a path"));
}

TEST(Recipe, BlobsHaveNoNoise) { // it would only be their unit of length
  EXPECT_THAT(parse_text("[data]\nformat = \"blobs\"\nnoise = 2\n").messages(),
              HasSubstr("r.toml:3:1: error: 'data.noise' has no effect with data.format = \"blobs\""));
}

// toml++ takes no character between U+00A1 and U+0499 into account here.
TEST(Recipe, ACharacterThatStartsNothingIsAnError) {
  for (const char* text : {"\u00b2", "\u03b1 = 1", "[data]\nlabel = \u00e9\n", "x\u00b2&i=[.=\n=["})
    EXPECT_THAT(parse_text(text).messages(), HasSubstr("error:")) << text;
}

TEST(Recipe, CsvNeedsATable) {
  EXPECT_THAT(parse_text("[data]\nformat = \"csv\"\n").messages(), HasSubstr("data.train names no table"));
}

TEST(Schema, EveryConditionNamesKeysAndValuesThereAre) {
  for (const KeySpec& spec : keys()) {
    const runtime::OptionCondition needed = runtime::OptionCondition::parse(spec.only_if);
    EXPECT_EQ(needed.keys.empty(), spec.only_if.empty()) << spec.key;
    for (const std::string& key : needed.keys) {
      const KeySpec* chooser = find_key(key);
      ASSERT_NE(chooser, nullptr) << spec.key << ": " << key;
      const std::vector<std::string> choices = split_choices(chooser->choices);
      for (const std::string& value : needed.values)
        EXPECT_THAT(choices, ::testing::Contains(value)) << spec.key;
    }
  }
  EXPECT_THAT(describe(), HasSubstr("\n    only with optimizer.name = adamw\n"));
}

TEST(Schema, NumbersReadAsWritten) {
  EXPECT_EQ(number_text(1048576), "1048576");
  EXPECT_EQ(number_text(0.0002), "0.0002");
  EXPECT_EQ(number_text(-1), "-1");
  EXPECT_EQ(number_text(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number_text(1e300), "1e+300");
}

TEST(Schema, DescribesEveryKeyOnce) {
  std::string text = describe();
  std::vector<std::string> seen;
  for (const KeySpec& spec : keys()) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(spec.key) + " = ")) << spec.key;
    EXPECT_FALSE(spec.text.empty()) << spec.key;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), spec.key), 0) << spec.key;
    seen.emplace_back(spec.key);
  }
}

TEST(Source, NearestKnowsWhenNothingIsNear) {
  EXPECT_EQ(nearest("optimiser", {"optimizer", "model"}), "optimizer");
  EXPECT_EQ(nearest("zzz", {"optimizer", "model"}), "");
  EXPECT_EQ(nearest(std::string(100000, 'x'), {"optimizer"}), "");
}

} // namespace
} // namespace tailor::recipe
