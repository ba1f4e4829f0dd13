#include "runtime/data/profile.h"

#include "data_testing.h"

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

TEST(Profile, CountsWhatIsInEachColumn) {
  const FileProfile profile = value_of(profile_text("age,kind,y\n1,a,0\n2.5,?,1\nNA,b,0\n-4,a,1\n"));
  EXPECT_TRUE(profile.has_header);
  EXPECT_EQ(profile.header_reason, "'age' stands above numbers");
  EXPECT_EQ(profile.num_rows, 4);
  ASSERT_EQ(profile.columns.size(), 3u);
  const ColumnProfile& age = profile.columns[0];
  EXPECT_EQ(age.name, "age");
  EXPECT_EQ(age.num_values, 3);
  EXPECT_EQ(age.num_missing, 1);
  EXPECT_EQ(age.num_numbers, 3);
  EXPECT_FALSE(age.all_integers);
  EXPECT_EQ(age.min, -4);
  EXPECT_EQ(age.max, 2.5);
  EXPECT_TRUE(age.is_numeric());
  EXPECT_EQ(age.type_reason(), "numbers in all 3 cells with a value, 1 missing");
  const ColumnProfile& kind = profile.columns[1];
  EXPECT_FALSE(kind.is_numeric());
  EXPECT_EQ(kind.type_reason(), "text, 2 values, 1 missing");
  using Pair = std::pair<std::string, std::int64_t>;
  EXPECT_EQ(kind.distinct, (std::vector<Pair>{{"a", 2}, {"(missing)", 1}, {"b", 1}}));
}

TEST(Profile, HeaderIsFoundOrNotWithAReason) {
  EXPECT_EQ(value_of(profile_text("1,2\n3,4\n")).header_reason, "the first line holds '1', which is data");
  EXPECT_EQ(value_of(profile_text("a,b\na,c\n")).header_reason,
            "'a' of the first line occurs again below it");
  EXPECT_TRUE(value_of(profile_text("kind,shape\na,c\nb,d\n")).has_header);
  EXPECT_FALSE(value_of(profile_text("a,b\n1,2\n", {.header = HeaderLine::kNo})).has_header);
  EXPECT_TRUE(value_of(profile_text("1,2\n3,4\n", {.header = HeaderLine::kYes})).has_header);
  const std::vector<std::string> mentioned = {"2"};
  const FileProfile named =
      value_of(profile_csv(std::move(*memory_byte_source("1,2\n3,4\n")), "t.csv", {}, mentioned));
  EXPECT_TRUE(named.has_header);
  EXPECT_EQ(named.header_reason, "the first line names '2'");
}

TEST(Profile, AColumnWithoutANameIsNoData) {
  // What a data frame is written with: its row names, under no name.
  for (const char* text : {",a,y\n0,1.5,0\n1,2.5,1\n", "Unnamed: 0,a,y\n0,1.5,0\n1,2.5,1\n"}) {
    const FileProfile profile = value_of(profile_text(text));
    EXPECT_TRUE(profile.has_header) << text;
    EXPECT_EQ(profile.num_rows, 2);
    EXPECT_TRUE(profile.columns[0].is_index);
    EXPECT_FALSE(profile.columns[1].is_index);
  }
  EXPECT_EQ(value_of(profile_text(",a\n0,1\n")).columns[0].name, "column 0");
  // Elsewhere it is a column like any other; and a missing first cell makes no header.
  const FileProfile inner = value_of(profile_text("a,,y\n1,2,0\n3,4,1\n"));
  EXPECT_TRUE(inner.has_header);
  EXPECT_FALSE(inner.columns[1].is_index);
  EXPECT_FALSE(value_of(profile_text(",1.5,0\n1,2.5,1\n")).has_header);
}

TEST(Profile, ARepeatedNameIsAName) {
  const FileProfile profile = value_of(profile_text("x,x,y\n1,2,0\n3,4,1\n"));
  EXPECT_TRUE(profile.has_header);
  EXPECT_TRUE(profile.columns[0].shares_name && profile.columns[1].shares_name);
  EXPECT_FALSE(profile.columns[2].shares_name);
  EXPECT_FALSE(value_of(profile_text("x,x\nx,z\n")).has_header);
}

TEST(Profile, NumbersAsNames) {
  const auto is_header = [](const std::string& text) { return value_of(profile_text(text)).has_header; };
  EXPECT_TRUE(is_header("city,2010,2011,label\nBonn,1.5,7,a\nKiel,2.5,8,b\n"));
  EXPECT_TRUE(is_header("id,2010,2015,label\n1,1.5,7,0\n2,2.5,8,1\n"));
  EXPECT_TRUE(is_header("0,1,2,3\n5,1.5,7,0\n2,2.5,8,1\n"));
  EXPECT_TRUE(is_header("0,1,2\n0.5,1,0\n2.5,2,1\n")); // a data frame without names
  EXPECT_FALSE(is_header("0,1\n0.5,1\n2.5,0\n"));
  std::string years = "2010,2011\n";
  for (int i = 0; i < 20; ++i)
    years += concat(i * 7 % 10, ",", i % 2, "\n");
  EXPECT_TRUE(is_header(years));
  // Data: too little to go by, rows that all count up, a bad first cell.
  EXPECT_FALSE(is_header("1,2\n3,4\n"));
  EXPECT_FALSE(is_header("1,2,3,4\n5,6,7,8\n9,10,11,12\n"));
  EXPECT_FALSE(is_header("null,5,1\n3,4,0\n7,6,1\n"));
  EXPECT_FALSE(is_header("5.1,x,0\n3.5,4,0\n6.5,5,1\n"));
  const FileProfile doubtful = value_of(profile_text("a,5,0\n3,4,0\n6,5,1\n"));
  EXPECT_FALSE(doubtful.has_header);
  EXPECT_EQ(doubtful.header_reason,
            "the first line holds '5', which is data, although 'a' stands above numbers; "
            "header = \"yes\" if these are names");
}

TEST(Profile, NumbersInAnyFormatStandBelowNames) {
  EXPECT_TRUE(value_of(profile_text("a;b\n1,5;28%\n2,5;30%\n")).has_header);
  EXPECT_FALSE(value_of(profile_text("1,5;28%\n2,5;30%\n")).has_header);
}

TEST(Profile, DamagedRowsAreCountedAndLeftOut) {
  const FileProfile profile = value_of(profile_text("a,b\n1,2\n3\n\"x\"y,1\n4,5,6\n7,8\n"));
  EXPECT_EQ(profile.num_rows, 2);
  EXPECT_EQ(profile.num_damaged, 3);
  ASSERT_EQ(profile.damage.size(), 3u);
  EXPECT_THAT(profile.damage, testing::UnorderedElementsAre(
                                  HasSubstr("t.csv:3: expected 2 cells as in the first line, found 1"),
                                  HasSubstr("t.csv:4:4: text after a closing quote"),
                                  HasSubstr("t.csv:5: expected 2 cells as in the first line, found 3")));
  EXPECT_EQ(profile.columns[0].max, 7);
}

TEST(Profile, AMostlyNumericColumnIsNumericAndNamesTheOddCell) {
  const FileProfile profile = value_of(profile_text("a,y\n1,0\n2,0\n3,1\nabc,1\n"));
  EXPECT_TRUE(profile.columns[0].is_numeric());
  EXPECT_EQ(profile.columns[0].type_reason(), "numbers in 3 of 4 cells, but 'abc' at t.csv:5:1");
}

TEST(Profile, LongFilesKeepExactPlacesAndCounts) {
  std::string text = "a,b\n";
  for (int i = 0; i < 3000; ++i)
    text += concat(i, ",", i == 2500 ? "inf" : "1", "\n");
  const FileProfile profile = value_of(profile_text(text));
  EXPECT_EQ(profile.num_rows, 3000);
  EXPECT_TRUE(profile.columns[0].ascending);
  EXPECT_EQ(profile.columns[0].distinct.size(), 3000u);
  EXPECT_EQ(profile.columns[1].num_not_finite, 1);
  EXPECT_EQ(profile.columns[1].first_text_where, "t.csv:2502:6");
}

TEST(Profile, EveryValueKnowsItsFirstCell) {
  const FileProfile profile = value_of(profile_text("n,kind\n1,a\n2,\n3,b\n4,a\n"));
  const ColumnProfile& kind = profile.columns[1];
  EXPECT_EQ(profile.where(kind.first_place("b")), "t.csv:4:3");
  EXPECT_EQ(profile.where(kind.first_place("a")), "t.csv:2:3");
  EXPECT_EQ(profile.where(kind.first_place("(missing)")), "t.csv:3:3");
  EXPECT_EQ(kind.first_place("c").line, 0);
}

TEST(Profile, ManyDistinctValuesAreGivenUp) {
  std::string text = "a,b\n";
  for (std::size_t i = 0; i <= ColumnProfile::kMaxDistinct; ++i)
    text += concat("t", static_cast<long>(i), ",1\n");
  const FileProfile profile = value_of(profile_text(text));
  EXPECT_TRUE(profile.columns[0].many_distinct);
  EXPECT_TRUE(profile.columns[0].distinct.empty());
}

TEST(Profile, RefusesFilesWithoutData) {
  EXPECT_THAT(profile_text("").status().message(), HasSubstr("the file is empty"));
  EXPECT_THAT(profile_text("a,b\n", {.header = HeaderLine::kYes}).status().message(),
              HasSubstr("no undamaged row"));
  EXPECT_THAT(profile_text("a,b\nM\xFCnchen,1\n").status().message(),
              HasSubstr("t.csv:2:1: text that is not UTF-8"));
  EXPECT_THAT(profile_text("na\xFF,b\n1,1\n").status().message(), HasSubstr("header is not UTF-8"));
}

} // namespace
} // namespace tailor::runtime
