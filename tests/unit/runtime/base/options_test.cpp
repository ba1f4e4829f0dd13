#include "runtime/base/options.h"

#include <ctime>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

Option number_option(double value) {
  Option option;
  option.value = value;
  option.type = OptionType::kNumber;
  option.origin = "recipe.toml:4:3";
  option.limits.min = 0;
  option.limits.min_exclusive = true;
  option.limits.max = 10;
  return option;
}

Options sample_options() {
  Options options;
  options.set("optimizer.lr", number_option(0.1));
  Option name;
  name.value = "sgd";
  name.type = OptionType::kString;
  name.stage = OptionStage::kCompile;
  name.limits.choices = {"sgd", "adamw"};
  options.set("optimizer.name", name);
  Option time;
  time.type = OptionType::kString;
  time.nullable = true;
  options.set("data.time", time);
  Option metrics;
  metrics.value =
      OptionValue(OptionValue::List{OptionValue("auc"), OptionValue(1), OptionValue(0.5), OptionValue(true)});
  metrics.type = OptionType::kList;
  options.set("eval.metrics", metrics);
  options.set("free", OptionValue(OptionValue::Table{{"b", OptionValue(1)}, {"a", OptionValue()}}));
  return options;
}

TEST(Options, ComeBackFromJson) {
  const Result<Options> back = Options::from_json(sample_options().to_json());
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(*back, sample_options());
  EXPECT_EQ(back->to_json(), sample_options().to_json());
}

TEST(OptionValue, KeepsEveryBitOfNumbers) {
  for (const double value : {0.1, 1.0 / 3.0, 1e-310, 1.7976931348623157e308, -0.0, 3.0, 1e15}) {
    const Result<OptionValue> back = OptionValue::from_json(OptionValue(value).to_json());
    ASSERT_TRUE(back.ok());
    ASSERT_TRUE(back->as_double()) << value;
    EXPECT_EQ(*back->as_double(), value);
  }
  EXPECT_EQ(*OptionValue::from_json("9223372036854775807")->as_int(), INT64_MAX);
  EXPECT_THAT(OptionValue::from_json("9223372036854775808").status().message(), HasSubstr("64 signed bits"));
}

TEST(OptionValue, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("{"), std::string_view("[1,]"), std::string_view("1 2"),
        std::string_view("1\0x", 3), std::string_view("nan")})
    EXPECT_FALSE(OptionValue::from_json(text).ok()) << text;
  EXPECT_THAT(OptionValue::from_json(std::string(100000, '[')).status().message(),
              HasSubstr("nested deeper"));
  EXPECT_THAT(OptionValue::from_json(std::string(70, '[') + std::string(70, ']')).status().message(),
              HasSubstr("nested deeper"));
}

TEST(OptionValue, OneNameTwiceInATableIsRefused) {
  EXPECT_THAT(OptionValue::from_json(R"({"a":1,"b":{"c":1,"d":2,"c":3}})").status().message(),
              HasSubstr("two members 'c'"));
  EXPECT_TRUE(OptionValue::from_json(R"([{"a":1},{"a":1}])").ok());
}

TEST(Options, TimeGrowsWithTheTextNotWithItsSquare) {
  Options options;
  for (int i = 0; i < 60000; ++i) // looking for each name among all others took more than 10 s
    options.set("key." + std::to_string(i), OptionValue(i));
  const std::clock_t start = std::clock();
  const Result<Options> back = Options::from_json(options.to_json());
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->size(), 60000u);
  EXPECT_LT(seconds, 5) << "processor time; about 0.2 s where optimised";
}

TEST(OptionValue, TablesKeepTheirOrder) {
  EXPECT_EQ(OptionValue::from_json(R"({"z":1,"a":{"y":[true,null]}})")->to_json(),
            R"({"z":1,"a":{"y":[true,null]}})");
}

TEST(Options, GettersNameKeyAndOrigin) {
  const Options options = sample_options();
  EXPECT_EQ(*options.get_number("optimizer.lr"), 0.1);
  EXPECT_THAT(options.get_number("optimizer.l").status().message(),
              HasSubstr("option 'optimizer.l' is not set"));
  EXPECT_THAT(options.get_int("optimizer.lr").status().message(),
              HasSubstr("'optimizer.lr' must be an int, not 0.1 (set by recipe.toml:4:3)"));
  EXPECT_EQ(*options.get_int("run.epochs", 7), 7);
  EXPECT_EQ(*options.get_string("data.time", "none"), "none");
  EXPECT_FALSE(options.get_string("optimizer.lr", "x").ok()) << "a wrong type is not 'unset'";
  EXPECT_EQ(*options.get_strings("optimizer.name"), std::vector<std::string>{"sgd"});
  EXPECT_FALSE(options.get_strings("eval.metrics").ok());
}

TEST(Options, SetFromTextChecks) {
  Options options = sample_options();
  ASSERT_TRUE(options.set_from_text("optimizer.lr", "1e-3").ok());
  EXPECT_EQ(*options.get_number("optimizer.lr"), 1e-3);
  EXPECT_EQ(options.find("optimizer.lr")->origin, "command line");
  for (const char* text : {"0", "-1", "10.5", "inf", "nan", "1e400", "0.1x", "", "true"})
    EXPECT_THAT(options.set_from_text("optimizer.lr", text).message(),
                HasSubstr("'optimizer.lr' must be a number above 0 and at most 10"))
        << text;
  EXPECT_EQ(*options.get_number("optimizer.lr"), 1e-3) << "a refused value changes nothing";
  EXPECT_EQ(options.set_from_text("optimizer.lr", "-1").message(),
            "'optimizer.lr' must be a number above 0 and at most 10, not -1");
  EXPECT_THAT(options.set_from_text("optimizer.name", "adamw").message(),
              HasSubstr("compiled into the artifact"));
  const Status unknown = options.set_from_text("optimiser.lr", "1");
  EXPECT_EQ(unknown.code(), StatusCode::kNotFound);
  EXPECT_EQ(unknown.hint(), "did you mean 'optimizer.lr'?");
  EXPECT_EQ(options.set_from_text("lr", "1").hint(), "did you mean 'optimizer.lr'?");
  EXPECT_EQ(options.set_from_text("something.else", "1").hint(), "");
  ASSERT_TRUE(options.set_from_text("data.time", "none").ok());
  EXPECT_FALSE(options.has_value("data.time"));
  ASSERT_TRUE(options.set_from_text("eval.metrics", "auc,f1").ok());
  EXPECT_EQ(*options.get_strings("eval.metrics"), (std::vector<std::string>{"auc", "f1"}));
  ASSERT_TRUE(options.set_from_text("eval.metrics", R"(["a,b"])").ok());
  EXPECT_EQ(*options.get_strings("eval.metrics"), std::vector<std::string>{"a,b"});
  for (const char* text : {"auc", "\"auc\"", "[auc]", "[\"auc\"]"}) { // one is a list of one
    ASSERT_TRUE(options.set_from_text("eval.metrics", text).ok()) << text;
    EXPECT_EQ(options.find("eval.metrics")->value.to_json(), "[\"auc\"]") << text;
  }
  ASSERT_TRUE(options.set_from_text("eval.metrics", "[auc, f1]").ok());
  EXPECT_EQ(options.find("eval.metrics")->value.to_json(), "[\"auc\",\"f1\"]");
}

TEST(Options, CheckNamesTheChoices) {
  Option option = *sample_options().find("optimizer.name");
  option.value = "sdg";
  EXPECT_THAT(Options::check("optimizer.name", option).message(),
              HasSubstr("'optimizer.name' must be one of: sgd, adamw, not \"sdg\""));
}

TEST(Options, ChoicesHoldForTheElementsOfAListAndMayTakeANumber) {
  Option metrics;
  metrics.type = OptionType::kList;
  metrics.limits.choices = {"auc", "recall_at_precision(x)"};
  const auto accepts = [&](OptionValue::List value) {
    metrics.value = OptionValue(std::move(value));
    return Options::check("eval.metrics", metrics).ok();
  };
  EXPECT_TRUE(accepts({"auc", "recall_at_precision(0.9)"}));
  for (const char* wrong :
       {"nope", "", "recall_at_precision(x)", "recall_at_precision", "recall_at_precision()",
        "recall_at_precision(0.9", "recall_at_precision(0.9)x", "auc(1)"})
    EXPECT_FALSE(accepts({"auc", wrong})) << wrong;
}

TEST(Options, MergePutsOneOverTheOther) {
  Options options = sample_options(), stage;
  stage.set("optimizer.lr", number_option(0.5));
  options.merge(stage);
  EXPECT_EQ(*options.get_number("optimizer.lr"), 0.5);
  EXPECT_EQ(options.size(), sample_options().size());
}

TEST(Options, FromJsonRefusesUnknownMembers) {
  EXPECT_THAT(Options::from_json(R"({"a":{"value":1,"type":"float"}})").status().message(),
              HasSubstr("option 'a': unknown option type \"float\""));
  EXPECT_THAT(Options::from_json(R"({"a":{"value":1,"colour":2}})").status().message(),
              HasSubstr("'colour'"));
  EXPECT_FALSE(Options::from_json(R"({"a":1})").ok());
  EXPECT_FALSE(Options::from_json("[]").ok());
}

} // namespace
} // namespace tailor::runtime
