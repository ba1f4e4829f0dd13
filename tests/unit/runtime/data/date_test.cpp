#include "runtime/data/date.h"

#include "data_testing.h"

#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace tailor::runtime {
namespace {

double seconds(std::string_view text, DateForm form = DateForm::kYearFirst) {
  DateTime date;
  return parse_date(text, form, date) ? date.local_seconds - date.utc_offset : NAN;
}

TEST(Date, ReadsTheCommonForms) {
  constexpr double kDay = 1614816000; // 2021-03-04
  for (const char* text : {"2021-03-04", "2021/3/4", "2021.03.04", "20210304", "4 Mar 2021", "04-March-2021",
                           "Mar 4, 2021", "March 4 2021", "2021-03-04T00:00:00Z"})
    EXPECT_EQ(seconds(text), kDay) << text;
  EXPECT_EQ(seconds("4/3/2021", DateForm::kDayFirst), kDay);
  EXPECT_EQ(seconds("04.03.2021", DateForm::kDayFirst), kDay);
  EXPECT_EQ(seconds("3/4/2021", DateForm::kMonthFirst), kDay);
  EXPECT_EQ(seconds("2021-03-04 12:30"), kDay + 45000);
  EXPECT_EQ(seconds("2021-03-04T12:30:15.25"), kDay + 45015.25);
  EXPECT_EQ(seconds("20210304123015"), kDay + 45015);
  EXPECT_EQ(seconds("3/4/2021 1:30 PM", DateForm::kMonthFirst), kDay + 48600);
  EXPECT_EQ(seconds("3/4/2021 12:05 am", DateForm::kMonthFirst), kDay + 300);
  EXPECT_EQ(seconds("2021-03-04T12:30:00+02:00"), kDay + 45000 - 7200);
  EXPECT_EQ(seconds("2021-03-04 12:30:00 -0130"), kDay + 45000 + 5400);
  EXPECT_EQ(seconds("1969-12-31"), -86400);
  EXPECT_EQ(seconds("1614816000", DateForm::kUnixSeconds), kDay);
  EXPECT_EQ(seconds("1614816000500", DateForm::kUnixMilliseconds), kDay + 0.5);
}

TEST(Date, RefusesWhatIsNone) {
  for (const char* text : {"", "2021", "2021-13-01", "2021-02-29", "2021-3/4", "1/2/21", "2021-03-04x",
                           "2021-03-04 25:00", "2021-03-04T12", "20211301", "4 Foo 2021", "Marchy 4 2021",
                           "-021-03-04", "2021-03-04 12:30 +99:00", "123456789", "3/4/2021"})
    EXPECT_TRUE(std::isnan(seconds(text))) << text;
  EXPECT_TRUE(std::isnan(seconds("31/12/2021", DateForm::kMonthFirst)));
  EXPECT_TRUE(std::isnan(seconds("12/31/2021", DateForm::kDayFirst)));
  EXPECT_TRUE(std::isnan(seconds("1e300", DateForm::kUnixSeconds)));
}

TEST(Date, TheColumnDecidesDayOrMonth) {
  const auto form = [](std::initializer_list<const char*> cells) {
    DateEvidence evidence;
    for (const char* cell : cells)
      evidence.add(cell);
    return std::pair(evidence.form(), evidence.is_open());
  };
  using Answer = std::pair<std::optional<DateForm>, bool>;
  EXPECT_EQ(form({"1/2/2021", "13/2/2021"}), Answer(DateForm::kDayFirst, false));
  EXPECT_EQ(form({"1/2/2021", "2/13/2021"}), Answer(DateForm::kMonthFirst, false));
  EXPECT_EQ(form({"1/2/2021", "3/4/2021"}), Answer(std::nullopt, true));
  EXPECT_EQ(form({"1/1/2021", "1/1/2020"}),
            Answer(std::nullopt, true)); // it was year first, which reads none
  EXPECT_EQ(form({"1/1/2021", "2021-01-31"}), Answer(std::nullopt, true));
  EXPECT_EQ(form({"13/2/2021", "2/13/2021"}), Answer(std::nullopt, false));
  EXPECT_EQ(form({"1.2.2021"}), Answer(DateForm::kDayFirst, false));
  EXPECT_EQ(form({"2021-01-02", "5 May 2020"}), Answer(DateForm::kYearFirst, false));
  EXPECT_EQ(form({"abc", "12345678"}), Answer(std::nullopt, false));
}

TEST(Date, InputsAreLinesAndCircles) {
  DateTime date;
  ASSERT_TRUE(parse_date("2021-04-01 06:00+02:00", DateForm::kYearFirst, date)); // a Thursday
  const auto all = static_cast<std::uint16_t>((1 << kNumDateFeatures) - 1);
  ASSERT_EQ(num_date_inputs(all), 10);
  std::vector<double> x(10);
  date_inputs(date, all, x);
  EXPECT_DOUBLE_EQ(x[0], 18718 + 4.0 / 24);
  EXPECT_EQ(x[1], 2021);
  EXPECT_NEAR(x[2], 1, 1e-12); // April: a quarter of the year
  EXPECT_NEAR(x[3], 0, 1e-12);
  EXPECT_NEAR(x[4], 0, 1e-12); // the first of the month
  EXPECT_NEAR(x[5], 1, 1e-12);
  EXPECT_NEAR(x[6], std::sin(2 * M_PI * 3 / 7), 1e-12);
  EXPECT_NEAR(x[8], 1, 1e-12); // six o'clock on the wall, whatever the zone
  EXPECT_NEAR(x[9], 0, 1e-12);
  EXPECT_EQ(date_input_names("when", 0b100001),
            (std::vector<std::string>{"when.elapsed_days", "when.hour_sin", "when.hour_cos"}));
}

/// Months that lie opposite on the circle have one sine or cosine, to the last bit: rounding made 11 values of 7,
/// and training warned that f32 joins them.
TEST(Date, MirroredPlacesOfACircleAgreeExactly) {
  const auto distinct = [](const std::vector<std::string>& dates, DateFeature feature) {
    std::array<std::set<double>, 2> values;
    for (const std::string& text : dates) {
      DateTime date;
      EXPECT_TRUE(parse_date(text, DateForm::kYearFirst, date)) << text;
      double x[2];
      date_inputs(date, static_cast<std::uint16_t>(1u << static_cast<int>(feature)), x);
      EXPECT_NEAR(x[0] * x[0] + x[1] * x[1], 1, 1e-15) << text;
      values[0].insert(x[0]), values[1].insert(x[1]);
    }
    return std::pair(values[0].size(), values[1].size());
  };
  std::vector<std::string> months, week, hours;
  for (int i = 1; i <= 12; ++i)
    months.push_back(concat("2021-", i < 10 ? "0" : "", i, "-05"));
  for (int i = 1; i <= 7; ++i)
    week.push_back(concat("2021-03-0", i));
  for (int i = 0; i < 24; ++i)
    hours.push_back(concat("2021-03-01 ", i < 10 ? "0" : "", i, ":00"));
  EXPECT_EQ(distinct(months, DateFeature::kMonth), std::pair(std::size_t{7}, std::size_t{7}));
  EXPECT_EQ(distinct(week, DateFeature::kDayOfWeek), std::pair(std::size_t{7}, std::size_t{4}));
  EXPECT_EQ(distinct(hours, DateFeature::kHour), std::pair(std::size_t{13}, std::size_t{13}));
}

/// A table with one date column, "at", and what a plan makes of it.
class DateColumn : public testing::Test {
protected:
  static std::string table(const std::vector<std::string>& cells) {
    std::string text = "at,x,y\n";
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += concat(cells[i], ",", i, ".5,", i % 2, "\n");
    return text;
  }
  static Result<DataSchema> schema(const std::vector<std::string>& cells, const TablePlan& plan) {
    return infer_schema(value_of(profile_text(table(cells))), plan);
  }
};

TEST_F(DateColumn, IsFoundAndReadAsTheSchemaSays) {
  const std::vector<std::string> cells = {"31/12/2020 18:00", "1/2/2021 06:00", ""};
  TablePlan plan;
  plan.missing = MissingPolicy::kFlag;
  const DataSchema s = value_of(schema(cells, plan));
  EXPECT_EQ(s.columns[0].role, ColumnRole::kDate);
  EXPECT_EQ(s.columns[0].date_form, DateForm::kDayFirst);
  EXPECT_EQ(s.num_numeric(), 7 + 1 + 1); // elapsed, month, day_of_week, hour; x; the flag
  const std::string json = schema_to_json(s);
  EXPECT_EQ(value_of(schema_from_json(json)), s);
  const std::string bits = concat("\"date_features\":", s.columns[0].date_features);
  ASSERT_NE(json.find(bits), std::string::npos);
  std::string wide = json; // the same in 16 bits
  wide.replace(json.find(bits), bits.size(),
               concat("\"date_features\":", 65536 + s.columns[0].date_features));
  EXPECT_FALSE(schema_from_json(wide).ok());
  const RawTable read = value_of(read_text(table(cells), s));
  ASSERT_EQ(read.numeric.size(), 8u);
  EXPECT_EQ(read.numeric[0][0], 18627.75);
  EXPECT_EQ(read.numeric[0][1], 18659.25); // 1 February
  EXPECT_TRUE(std::isnan(read.numeric[6][2]));
  EXPECT_EQ(read.numeric[7][2], 2.5);
  const std::vector<std::int32_t> rows = {0, 1, 2};
  EncodeReport report;
  const FittedState fitted = value_of(fit(read, rows, s, Normalisation::kNone));
  const Dataset data = value_of(encode(read, rows, s, fitted, &report));
  const std::span<const float> features = data.values<float>("numeric");
  ASSERT_EQ(features.size(), 3u * 9);
  EXPECT_EQ(features[2 * 9 + 8], 1); // flagged, once for the column
  EXPECT_EQ(features[0 * 9 + 8], 0);
  EXPECT_EQ(report.imputed[0], 1);
}

TEST_F(DateColumn, OrdersTheRowsToo) {
  TablePlan plan;
  plan.time = named("at");
  plan.date = {named("at")};
  const DataSchema s = value_of(schema({"2021-01-01", "2021-03-01"}, plan));
  EXPECT_TRUE(s.columns[0].orders_rows);
  EXPECT_EQ(s.columns[0].date_features, bit(DateFeature::kMonth) | bit(DateFeature::kDayOfWeek));
  EXPECT_EQ(value_of(read_text(table({"2021-01-01", "2021-03-01"}), s)).time,
            (std::vector<double>{1609459200, 1614556800}));
  plan.date_features = bit(DateFeature::kElapsed);
  EXPECT_THAT(schema({"2021-01-01", "2021-03-01"}, plan).status().message(),
              testing::HasSubstr("no feature is left of the dates of column 'at'"));
}

TEST_F(DateColumn, WhoseOrderIsOpenIsRefusedUntilItIsSaid) {
  const std::vector<std::string> cells = {"1/2/2021", "3/4/2021"};
  TablePlan plan;
  const Status open = schema(cells, plan).status();
  EXPECT_THAT(open.message(), testing::HasSubstr("day and month cannot be told apart"));
  EXPECT_THAT(open.hint(), testing::HasSubstr("data.date_order"));
  plan.time = named("at"); // as the time column likewise
  EXPECT_EQ(schema(cells, plan).status().key(), "data.columns.time");
  plan.date_order = DateForm::kMonthFirst;
  EXPECT_EQ(value_of(schema(cells, plan)).columns[0].date_form, DateForm::kMonthFirst);
  EXPECT_THAT(schema({"13/2/2021", "3/4/2021"}, plan).status().message(),
              testing::HasSubstr("has the day first, data.date_order says the other"));
}

TEST_F(DateColumn, KeysAreComplainedAboutAsWritten) {
  TablePlan plan;
  plan.id = named("x");
  plan.id_key = "eval.predict.id";
  plan.numeric = {named("x")};
  EXPECT_THAT(schema({"2021-01-01", "2021-03-01"}, plan).status().message(),
              testing::HasSubstr("column 'x' is both eval.predict.id and data.columns.numeric"));
  plan.numeric.clear();
  plan.drop = {named("x")};
  EXPECT_EQ(value_of(schema({"2021-01-01", "2021-03-01"}, plan)).columns[1].role, ColumnRole::kId);
  plan.drop.clear();
  plan.time = named("at");
  plan.split.by = SplitBy::kTime;
  plan.split_column = named("x");
  plan.id.reset();
  const Status other = schema({"2021-01-01", "2021-03-01"}, plan).status();
  EXPECT_THAT(other.message(),
              testing::HasSubstr("data.split.column is column 'x', data.columns.time another one"));
  EXPECT_EQ(other.key(), "data.split.column");
}

} // namespace
} // namespace tailor::runtime
