// Structs of options: what their members say of the keys, and how they are read.
#include "runtime/options/key_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::runtime {

enum class Shape { kRound, kFlat };
template <> struct Words<Shape> {
  static constexpr std::pair<Shape, const char*> kAll[] = {{Shape::kRound, "round"}, {Shape::kFlat, "flat"}};
};

namespace {

using ::testing::HasSubstr;

struct SampleKeys {
  std::int64_t count = 3;
  double share = 0.25;
  std::optional<double> limit;
  bool on = true;
  Shape shape = Shape::kFlat;
  std::vector<std::string> names = {"a"};
  std::vector<std::int64_t> steps = {};
  std::string file;

  static const KeySet<SampleKeys>& keys() {
    static const KeySet<SampleKeys> set{
        "sample.",
        {
            key("count", &SampleKeys::count, {.min = 1, .max = 10, .text = "how many"}),
            key("share", &SampleKeys::share, {.min = 0, .max = 1, .above_min = true, .text = "part"}),
            key("limit", &SampleKeys::limit, {.min = 0, .text = "no limit unless set"}),
            key("on", &SampleKeys::on, {.text = "whether"}),
            key("shape.kind", &SampleKeys::shape, {.stage = kCompiled, .text = "which"}),
            key("names", &SampleKeys::names, {.text = "who"}),
            key("steps", &SampleKeys::steps, {.min = 0, .text = "when"}),
            key("file", &SampleKeys::file, {.text = "where", .type = KeyType::kPath, .unset = true}),
        }};
    return set;
  }
};

TEST(KeySet, TypesDefaultsAndWordsFollowFromTheMembers) {
  EXPECT_EQ(key_name(&SampleKeys::shape), "sample.shape.kind");
  const KeySpec& count = key_spec(&SampleKeys::count);
  EXPECT_EQ(count.type, KeyType::kInt);
  EXPECT_EQ(count.fallback, OptionValue(3));
  EXPECT_EQ(count.range(), "at least 1 and at most 10");
  EXPECT_EQ(key_spec(&SampleKeys::share).range(), "above 0 and at most 1");
  EXPECT_TRUE(key_spec(&SampleKeys::limit).fallback.is_null());
  EXPECT_EQ(key_spec(&SampleKeys::shape).choices, (std::vector<std::string>{"round", "flat"}));
  EXPECT_EQ(key_spec(&SampleKeys::shape).fallback, OptionValue("flat"));
  EXPECT_EQ(key_spec(&SampleKeys::steps).type, KeyType::kInts);
  EXPECT_EQ(key_spec(&SampleKeys::file).type, KeyType::kPath);
  EXPECT_TRUE(key_spec(&SampleKeys::file).fallback.is_null());
  EXPECT_THAT(key_spec(&SampleKeys::file).declared.file_name(), HasSubstr("key_set_test.cpp"));
}

TEST(KeySet, ReadsWhatIsSetAndKeepsTheRest) {
  Options options;
  options.set("sample.count", OptionValue(7));
  options.set("sample.shape.kind", OptionValue("round"));
  options.set("sample.steps", OptionValue(OptionValue::List{OptionValue(1), OptionValue(5)}));
  options.set("sample.limit", OptionValue(2));
  const Result<SampleKeys> keys = read_keys<SampleKeys>(options);
  ASSERT_TRUE(keys.ok()) << keys.status().message();
  EXPECT_EQ(keys->count, 7);
  EXPECT_EQ(keys->share, 0.25);
  EXPECT_EQ(keys->shape, Shape::kRound);
  EXPECT_EQ(keys->steps, (std::vector<std::int64_t>{1, 5}));
  EXPECT_EQ(keys->limit, 2.0);
  EXPECT_EQ(keys->names, std::vector<std::string>{"a"});
}

// An artifact brings its own limits; those of the declaration count.
TEST(KeySet, RefusesWhatItsDeclarationDoesNotAllow) {
  const auto status = [](const char* key, OptionValue value) {
    Options options;
    Option option;
    option.value = std::move(value);
    option.limits.max = 1e9;
    options.set(key, std::move(option));
    return read_keys<SampleKeys>(options).status();
  };
  const Status large = status("sample.count", OptionValue(11));
  EXPECT_THAT(large.message(),
              HasSubstr("'sample.count' must be an int of at least 1 and at most 10, not 11"));
  EXPECT_EQ(large.key(), "sample.count");
  EXPECT_THAT(status("sample.share", OptionValue(0)).message(), HasSubstr("above 0"));
  EXPECT_THAT(status("sample.shape.kind", OptionValue("square")).message(), HasSubstr("one of: round, flat"));
  EXPECT_FALSE(status("sample.on", OptionValue("yes")).ok());
  EXPECT_FALSE(status("sample.count", OptionValue(2.5)).ok());
}

} // namespace
} // namespace tailor::runtime
