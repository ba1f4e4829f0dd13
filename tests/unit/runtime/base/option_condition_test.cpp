#include "runtime/base/option_condition.h"

#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

Option option(OptionValue value, std::string only_if = "") {
  Option made;
  made.value = std::move(value);
  made.only_if = std::move(only_if);
  return made;
}

TEST(OptionCondition, Parses) {
  EXPECT_EQ(OptionCondition::parse(""), OptionCondition());
  EXPECT_EQ(OptionCondition::parse("a.b"), (OptionCondition{{"a.b"}, {}}));
  EXPECT_EQ(OptionCondition::parse("a|b = x|y"), (OptionCondition{{"a", "b"}, {"x", "y"}}));
}

TEST(OptionCondition, UnmetNamesTheKeyThatDecides) {
  Options options;
  options.set("format", option("csv"));
  options.set("split", option("stratified", "format = csv"));
  options.set("seed", option(0, "split = stratified|group"));
  options.set("on", option(OptionValue()));
  options.set("patience", option(3, "on"));
  EXPECT_EQ(unmet_condition(options, "seed"), std::nullopt);
  EXPECT_EQ(unmet_condition(options, "patience"), (OptionCondition{{"on"}, {}})) << "null is not set";
  EXPECT_EQ(unmet_condition(options, "unknown"), std::nullopt);
  options.set("format", option("blobs"));
  EXPECT_EQ(unmet_condition(options, "seed"), (OptionCondition{{"format"}, {"csv"}})) << "through split";
  options.set("split", option("time", "format = csv"));
  EXPECT_EQ(unmet_condition(options, "seed"), (OptionCondition{{"split"}, {"stratified", "group"}}));
  options.set("lone", option(1, "not.there = x"));
  EXPECT_EQ(unmet_condition(options, "lone"), std::nullopt);
}

TEST(OptionCondition, NoneIsAKeyThatIsNotSet) {
  Options options;
  options.set("weights", option(OptionValue()));
  options.set("table", option("inv_max", "weights = none"));
  EXPECT_EQ(unmet_condition(options, "table"), std::nullopt);
  options.set("weights", option(OptionValue(OptionValue::List{1, 2})));
  EXPECT_EQ(unmet_condition(options, "table"), (OptionCondition{{"weights"}, {"none"}}));
}

TEST(OptionCondition, AListHoldsItsWords) {
  Options options;
  options.set("name", option("pieces"));
  options.set("pieces", option(OptionValue(OptionValue::List{"step", "cosine"}), "name = pieces"));
  options.set("milestones", option(3, "name|pieces = step"));
  options.set("warmup", option(3, "name|pieces = warmup_cosine"));
  EXPECT_EQ(unmet_condition(options, "milestones"), std::nullopt);
  EXPECT_NE(unmet_condition(options, "warmup"), std::nullopt);
  options.set("name", option("cosine"));
  EXPECT_EQ(unmet_condition(options, "milestones"), (OptionCondition{{"name"}, {"pieces"}}))
      << "pieces itself has no effect";
}

TEST(OptionCondition, ACircleEnds) {
  Options options;
  options.set("a", option("x", "b = x"));
  options.set("b", option("x", "a = x"));
  EXPECT_EQ(unmet_condition(options, "a"), std::nullopt);
}

TEST(OptionCondition, TravelsWithTheOptions) {
  Options options;
  options.set("seed", option(0, "split = stratified|group"));
  const Result<Options> read = Options::from_json(options.to_json());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, options);
}

} // namespace
} // namespace tailor::runtime
