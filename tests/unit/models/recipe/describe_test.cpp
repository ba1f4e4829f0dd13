// The table of keys: conditions, defaults, what recipe and runtime take, the description; and nearest names.
#include "frontend/data.h"
#include "models/recipe/convert.h"
#include "models/recipe/describe.h"
#include "models/recipe/parse.h"
#include "runtime/base/option_condition.h"
#include "runtime/options/key_table.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/split_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace tailor::recipe {
namespace {

using runtime::find_key;
using runtime::key_table;
using runtime::KeyType;
using runtime::make_option;
using runtime::number_text;

using ::testing::HasSubstr;

TEST(Schema, EveryConditionNamesKeysAndValuesThereAre) {
  for (const KeySpec& spec : key_table()) {
    const runtime::OptionCondition needed = runtime::OptionCondition::parse(spec.only_if);
    EXPECT_EQ(needed.keys.empty(), spec.only_if.empty()) << spec.key;
    for (const std::string& key : needed.keys) {
      const KeySpec* chooser = find_key(key);
      ASSERT_NE(chooser, nullptr) << spec.key << ": " << key;
      std::vector<std::string> choices = chooser->words();
      if (chooser->fallback.is_null()) choices.emplace_back("none"); // it may be unset
      for (const std::string& value : needed.values)
        EXPECT_THAT(choices, ::testing::Contains(value)) << spec.key;
    }
  }
  EXPECT_THAT(describe(), HasSubstr("\n    only with optimizer.name = adamw\n"));
}

// What the key table says is what the runtime and a C++ program do without a recipe.
TEST(Schema, SharedDefaultsStandOnce) {
  const Recipe recipe = parse("r.toml", {}, [](const std::string&) -> runtime::Result<std::string> {
    return std::string("[data]\nformat = \"two_moons\"\n");
  });
  const auto number = [&](std::string_view key) { return *recipe.options.get_number(key); };
  EXPECT_EQ(number("run.epochs"), runtime::RunKeys().epochs);
  EXPECT_EQ(number("data.split.test"), runtime::SplitKeys().test);
  for (const double share : {runtime::SplitKeys::kValShare, runtime::SplitKeys::kValShareBesideTestFile})
    EXPECT_THAT(std::string(find_key("data.split.val")->text), HasSubstr(number_text(share)));
  for (const data::Plan& plan : {data::blobs(), data::two_moons()})
    for (const auto& [key, option] : plan.options())
      if (const KeySpec* spec = find_key(key); spec && !spec->fallback.is_null() && key != "data.format" &&
                                               key != "data.numeric") { // C++ normalises nothing unasked
        const OptionValue& fallback = recipe.options.find(key)->value;
        EXPECT_EQ(option.value.as_number(), fallback.as_number()) << key;
        if (!fallback.as_number()) EXPECT_EQ(option.value.to_json(), fallback.to_json()) << key;
      }
}

// `--set` before compiling and when the artifact runs.
TEST(Schema, RecipeAndRuntimeTakeTheSameWords) {
  const auto expect = [](const KeySpec& spec, const std::string& text, bool taken) {
    const std::string& key = spec.key;
    EXPECT_EQ(convert_text(spec, text).ok(), taken) << key << "=" << text;
    Option option = make_option(spec, OptionValue(), "default");
    option.stage = runtime::OptionStage::kRun;
    Options options;
    options.set(key, option);
    EXPECT_EQ(options.set_from_text(key, text).ok(), taken) << key << "=" << text;
  };
  for (const KeySpec& spec : key_table()) {
    const std::vector<std::string> choices = spec.words();
    for (std::string choice : choices) {
      if (choice.ends_with("(x)")) choice.replace(choice.size() - 2, 1, "0.5"); // a number in its place
      expect(spec, choice, true);
    }
    if (!choices.empty()) expect(spec, "no such word", false);
    if (spec.type == KeyType::kBool)
      for (const auto& [text, taken] : {std::pair("true", true), {"false", true}, {"yes", false}})
        expect(spec, text, taken);
    const bool whole = spec.type == KeyType::kInt || spec.type == KeyType::kInts ||
                       spec.type == KeyType::kIntOrList || spec.type == KeyType::kSeedChoice;
    if (!whole && spec.type != KeyType::kNumber) continue;
    const bool above = spec.above_min; // everything above the limit
    expect(spec, number_text(above ? (whole ? 1 : 0.5) : spec.min), true);
    expect(spec, above ? "0" : number_text(spec.min - 1), false);
    if (std::isfinite(spec.max)) {
      expect(spec, number_text(spec.max), true);
      expect(spec, number_text(spec.max + 1), false);
    }
    if (spec.type == KeyType::kNumber) expect(spec, ".5", spec.min <= 0.5 && spec.max >= 0.5);
    expect(spec, "many", false);
    expect(spec, "inf", false);
  }
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
  for (const KeySpec& spec : key_table()) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(spec.key) + " = ")) << spec.key;
    EXPECT_FALSE(spec.text.empty()) << spec.key;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), spec.key), 0) << spec.key;
    seen.emplace_back(spec.key);
  }
}

} // namespace
} // namespace tailor::recipe
