#include "runtime/data/fitted.h"

#include "data_testing.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

DataSchema schema() {
  DataSchema s;
  s.named = true;
  s.missing = "flag";
  s.numeric = "standard";
  s.columns = {{"a", 0, ColumnRole::kNumeric},
               {"b", 1, ColumnRole::kNumeric, 0, true},
               {"kind", 2, ColumnRole::kCategorical, 5},
               {"y", 3, ColumnRole::kLabel},
               {"id", 4, ColumnRole::kId}};
  s.num_classes = 2;
  s.class_names = {"no", "yes"};
  return s;
}

RawTable table() {
  return value_of(read_text("a,b,kind,y,id\n"
                            "2,10,red,no,r0\n"
                            "4,?,blue,yes,r1\n"
                            "99,30,green,no,r2\n" // not in the training rows below
                            "6,20,?,no,r3\n",
                            schema()));
}

const std::vector<std::int32_t> kTrain = {0, 1, 3};
const std::vector<std::int32_t> kAll = {3, 2, 1, 0};

std::vector<std::int32_t> first_two() {
  return {0, 1};
}

FittedState fitted() {
  return value_of(fit(table(), kTrain, schema(), Normalisation::kStandard));
}

TEST(Fitted, SeesTheTrainingRowsOnly) {
  const FittedState state = fitted();
  EXPECT_EQ(state.class_counts, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(state.vocabularies, (std::vector<Vocabulary>{{"(missing)", "blue", "red"}}));
  EXPECT_EQ(state.numeric.mean, (std::vector<double>{4, 15}));
}

TEST(Fitted, EncodesInTheGivenOrder) {
  EncodeReport report;
  const Dataset data = value_of(encode(table(), kAll, schema(), fitted(), &report));
  EXPECT_EQ(data.num_rows, 4);
  EXPECT_EQ(data.columns[0].input(), (InputColumn{"numeric", DType::kF32, {3}})); // a, b, b is missing
  const float s = std::sqrt(8.0f / 3.0f);
  const std::vector<float> expected = {2 / s, 1, 0, 95 / s, 3, 0, 0, 0, 1, -2 / s, -1, 0};
  const std::span<const float> numeric = data.values<float>("numeric");
  ASSERT_EQ(numeric.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_FLOAT_EQ(numeric[i], expected[i]) << i;
  EXPECT_THAT(data.values<std::int32_t>("category"),
              testing::ElementsAre(0, 4, 1, 2)); // green is unknown: the last of 5 codes
  EXPECT_THAT(data.labels(), testing::ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(data.values<std::int32_t>("index"), testing::ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(data.source_row, kAll);
  EXPECT_EQ(data.id, (std::vector<std::string>{"r3", "r2", "r1", "r0"}));
  EXPECT_EQ(data.class_counts, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(report.unknown_categories, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(report.imputed, (std::vector<std::int64_t>{0, 1}));
}

TEST(Fitted, JsonRoundTripKeepsEveryBit) {
  FittedState state = fitted();
  state.numeric.mean = {1.0 / 3, 1e-310};
  EXPECT_EQ(value_of(FittedState::from_json(state.to_json())), state);
  state.numeric.normalisation = Normalisation::kQuantile;
  state.numeric.num_quantiles = 2;
  state.numeric.quantiles = {0, 0.1, 3, 1e300};
  EXPECT_EQ(value_of(FittedState::from_json(state.to_json())), state);
}

TEST(Fitted, NamedArraysFeedTheClassTables) {
  const std::vector<NamedArray> arrays = fitted().named_arrays();
  ASSERT_EQ(arrays.size(), 5u);
  EXPECT_EQ(arrays[0].name, "class_counts");
  EXPECT_EQ(arrays[0].values, (std::vector<double>{2, 1}));
  EXPECT_EQ(arrays[1].name, "class_prior");
  EXPECT_DOUBLE_EQ(arrays[1].values[1], 1.0 / 3);
}

TEST(Fitted, MustFitTheSchema) {
  const auto broken = [](auto change) {
    FittedState state = fitted();
    change(state);
    return state.check(schema()).message();
  };
  EXPECT_TRUE(fitted().check(schema()).ok());
  EXPECT_THAT(broken([](FittedState& s) { s.class_names = {"no", "maybe"}; }), HasSubstr("names differ"));
  EXPECT_THAT(broken([](FittedState& s) { s.class_counts.pop_back(); }),
              HasSubstr("1 class counts for 2 classes"));
  EXPECT_THAT(broken([](FittedState& s) { s.vocabularies.clear(); }), HasSubstr("0 vocabularies"));
  EXPECT_THAT(broken([](FittedState& s) {
                s.vocabularies[0] = {"a", "b", "c", "d", "e"};
              }),
              HasSubstr("room for 4"));
  EXPECT_THAT(broken([](FittedState& s) { s.vocabularies[0] = {"b", "a"}; }), HasSubstr("is not sorted"));
  EXPECT_THAT(broken([](FittedState& s) { s.numeric.mean.push_back(0); }),
              HasSubstr("3 numeric columns, the program 2"));
  EXPECT_THAT(broken([](FittedState& s) { s.numeric.mean[0] = NAN; }), HasSubstr("not finite"));
  EXPECT_THAT(broken([](FittedState& s) { s.numeric.normalisation = Normalisation::kQuantile; }),
              HasSubstr("quantiles"));
  EXPECT_THAT(broken([](FittedState& s) {
                s.numeric.normalisation = Normalisation::kQuantile;
                s.numeric.num_quantiles = 2;
                s.numeric.quantiles = {0, 1, 1, 0};
              }),
              HasSubstr("quantiles of numeric column 1 are not ascending"));
}

TEST(Fitted, DamagedJsonIsAnError) {
  const std::string good = fitted().to_json();
  EXPECT_EQ(FittedState::from_json("{}").status().code(), StatusCode::kIncompatible);
  EXPECT_FALSE(FittedState::from_json(good.substr(0, good.size() / 2)).ok());
  std::string negative = good;
  negative.replace(negative.find("[2,1]"), 5, "[2,-1]");
  EXPECT_EQ(FittedState::from_json(negative).status().code(), StatusCode::kDataLoss);
}

TEST(Fitted, ACellBeyondF32IsRefusedWithItsPlace) {
  RawTable raw = value_of(read_text("a,b,kind,y,id\n\n1,0.1,red,no,r0\n\n2,0.2,red,yes,r1\n", schema()));
  const FittedState state = value_of(fit(raw, first_two(), schema(), Normalisation::kStandard));
  raw = value_of(read_text("a,b,kind,y,id\n1,2,red,no,r0\n\n2,-3e38,red,yes,r1\n", schema()));
  const Status status = encode(raw, first_two(), schema(), state).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("t.csv:4: column 'b': -3e+38 is -6e+39"));
  EXPECT_THAT(status.message(), HasSubstr("standard deviations from the training mean"));
}

TEST(Fitted, RowsKnowTheirLines) {
  const RawTable raw = value_of(
      read_text("a,b,kind,y,id\n\n1,0,red,no,\"r\n0\"\n2,0,red,yes,r1\n\n\n3,0,red,no,r2\n", schema()));
  const std::vector<std::int32_t> rows = {2, 0, 1};
  const Dataset data = value_of(encode(raw, rows, schema(), fitted()));
  EXPECT_EQ(data.place(0), "t.csv:8");
  EXPECT_EQ(data.place(1), "t.csv:3");
  EXPECT_EQ(data.place(2), "t.csv:5");
  Dataset generated;
  generated.path = "blobs";
  generated.source_row = {7};
  EXPECT_EQ(generated.place(0), "row 7 of 'blobs'");
}

TEST(Fitted, ColumnsThatF32FlattensAreFound) {
  std::string text = "a,b,kind,y,id\n";
  for (int i = 0; i < 40; ++i)
    text += concat(100000000 + i % 2, ",", i, ".25,red,no,r", i, "\n");
  const RawTable raw = value_of(read_text(text, schema()));
  std::vector<std::int32_t> rows(40);
  std::iota(rows.begin(), rows.end(), 0);
  const auto lost = [&](Normalisation normalisation) {
    return lost_spacing(raw, rows, schema(), value_of(fit(raw, rows, schema(), normalisation)).numeric);
  };
  ASSERT_EQ(lost(Normalisation::kNone).size(), 1u);
  EXPECT_EQ(lost(Normalisation::kNone)[0].column, "a");
  EXPECT_EQ(lost(Normalisation::kNone)[0].resolution.num_features, 1);
  EXPECT_TRUE(lost(Normalisation::kStandard).empty());
  EXPECT_TRUE(lost(Normalisation::kQuantile).empty());
}

TEST(Fitted, CirclesOfDatesLoseNoSpacing) {
  DataSchema dates;
  dates.columns = {
      {.name = "when",
       .role = ColumnRole::kDate,
       .date_features = static_cast<std::uint16_t>(bit(DateFeature::kElapsed) | bit(DateFeature::kMonth))}};
  RawTable raw;
  raw.numeric.resize(3);
  std::vector<std::int32_t> rows;
  for (int month = 0; month < 12; ++month) {
    const double angle = 2 * std::numbers::pi * month / 12;
    raw.numeric[0].push_back(1e9 + 1e-4 * month);
    raw.numeric[1].push_back(std::sin(angle)); // 0.5 and 0.49999999999999994, which are one number
    raw.numeric[2].push_back(std::cos(angle));
    rows.push_back(month);
  }
  NumericTransform none;
  none.normalisation = Normalisation::kNone;
  none.mean.assign(3, 0);
  none.std.assign(3, 1);
  const std::vector<LostSpacing> lost = lost_spacing(raw, rows, dates, none);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].column, "when.elapsed_days");
}

TEST(Fitted, MoreCategoriesThanTheProgramHasRoomFor) {
  DataSchema narrow = schema();
  narrow.columns[2].capacity = 3;
  const Status status = fit(table(), kTrain, narrow, Normalisation::kNone).status();
  EXPECT_EQ(status.code(), StatusCode::kIncompatible);
  EXPECT_THAT(
      status.message(),
      HasSubstr("column 'kind' has 3 categories in the training split, the program was compiled for 2"));
}

} // namespace
} // namespace tailor::runtime
