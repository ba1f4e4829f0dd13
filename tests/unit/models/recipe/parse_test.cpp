// Recipes: merging, short forms, places, and every message a user can meet.
#include "frontend/data.h"
#include "models/recipe/bases.h"
#include "models/recipe/check.h"
#include "models/recipe/convert.h"
#include "models/recipe/parse.h"
#include "runtime/base/option_condition.h"
#include "runtime/options/key_table.h"
#include "runtime/options/split_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace tailor::recipe {
namespace {

using ::testing::HasSubstr;

using Files = std::map<std::string, std::string>;

Recipe parse_files(const Files& files, const std::vector<std::string>& overrides = {}) {
  return parse("r.toml", overrides, [&](const std::string& path) -> runtime::Result<std::string> {
    auto found = files.find(path);
    if (found == files.end())
      return runtime::not_found("cannot open '", path, "': No such file or directory");
    return found->second;
  });
}

Recipe parse_text(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_files({{"r.toml", text}}, overrides);
}

const std::string kMoons = "[data]\nformat = \"two_moons\"\n";

TEST(Recipe, DefaultsFillEveryKey) {
  Recipe recipe = parse_text(kMoons);
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(recipe.options.size(), runtime::key_table().size());
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

TEST(Recipe, BuiltInBasesNeedNoFile) {
  ASSERT_THAT(built_in_bases(), ::testing::Contains("tabular"));
  for (const std::string& name : built_in_bases()) {
    Recipe recipe = parse_text("base = \"" + name + "\"\n" + kMoons);
    ASSERT_TRUE(recipe.ok()) << recipe.messages();
    for (const KeySpec& spec :
         runtime::key_table()) // a path of its own would start from a folder that is not there
      if (spec.type == runtime::KeyType::kPath)
        EXPECT_FALSE(recipe.is_set(spec.key)) << name << ": " << spec.key;
  }
  const std::string text = "base = \"tabular\"\n[data]\ntrain = \"t.csv\"\n[optimizer]\nlr = 0.5\n";
  Recipe recipe = parse_text(text);
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(*recipe.options.get_number("optimizer.lr"), 0.5);
  EXPECT_THAT(recipe.options.find("run.epochs")->origin, ::testing::StartsWith("<built-in>/tabular.toml:"));
  EXPECT_EQ(recipe.text, text);
}

TEST(Recipe, AWrongBaseIsToldFromAMissingFile) {
  EXPECT_THAT(parse_text("base = \"tabula\"\n" + kMoons).messages(),
              HasSubstr("r.toml:1:8: error: there is no built-in base recipe 'tabula'\nbase = \"tabula\"\n"
                        "       ^\nhint: did you mean 'tabular'?\n"));
  EXPECT_THAT(parse_text("base = \"mine\"\n" + kMoons).messages(),
              HasSubstr("hint: built in: tabular; a file is named with its ending, as \"mine.toml\"\n"));
  // A path that holds only in the repository.
  EXPECT_THAT(parse_text("base = \"models/recipes/base/tabular.toml\"\n" + kMoons).messages(),
              HasSubstr("hint: base = \"tabular\" is built in\n"));
  // One place that was looked at is named once.
  EXPECT_THAT(parse_text("base = \"no/where.toml\"\n" + kMoons).messages(),
              HasSubstr("hint: paths start from the folder of the recipe"));
  const Recipe elsewhere = parse("d/r.toml", {}, [](const std::string& path) -> runtime::Result<std::string> {
    if (path == "d/r.toml") return "base = \"no.toml\"\n" + kMoons;
    return runtime::not_found("no '", path, "'");
  });
  EXPECT_THAT(elsewhere.messages(), HasSubstr("hint: looked for 'd/no.toml' and 'no.toml'\n"));
}

TEST(Recipe, AFileThatCannotBeReadIsAnErrorWithItsReason) {
  // Reading it fails with EIO: what stands behind the fault must not be left out in silence.
  EXPECT_THAT(
      parse("/proc/self/mem").messages(),
      HasSubstr("error: cannot read recipe '/proc/self/mem': cannot read '/proc/self/mem' after 0 bytes: "));
  EXPECT_THAT(parse("/").messages(), HasSubstr("cannot read recipe '/': '/' is not a regular file"));
  EXPECT_THAT(parse("no/such.toml").messages(), HasSubstr("cannot open 'no/such.toml': No such file"));
  EXPECT_THAT(parse_files({{"r.toml", "base = \"b.toml\"\n"}, {"b.toml", "base = \"r.toml\"\n"}}).messages(),
              HasSubstr("'r.toml' is already open"));
  Files chain = {{"r.toml", "base = \"1.toml\"\n"}};
  for (int i = 1; i < 20; ++i)
    chain[std::to_string(i) + ".toml"] = "base = \"" + std::to_string(i + 1) + ".toml\"\n";
  EXPECT_THAT(parse_files(chain).messages(), HasSubstr("a chain of more than 8 recipes"));
}

TEST(Recipe, ShortFormsAndRelativePaths) {
  Recipe recipe = parse("dir/r.toml", {}, [](const std::string&) -> runtime::Result<std::string> {
    return std::string("[data]\ntrain = \"a.csv\"\ntest = \"/abs/t.csv\"\nlabel = \"y\"\n");
  });
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_EQ(*recipe.options.get_string("data.train"), "dir/./a.csv");
  EXPECT_EQ(*recipe.options.get_string("data.test.file"), "/abs/t.csv");
  EXPECT_EQ(*recipe.options.get_string("data.label.column"), "y");
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

std::vector<std::string> strings(const Recipe& recipe, std::string_view key) {
  EXPECT_TRUE(recipe.ok()) << recipe.messages();
  return recipe.ok() ? *recipe.options.get_strings(key) : std::vector<std::string>();
}

std::string json(const Recipe& recipe, std::string_view key) {
  return recipe.options.find(key)->value.to_json();
}

TEST(Recipe, OneElementIsAListOfOne) {
  using ::testing::ElementsAre;
  const Recipe recipe =
      parse_text(kMoons + "[method]\nuse = \"sam\"\n[model]\nlayers = 8\n[eval]\n"
                          "metrics = \"auc\"\n[schedule]\nname = \"step\"\nmilestones = 3\n");
  EXPECT_THAT(strings(recipe, "method.use"), ElementsAre("sam"));
  EXPECT_EQ(recipe.place("method.use[0]").text(), "r.toml:4:7");
  EXPECT_EQ(json(recipe, "model.layers"), "[8]");
  EXPECT_EQ(json(recipe, "schedule.milestones"), "[3]");
  EXPECT_EQ(json(recipe, "eval.metrics"), "[\"auc\"]");
  EXPECT_THAT(parse_text(kMoons + "[method]\nuse = \"smothing\"\n").messages(),
              HasSubstr("r.toml:4:7: error: 'smothing' is not a value of method.use\nuse = \"smothing\"\n"
                        "      ^\n"));
  EXPECT_THAT(parse_text(kMoons + "[method]\nuse = 3\n").messages(),
              HasSubstr("method.use must be a string or a list of strings, not the integer 3\n"));
}

TEST(Recipe, TheCommandLineComesFromAShell) {
  using ::testing::ElementsAre;
  const auto set = [](const std::string& text) { return parse_text(kMoons, {text}); };
  for (const char* text : {"method.use=sam,ema", "method.use=[sam, ema]", "method.use=[\"sam\", \"ema\"]",
                           "method.use=\"sam\",'ema'"})
    EXPECT_THAT(strings(set(text), "method.use"), ElementsAre("sam", "ema")) << text;
  EXPECT_THAT(strings(set("method.use=sam"), "method.use"), ElementsAre("sam"));
  EXPECT_EQ(json(set("model.layers=8,16"), "model.layers"), "[8,16]");
  EXPECT_EQ(json(set("run.batch=8,16"), "run.batch"), "[8,16]");
  EXPECT_EQ(json(set("run.batch=8"), "run.batch"), "8");
  EXPECT_EQ(json(set("run.out=7"), "run.out"), "\"7\"") << "text is text";
  EXPECT_EQ(json(set("run.out=\"7\""), "run.out"), "\"7\"");
  EXPECT_EQ(json(set("run.out=O'Brien"), "run.out"), "\"O'Brien\"");
  EXPECT_THAT(set("eval.metrics=nope").messages(),
              HasSubstr("command line: error: 'nope' is not a value of eval.metrics\n"));
  EXPECT_THAT(set("eval.metrics=nope,auc,nor").messages(),
              HasSubstr("'nor' is not a value of eval.metrics\n"));
  EXPECT_THAT(set("run.epochs=ten").messages(),
              HasSubstr("run.epochs must be an integer, not the string \"ten\""));
}

// What a file may say under a key, and why it may not, is the same on the command line.
TEST(Recipe, TheCommandLineTakesAndRefusesWhatAFileDoes) {
  const std::string csv = "[data]\ntrain = \"t.csv\"\n";
  const auto set = [&](const std::string& text) { return parse_text(csv, {text}).messages(); };
  EXPECT_EQ(*parse_text(csv, {"data.label=y"}).options.get_string("data.label.column"), "y");
  EXPECT_EQ(*parse_text(csv, {"data.test=u.csv"}).options.get_string("data.test.file"), "u.csv");
  EXPECT_THAT(set("eval.threshold=0.5"),
              HasSubstr("'eval.threshold' is not available in this version (choosing a decision threshold)"));
  EXPECT_THAT(set("data=3"), HasSubstr("'data' is a section, not a key\nhint: its keys are data.format, "));
  EXPECT_THAT(parse_text("data = 3\n").messages(), HasSubstr("'data' is a section, not a key\n"));
  for (const std::string name : {"base", "stage"})
    EXPECT_THAT(set(name + "=x"),
                HasSubstr("'" + name + "' is no key of a section: it stands in a recipe file\n"));
  EXPECT_THAT(parse_text(csv + "base = \"tabular\"\n").messages(),
              HasSubstr("'base' is no key of a section: it stands in a recipe file\nbase = \"tabular\"\n^\n"
                        "hint: above the first [section], base = \"tabular\"\n"));
  EXPECT_THAT(set("lr=1"), HasSubstr("unknown key 'lr'\nhint: did you mean 'optimizer.lr'?\n"));
  EXPECT_THAT(set("run.momentum=1"), HasSubstr("hint: did you mean 'optimizer.momentum'?\n"));
}

TEST(Recipe, NoneTakesBackWhatAFileSays) {
  const std::string text = kMoons + "[run]\nearly_stop.on = \"val/loss\"\n";
  const Recipe recipe = parse_text(text, {"run.early_stop.on=none"});
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  EXPECT_TRUE(recipe.options.find("run.early_stop.on")->value.is_null());
  EXPECT_THAT(parse_text(text, {"optimizer.lr=none"}).messages(), HasSubstr("optimizer.lr must be a number"));
}

size_t count_errors(const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(": error: "); at != std::string::npos; at = text.find(": error: ", at + 1))
    ++count;
  return count;
}

std::string repeated(const std::string& unit, int times) {
  std::string text;
  for (int i = 0; i < times; ++i)
    text += unit;
  return text;
}

TEST(Recipe, EveryWrongElementIsReported) {
  const std::string shown =
      parse_text(kMoons + "[method]\nuse = [\"smothing\", \"sam\", \"wighted\", 3]\n").messages();
  EXPECT_EQ(count_errors(shown), 3u) << shown;
  EXPECT_THAT(shown, HasSubstr("r.toml:4:27: error: 'wighted' is not a value of method.use\n"));
  EXPECT_THAT(shown, ::testing::Not(HasSubstr("more errors")));
  EXPECT_EQ(count_errors(parse_text(kMoons + "[run]\nbatch = [0, 8, -1]\n").messages()), 2u);
}

TEST(Recipe, TenErrorsAreShownAndTheOthersCounted) {
  std::string wrong = "\"x0\"";
  for (int i = 1; i < 8000; ++i)
    wrong += ",\"x" + std::to_string(i) + "\"";
  const Recipe recipe = parse_text(kMoons + "[method]\nuse = [" + wrong + "]\n");
  EXPECT_EQ(recipe.errors.size(), 8000u);
  const std::string shown = recipe.messages();
  EXPECT_EQ(count_errors(shown), 10u);
  EXPECT_THAT(shown, HasSubstr("'x9' is not a value of method.use"));
  EXPECT_THAT(shown, ::testing::EndsWith("note: 7990 more errors are not shown\n"));
  EXPECT_LT(shown.size(), 8192u) << "of the line only what stands around the place";
  // In linear time: quadratic ones take minutes here.
  EXPECT_THAT(parse_text(kMoons + "[method]\nuse = [" + repeated("\"sam\",", 30000) + "]\n").messages(),
              HasSubstr("note: 29989 more errors are not shown\n"));
  std::string keys_of_nobody;
  for (int i = 0; i < 20000; ++i)
    keys_of_nobody += "key" + std::to_string(i) + " = 1\n";
  EXPECT_THAT(parse_text(kMoons + keys_of_nobody).messages(),
              HasSubstr("note: 19990 more errors are not shown\n"));
}

TEST(Recipe, ALongLineIsShownAroundThePlace) {
  const std::string pad(5000, 'x');
  EXPECT_THAT(parse_text(kMoons + "[method]\nema = { decay = 2, warmup = true } # " + pad + "\n").messages(),
              ::testing::AllOf(HasSubstr("\nema = { decay = 2, warmup = true } # xxx"),
                               HasSubstr("xxx...\n                ^\n")));
  const std::string late = repeated(" ", 3000) + "\"\u00e9\", \"auk\"]";
  EXPECT_THAT(parse_text(kMoons + "[eval]\nmetrics = [" + late + "\n").messages(),
              HasSubstr("\n..." + repeated(" ", 60) + "\"\u00e9\", \"auk\"]\n" + repeated(" ", 63) + "^\n"));
}

// A parser would recurse into all of them.
TEST(Recipe, NestingIsBoundedBeforeParsing) {
  constexpr int kDeep = 100000;
  const std::string dots = repeated("a.", kDeep), quotes(3, '\'');
  for (const std::string& text :
       {dots + "a = 1\n", "[" + dots + "a]\n", "[[" + dots + "a]]\n", "x = " + repeated("[", kDeep),
        "x = " + repeated("{a=", kDeep), "x = " + repeated("[{a.b=", kDeep),
        "[a]\nx = [ # [\n" + repeated("[\n", kDeep),
        "x = \"\\\"\"\n" + repeated("\"a.b\" . ", kDeep) + "c = 1\n",
        "x = " + quotes + "\n'" + quotes + "\n" + dots + "a = 1\n"}) {
    const std::string messages = parse_text(kMoons + text).messages();
    EXPECT_THAT(messages, HasSubstr("error: tables and lists nest deeper than 32 levels here\n"));
    EXPECT_LT(messages.size(), 1024u);
  }
  EXPECT_THAT(parse_text(kMoons + "x = 1\ny = " + repeated("[", 40)).messages(),
              ::testing::StartsWith("r.toml:4:"));
  EXPECT_THAT(parse_text(kMoons, {"schedule.milestones=" + repeated("[", kDeep)}).messages(),
              HasSubstr("the value of schedule.milestones nests deeper than 32 levels"));
}

TEST(Recipe, ALongValueIsNotRepeatedWhole) {
  const std::string word(100000, 'x');
  for (const std::string& text : {"run.epochs=" + word, "method.use=" + word, word, word + "=1"}) {
    const std::string messages = parse_text(kMoons, {text}).messages();
    EXPECT_THAT(messages, HasSubstr("xxx...")) << text.substr(0, 20);
    EXPECT_LT(messages.size(), 512u) << text.substr(0, 20);
  }
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
  recipe = parse_files(
      {{"r.toml", "[data]\nformat = \"blobs\"\n[run]\nearly_stop = { on = \"val/loss\", patience = 3 }\n"}},
      {"run.early_stop.on=none"});
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

// Each piece reads the keys of its own schedule, where they are set.
TEST(Recipe, PiecesOfAScheduleHaveTheirKeys) {
  const std::string pieces =
      kMoons + "[schedule]\nname = \"pieces\"\npieces = [\"step\", \"list\", \"curve\"]\n";
  EXPECT_TRUE(parse_text(pieces + "milestones = [3]\nvalues = [1, 0.5]\n").ok());
  EXPECT_THAT(parse_text(pieces + "values = [1, 0.5]\n").messages(),
              HasSubstr("'schedule.milestones' is empty"));
  EXPECT_THAT(parse_text(pieces + "milestones = [3]\nvalues = [1, 0.5]\nwarmup_epochs = 3\n").messages(),
              HasSubstr("'schedule.warmup_epochs' has no effect with schedule.name = \"pieces\""));
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
  // Every metric the runtime computes can be asked for, and watched where it is recorded.
  EXPECT_EQ(with("[eval]\nmetrics = [\"ece\", \"brier\", \"macro_f1\", \"kappa\", \"quadratic_kappa\"]\n", 3),
            "");
  EXPECT_EQ(with("[eval]\nmetrics = [\"recall_at_precision(0.9)\", \"precision\", \"recall\"]\n", 2), "");
  EXPECT_EQ(with("[run]\nkeep.best = \"val/ece\"\n", 10), "");
  EXPECT_EQ(with("[run]\nkeep.best = \"val/quadratic_kappa\"\n", 5), "");
  EXPECT_THAT(with("[run]\nkeep.best = \"val/recall_at_precision(0.9)\"\n", 5),
              HasSubstr("'val/recall_at_precision(0.9)' is for two classes"));
  EXPECT_THAT(with("[eval]\nmetrics = [\"recall_at_precision(0.9)\"]\n", 3),
              HasSubstr("r.toml:5:12: error: 'recall_at_precision(0.9)' is for two classes"));
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
        BadCase{"label.positive = 1\n", "must be a string, not the integer 1\nlabel.positive = 1\n           "
                                        "      ^\nhint: as text it is written \"1\"\n"},
        BadCase{"[optimizer]\nlr = -1\n", "optimizer.lr = -1, but it must be at least 0"},
        BadCase{"[optimizer]\nlr = inf\n", "must be a finite number"},
        BadCase{"[optimizer]\nname = \"adamv\"\n", "did you mean 'adamw'?"},
        BadCase{"[run]\nbatch = 1152921504606846976\n",
                "run.batch = 1152921504606846976, but it must be at least 1 and at most 1048576"},
        BadCase{"[run]\nbatch = 99999999999999999999\n", "r.toml:4:"},
        BadCase{"[eval]\nmetrics = [\"loss\", \"nope\"]\n",
                "r.toml:4:20: error: 'nope' is not a value of eval.metrics"},
        BadCase{"[eval]\nmetrics = [\"recall_at_precision(2)\"]\n",
                "r.toml:4:12: error: metric 'recall_at_precision(2)', expected recall_at_precision(x) with x "
                "in (0, 1]"},
        BadCase{"[run]\nkeep.best = \"val/recall_at_precision(0)\"\n", "with x in (0, 1]"},
        BadCase{"[run]\nbatch = [8, 8]\n", "r.toml:4:13: error: run.batch names 8 twice"},
        BadCase{"[run]\nbatch = 0\n", "at least 1"},
        BadCase{"[run]\nepochs = 2.5\n", "run.epochs must be an integer"},
        BadCase{"optimizer = 3\n[run]\nepochs = 1\n", "unknown key 'data.optimizer'"},
        BadCase{"[method]\nuse = [\"m2m\"]\n", "method 'm2m' is not available in this version (M2m)"},
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
        BadCase{"[schedule]\nname = \"step\"\n",
                "r.toml:4:1: error: 'schedule.name' is step, but 'schedule.milestones' is empty"},
        BadCase{"[schedule]\nname = \"step\"\nmilestones = [4, 2]\n",
                "r.toml:5:1: error: 'schedule.milestones' must be ascending epochs, not [4,2]"},
        BadCase{"[schedule]\nname = \"cosine\"\nmilestones = [4]\n",
                "'schedule.milestones' has no effect with schedule.name = \"cosine\""},
        BadCase{"[run]\nloader_threads = 65\n", "at most 64"},
        BadCase{"[run]\nkeep.last = false\n",
                "'run.keep.last' is not available in this version (the last checkpoint is "
                "always kept: --resume starts from it)"},
        BadCase{"[run]\nkeep.best = \"val/confusion\"\n", "'val/confusion': unknown metric 'confusion'"},
        BadCase{"[run]\nearly_stop.patience = 3\n",
                "'run.early_stop.patience' has no effect without run.early_stop.on"},
        BadCase{"[optimizer]\nmomentum = 0.9\nname = \"adamw\"\n",
                "r.toml:4:1: error: 'optimizer.momentum' has no effect with optimizer.name = \"adamw\""},
        BadCase{
            "[optimizer]\nmomentum = 0\nnesterov = true\n",
            "r.toml:5:1: error: nesterov = true looks ahead along the momentum, but momentum = 0\nnesterov = "
            "true\n^\nr.toml:4:1: note: the momentum is set here"},
        BadCase{"[model]\noutput = \"sigmoid\"\n[method]\nuse = [\"sam\", \"logit-adjustment\"]\n",
                "r.toml:6:15: error: 'logit-adjustment' needs K logits, but model.output = "
                "\"sigmoid\" has one"},
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
        BadCase{"x = [1, 2\n", "r.toml:"}, BadCase{"x\n", "r.toml:3:2: error: parsing key-value pair: "},
        BadCase{"noise = \"\\u0000\"\n", "data.noise must be a number"}));

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

} // namespace
} // namespace tailor::recipe
