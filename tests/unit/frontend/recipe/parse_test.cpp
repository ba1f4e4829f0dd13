// Recipes: merging, short forms, places, and every message a user can meet.
#include "frontend/recipe/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/recipe/schema.h"

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
  EXPECT_EQ(recipe.messages(), "r.toml:4:1: error: 'sam' and 'sam-a' contradict each other\n"
                               "use = [\"sam\", \"sam-a\"]\n"
                               "^\n"
                               "hint: keep one of them; 'sam-a' is the class-aware form of 'sam'\n");
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
        BadCase{"[run]\nbatch = 1152921504606846976\n", "run.batch"},
        BadCase{"[run]\nbatch = 99999999999999999999\n", "r.toml:4:"},
        BadCase{"[run]\nbatch = [8, 8]\n", "names 8 twice"}, BadCase{"[run]\nbatch = 0\n", "at least 1"},
        BadCase{"[run]\nepochs = 2.5\n", "run.epochs must be an integer"},
        BadCase{"optimizer = 3\n[run]\nepochs = 1\n", "unknown key 'data.optimizer'"},
        BadCase{"[method]\nuse = [\"ldam\"]\n", "method 'ldam' is not available in this version (LDAM)"},
        BadCase{"[method]\nuse = [\"sam-b\"]\n", "did you mean 'sam"},
        BadCase{"[method]\nuse = [\"erm\", \"sam\"]\n", "'erm' is the plain method"},
        BadCase{"[method]\nuse = [\"erm\"]\nsam = { rho = 1 }\n", "method 'sam' is not used"},
        BadCase{"[eval]\nweights = \"ema\"\n", "no weight average is kept"},
        BadCase{"long_tail = { r = 0.1 }\n", "an imbalance ratio without a count profile"},
        BadCase{"long_tail = { profile = \"exp\", r = 100 }\n", "did you mean 1/100 = 0.01?"},
        BadCase{"long_tail = { profile = \"exp\", r = 0 }\n", "above 0"},
        BadCase{"long_tail = { profile = \"exp\", size = \"fixed_total\" }\n", "needs data.long_tail.total"},
        BadCase{"classes = 3\n", "two_moons has 2 classes in 2 dimensions"},
        BadCase{"train = \"x.csv\"\n", "has no meaning for the generated set"},
        BadCase{"split = { val = 0.5, test = 0.5 }\n", "leave no rows to train on"},
        BadCase{"[run]\nepochs = 3\n[schedule]\nwarmup_epochs = 5\n", "a warm-up of 5 epochs in a run of 3"},
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

TEST(Recipe, CsvNeedsATable) {
  EXPECT_THAT(parse_text("[data]\nformat = \"csv\"\n").messages(), HasSubstr("data.train names no table"));
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
