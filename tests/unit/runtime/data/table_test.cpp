#include "runtime/data/table.h"

#include "runtime/data/schema.h"

#include "data_testing.h"

#include <cmath>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

/// age (numeric), kind (categorical), skip (dropped), y (label no | yes).
DataSchema schema(bool has_names = true, std::string missing = "error") {
  DataSchema s;
  s.named = has_names;
  s.missing = std::move(missing);
  s.columns = {{"age", 0, ColumnRole::kNumeric},
               {"kind", 1, ColumnRole::kCategorical, 4},
               {"skip", 2, ColumnRole::kDrop},
               {"y", 3, ColumnRole::kLabel}};
  s.num_classes = 2;
  s.class_names = {"no", "yes"};
  s.positive_class = 1;
  return s;
}

Status failure(std::string_view text, const DataSchema& s = schema(), ReadOptions options = {}) {
  return read_text(text, s, options).status();
}

TEST(Table, ReadsByNameInAnyOrder) {
  const RawTable table =
      value_of(read_text("y,extra,kind,age\nno,9,a,1.5\nyes,9,?,-2\nno,9,a,0\n", schema()));
  EXPECT_EQ(table.num_rows, 3);
  EXPECT_EQ(table.numeric[0], (std::vector<double>{1.5, -2, 0}));
  EXPECT_EQ(table.category[0].values, (std::vector<std::string>{"a", "(missing)"}));
  EXPECT_EQ(table.category[0].codes, (std::vector<std::int32_t>{0, 1, 0}));
  EXPECT_EQ(table.label, (std::vector<std::int32_t>{0, 1, 0}));
}

TEST(Table, ReadsByPosition) {
  const RawTable table = value_of(read_text("1,a,x,no\n2,b,x,yes\n", schema(false)));
  EXPECT_EQ(table.num_rows, 2);
  EXPECT_EQ(table.numeric[0], (std::vector<double>{1, 2}));
  ReadOptions with_header;
  with_header.csv.header = HeaderLine::kYes;
  EXPECT_EQ(value_of(read_text("h0,h1,h2,h3\n1,a,x,no\n", schema(false), with_header)).num_rows, 1);
  ReadOptions without_header;
  without_header.csv.header = HeaderLine::kNo;
  EXPECT_EQ(value_of(read_text("1,a,x,no\n", schema(), without_header)).num_rows, 1);
}

TEST(Table, MissingNumbersFollowThePolicy) {
  const Status status = failure("age,kind,y\n1,a,no\n?,a,yes\n");
  EXPECT_EQ(status.message(), "t.csv:3:1: column 'age': expected a number, found '?'");
  EXPECT_THAT(status.hint(), HasSubstr("data.missing"));
  EXPECT_THAT(failure("age,kind,y\n ,a,no\n").message(), HasSubstr("found an empty cell"));
  const RawTable table = value_of(read_text("age,kind,y\n1,a,no\nNaN,a,yes\n,a,no\n", schema(true, "mean")));
  EXPECT_TRUE(std::isnan(table.numeric[0][1]) && std::isnan(table.numeric[0][2]));
  EXPECT_EQ(table.num_missing[0], 2);
}

TEST(Table, EveryBadCellHasFileLineColumnAndExpectation) {
  EXPECT_EQ(failure("age,kind,y\n1,a,no\n2,b,yes\nabc,a,no\n").message(),
            "t.csv:4:1: column 'age': expected a number, found 'abc'");
  EXPECT_EQ(failure("age,kind,y\n1,a\n").message(), "t.csv:2:3: row has 2 cells, expected 3");
  EXPECT_EQ(failure("age,kind,y\n1,a,no,9\n").message(), "t.csv:2:8: row has 4 cells, expected 3");
  EXPECT_THAT(failure("age,kind,y\ninf,a,no\n").message(),
              HasSubstr("expected a finite number, found 'inf'"));
  EXPECT_THAT(failure("age,kind,y\n1e99,a,no\n").message(),
              HasSubstr("expected a number below 3.4e38 in size"));
  EXPECT_THAT(failure("age,kind,y\n1,a,\n").message(), HasSubstr("t.csv:2:5: column 'y': expected a label"));
  EXPECT_THAT(failure("age,kind,y\n1,M\xFC,no\n").message(), HasSubstr("column 'kind': expected UTF-8 text"));
  // The same below a schema that allows missing numbers.
  EXPECT_THAT(failure("age,kind,y\nabc,a,no\n", schema(true, "mean")).message(),
              HasSubstr("expected a number"));
}

TEST(Table, LabelsOutsideTheSchemaAreErrors) {
  Status status = failure("age,kind,y\n1,a,maybe\n");
  EXPECT_THAT(status.message(),
              HasSubstr("t.csv:2:5: column 'y': label 'maybe' is not one of the 2 classes"));
  status = failure("age,kind,y\n1,a,yes.\n");
  EXPECT_THAT(status.hint(), HasSubstr("data.label.strip = \".\""));
  DataSchema stripping = schema();
  stripping.label_strip = ".";
  EXPECT_EQ(value_of(read_text("age,kind,y\n1,a,yes.\n2,a,no\n", stripping)).label,
            (std::vector<std::int32_t>{1, 0}));
}

TEST(Table, HeadersAreCheckedAgainstTheSchema) {
  Status status = failure("1,a,x,no\n2,b,x,yes\n");
  EXPECT_THAT(status.message(),
              HasSubstr("t.csv:1:1: no header, expected a first line that names the columns ('age', ...)"));
  status = failure("agee,kind,y\n1,a,no\n");
  EXPECT_THAT(status.message(), HasSubstr("the header has no column 'age'"));
  EXPECT_EQ(status.hint(), "the nearest is 'agee'");
  EXPECT_EQ(failure("age,kind\n1,a\n").hint(),
            "it is the label: training and metrics need it, predict does not");
  EXPECT_EQ(
      failure("age,age,kind,y\n1,1,a,no\n").message(),
      "t.csv:1:5: 2 columns are named 'age', the training table had 1: it cannot be told which is meant");
  EXPECT_THAT(failure("1,a,no\n", schema(false)).message(), HasSubstr("expected 4 cells, found 3"));
}

TEST(Table, ColumnsOfOneNameAreToldApartByOrder) {
  DataSchema s = schema();
  s.columns = {{"x", 0, ColumnRole::kDrop},
               {"x", 1, ColumnRole::kNumeric},
               {"x", 2, ColumnRole::kNumeric},
               {"y", 3, ColumnRole::kLabel}};
  EXPECT_TRUE(check_schema(s).ok());
  const RawTable table = value_of(read_text("x,new,x,x,y\n1,9,2,3,no\n", s));
  EXPECT_EQ(table.numeric[0][0], 2);
  EXPECT_EQ(table.numeric[1][0], 3);
  ReadOptions predict;
  predict.need_label = false;
  EXPECT_EQ(value_of(read_text("x,x,x\n1,2,3\n", s, predict)).numeric[1][0], 3);
  EXPECT_THAT(failure("x,x,y\n2,3,no\n", s).message(),
              HasSubstr("2 columns are named 'x', the training table had 3"));
  const Status shuffled = failure("y,x,x,x\nno,1,2,3\n", s);
  EXPECT_THAT(shuffled.message(), HasSubstr("another order than in the training table"));
  EXPECT_THAT(shuffled.hint(), HasSubstr("told apart by their order"));
}

TEST(Table, EmptyFilesAreErrors) {
  EXPECT_EQ(failure("").message(), "'t.csv': the file is empty, expected a table");
  EXPECT_EQ(failure("age,kind,y\n").message(), "'t.csv': a header but no row, expected data");
  EXPECT_EQ(read_table("/nowhere/t.csv", schema(), {}).status().code(), StatusCode::kNotFound);
}

TEST(Table, PredictionNeedsNoLabels) {
  ReadOptions predict;
  predict.need_label = false;
  EXPECT_TRUE(value_of(read_text("age,kind\n1,a\n", schema(), predict)).label.empty());
  EXPECT_TRUE(value_of(read_text("age,kind,y\n1,a,whatever\n", schema(), predict)).label.empty());
  EXPECT_EQ(value_of(read_text("1,a,x\n2,b,x\n", schema(false), predict)).num_rows, 2);
  EXPECT_EQ(value_of(read_text("1,a,x,?\n", schema(false), predict)).num_rows, 1);
  EXPECT_FALSE(read_text("age,kind\n1,a\n", schema()).ok());
}

TEST(Table, GroupTimeAndIdColumns) {
  DataSchema s = schema();
  s.columns.push_back({"who", 4, ColumnRole::kGroup});
  s.columns.push_back({"when", 5, ColumnRole::kTime});
  s.columns.push_back({"id", 6, ColumnRole::kId});
  const RawTable table =
      value_of(read_text("age,kind,y,who,when,id\n1,a,no,p,1970-01-02,r1\n1,a,no,q,1970-01-01T00:01:30Z,r2\n"
                         "1,a,no,p,2.5,r1\n",
                         s));
  EXPECT_EQ(table.group.codes, (std::vector<std::int32_t>{0, 1, 0}));
  EXPECT_EQ(table.time, (std::vector<double>{86400, 90, 2.5}));
  EXPECT_EQ(table.id.values[static_cast<std::size_t>(table.id.codes[2])], "r1");
  for (const char* when : {"yesterday", "2020-13-01", "2020-02-30", "2020-01-01 25:00", "2020-01-01 10", ""})
    EXPECT_THAT(failure(concat("age,kind,y,who,when,id\n1,a,no,p,", when, ",r1\n"), s).message(),
                HasSubstr("expected a number or a date"))
        << when;
  EXPECT_THAT(failure("age,kind,y,who,when,id\n1,a,no,,1,r1\n", s).message(), HasSubstr("expected a group"));
}

} // namespace
} // namespace tailor::runtime
