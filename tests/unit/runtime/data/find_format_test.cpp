#include "runtime/data/find_format.h"

#include "data_testing.h"

namespace tailor::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

FoundFormat found(std::string_view text) {
  return find_format(value_of(profile_text(text)));
}

TEST(FindFormat, PlainTablesArePlain) {
  const FoundFormat f = found("a,b,kind,y\n1,2.5,red,0\n1000,?,blue,1\n");
  EXPECT_TRUE(f.is_default());
  EXPECT_TRUE(f.lines().empty());
}

TEST(FindFormat, DecimalCommas) {
  const FoundFormat f = found("a;b;y\n95,85;1;0\n1,5;2;1\n");
  EXPECT_EQ(f.cells.number, (NumberFormat{',', 0}));
  EXPECT_EQ(f.number_reason, "decimal comma: '95,85' at t.csv:2:1");
  EXPECT_EQ(f.ambiguity, "");
  EXPECT_EQ(found("a,y\n\"95,85\",0\n\"1,5\",1\n").cells.number, (NumberFormat{',', 0}));
  EXPECT_EQ(found("a;y\n1.234,5;0\n95,85;1\n").cells.number, (NumberFormat{',', '.'}));
}

TEST(FindFormat, GroupsAndSigns) {
  const FoundFormat f = found("price,rate,y\n\"$1,234.50\",28%,0\n$7.25,3.5%,1\n");
  EXPECT_EQ(f.cells.number, (NumberFormat{'.', ','}));
  EXPECT_EQ(f.cells.signs, (std::vector<std::string>{"$", "%"}));
  EXPECT_EQ(f.number_reason, "decimal point, thousands comma: '$1,234.50' at t.csv:2:2");
  EXPECT_EQ(f.signs_reason,
            "'$' beside numbers: '$1,234.50' at t.csv:2:2, '%' beside numbers: '28%' at t.csv:2:13");
  EXPECT_EQ(f.ambiguity, "");
  EXPECT_EQ(found("rate,y\n28%,0\n3%,1\n").cells.number, NumberFormat());
}

TEST(FindFormat, OneCellDecidesForTheOthers) {
  EXPECT_EQ(found("a;b\n1,234;0,5\n2,345;0,25\n").cells.number, (NumberFormat{',', 0}));
  EXPECT_EQ(found("a;b\n1,234;2,345.5\n2,345;7\n").cells.number, (NumberFormat{'.', ','}));
  EXPECT_EQ(found("a;b\n1,234;1,234,567\n2,345;7\n").cells.number, (NumberFormat{'.', ','}));
}

TEST(FindFormat, AmbiguityIsSaid) {
  const FoundFormat comma = found("a,y\n\"1,234\",0\n\"2,345\",1\n");
  EXPECT_EQ(comma.cells.number, (NumberFormat{'.', ','}));
  EXPECT_EQ(comma.ambiguity,
            "'1,234' at t.csv:2:2 is read as thousands, but could be a decimal (data.decimal = \",\" "
            "without data.thousands): no cell of the table decides it");
  const FoundFormat semicolon = found("a;y\n1,234;0\n2,345;1\n");
  EXPECT_EQ(semicolon.cells.number, (NumberFormat{',', 0}));
  EXPECT_THAT(semicolon.ambiguity, HasSubstr("is read as a decimal, but could be thousands"));
}

TEST(FindFormat, MarkersInColumnsOfNumbers) {
  const FoundFormat f = found("a,kind,y\n1,none,0\nnull,red,1\n3,none,0\n4,red,1\nNULL,red,1\n");
  EXPECT_THAT(f.cells.missing, ElementsAre("?", "NA", "nan", "NaN", "NAN", "null", "NULL"));
  EXPECT_EQ(f.markers_reason,
            "no value in column 'a': 'null' at t.csv:3:1, in column 'a': 'NULL' at t.csv:6:1");
}

TEST(FindFormat, TheSecondReadingAgrees) {
  const std::string_view text =
      "price,rate,n,y\n\"$1,234.50\",28%,1,0\n$7.25,3.5%,null,1\n\"-$1,000\",0%,3,1\n";
  const FoundFormat f = found(text);
  const FileProfile profile =
      value_of(profile_csv(std::move(*memory_byte_source(text)), "t.csv", {}, {}, f.cells));
  EXPECT_TRUE(profile.columns[0].is_numeric());
  EXPECT_EQ(profile.columns[0].max, 1234.5);
  EXPECT_EQ(profile.columns[0].min, -1000);
  EXPECT_EQ(profile.columns[0].type_reason(), "numbers with '$' in all 3 cells with a value");
  EXPECT_EQ(profile.columns[1].max, 28);
  EXPECT_EQ(profile.columns[2].num_missing, 1);
  EXPECT_TRUE(find_format(profile).number_reason.empty() || profile.columns[0].shaped.count == 0);

  TablePlan plan;
  plan.cells = f.cells;
  plan.missing = MissingPolicy::kMean;
  const DataSchema schema = value_of(infer_schema(profile, plan));
  EXPECT_EQ(schema.columns[0].sign, "$");
  EXPECT_EQ(schema.columns[1].sign, "%");
  EXPECT_EQ(schema.columns[2].sign, "");
  EXPECT_EQ(value_of(schema_from_json(schema_to_json(schema))), schema);
  const RawTable table = value_of(read_text(text, schema));
  EXPECT_EQ(table.numeric[0], (std::vector<double>{1234.5, 7.25, -1000}));
  EXPECT_EQ(table.numeric[1], (std::vector<double>{28, 3.5, 0}));
  EXPECT_EQ(table.num_missing[2], 1);
  // Another table of the same program: the sign of a price may be left out, a percent sign is a factor.
  EXPECT_EQ(value_of(read_text("price,rate,n,y\n5,1%,2,0\n", schema)).numeric[0][0], 5);
  const Status status = read_text("price,rate,n,y\n5,0.01,2,0\n", schema).status();
  EXPECT_EQ(status.message(),
            "t.csv:2:3: column 'rate': expected a number with '%' as in the training table, found "
            "'0.01'");
  EXPECT_THAT(read_text("price,rate,n,y\n€5,1%,2,0\n", schema).status().message(), HasSubstr("found '€5'"));
}

TEST(FindFormat, MixedSignsAreRefused) {
  TablePlan plan;
  plan.cells.signs = {"$", "€", "%"};
  const auto status = [&](std::string_view text) {
    return infer_schema(
               value_of(profile_csv(std::move(*memory_byte_source(text)), "t.csv", {}, {}, plan.cells)), plan)
        .status();
  };
  EXPECT_EQ(status("a,y\n$1,0\n€2,1\n").message(),
            "column 'a' mixes '$' at t.csv:2:1 and '€' at t.csv:3:1, expected one sign in a column");
  EXPECT_THAT(status("a,y\n28%,0\n0.28,1\n").message(),
              HasSubstr("column 'a' has '%' at t.csv:2:1 and none at t.csv:3:1"));
  EXPECT_TRUE(status("a,y\n$1,0\n2,1\n").ok());
}

TEST(FindFormat, ConflictsAreSaidAndLeftAsText) {
  const FoundFormat f = found("a,rate,b,y\n$1,28%,$1,0\n€2,0.28,$3,1\n");
  EXPECT_EQ(f.cells.signs, (std::vector<std::string>{"$"}));
  EXPECT_THAT(f.conflicts,
              ElementsAre("column 'a' mixes '$' at t.csv:2:1 and '€' at t.csv:3:1: left as text",
                          "column 'rate' has '%' at t.csv:2:4 but not in every cell: left as text"));
}

// A recipe written by hand says nothing of formats: its numbers are never silently categories.
TEST(FindFormat, NumbersThatAreReadAsTextAreRefused) {
  const auto status = [](std::string_view text) {
    TablePlan plan;
    return infer_schema(value_of(profile_text(text)), plan).status();
  };
  const Status percent = status("rate,y\n28%,0\n3%,1\n28%,1\n");
  EXPECT_EQ(percent.message(),
            "t.csv:2:1: column 'rate' holds '28%', a number written in another way, in 3 cells");
  EXPECT_EQ(percent.hint(),
            "data.number_signs = [\"%\"] reads it as one; data.columns.categorical keeps it a text");
  EXPECT_THAT(status("a;y\n1,5;0\n2,5;1\n").hint(), HasSubstr("data.decimal = \",\""));
  EXPECT_THAT(status("a,y\n\"$1,234.5\",0\n$2,1\n").hint(),
              HasSubstr("data.thousands = \",\", data.number_signs = [\"$\"]"));
  TablePlan kept;
  kept.categorical = {named("rate")};
  EXPECT_TRUE(infer_schema(value_of(profile_text("rate,y\n28%,0\n3%,1\n")), kept).ok());
}

} // namespace
} // namespace tailor::runtime
