#include "runtime/data/schema.h"

#include "runtime/data/sources/generated.h"

#include "data_testing.h"

#include <functional>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

constexpr std::string_view kTable = "id,age,kind,y\nr1,1,a,no\nr2,2,b,yes\nr3,,a,no\nr4,4,?,no\n";

TablePlan plan() {
  TablePlan plan;
  plan.train = "t.csv";
  plan.label = named("y");
  plan.drop = {named("id")};
  return plan;
}

TablePlan labelled(const char* column) {
  TablePlan plan;
  plan.label = named(column);
  return plan;
}

Result<DataSchema> infer(std::string_view text, const TablePlan& plan, SchemaReasons* reasons = nullptr) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const FileProfile profile, profile_text(text));
  return infer_schema(profile, plan, reasons);
}

TEST(Schema, RolesCapacitiesAndClassesComeFromTheFile) {
  SchemaReasons reasons;
  const DataSchema schema = value_of(infer(kTable, plan(), &reasons));
  ASSERT_EQ(schema.columns.size(), 4u);
  EXPECT_EQ(schema.columns[0].role, ColumnRole::kDrop);
  EXPECT_EQ(schema.columns[1].role, ColumnRole::kNumeric);
  EXPECT_EQ(schema.columns[2].role, ColumnRole::kCategorical);
  EXPECT_EQ(schema.columns[2].capacity, 4); // a, b, missing, unknown
  EXPECT_EQ(schema.columns[3].role, ColumnRole::kLabel);
  EXPECT_TRUE(schema.named);
  EXPECT_EQ(schema.num_numeric(), 1);
  EXPECT_EQ(schema.class_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(schema.positive_class, 1);
  EXPECT_EQ(reasons.columns[2], "text, 2 values, 1 missing");
  EXPECT_THAT(reasons.classes, HasSubstr("the rarer one ('yes') is positive"));
}

TEST(Schema, MissingFlagsWidenTheNumericInput) {
  TablePlan flagged = plan();
  flagged.missing = MissingPolicy::kFlag;
  const DataSchema schema = value_of(infer(kTable, flagged));
  EXPECT_TRUE(schema.columns[1].missing_flag);
  EXPECT_EQ(schema.num_numeric(), 2);
  EXPECT_EQ(schema.missing, "flag");
}

TEST(Schema, ClassOrderIsSortedWithThePositiveLast) {
  TablePlan p = plan();
  p.positive = "no";
  const DataSchema swapped = value_of(infer(kTable, p));
  EXPECT_EQ(swapped.class_names, (std::vector<std::string>{"yes", "no"}));
  EXPECT_EQ(swapped.positive_class, 1);
  p.classes = {"no", "yes"};
  const DataSchema listed = value_of(infer(kTable, p));
  EXPECT_EQ(listed.class_names, p.classes);
  EXPECT_EQ(listed.positive_class, 0);
  const DataSchema numeric = value_of(infer("x,y\n1,10\n2,9\n3,2\n4,10\n", labelled("y")));
  EXPECT_EQ(numeric.class_names, (std::vector<std::string>{"2", "9", "10"}));
  EXPECT_EQ(numeric.positive_class, -1);
}

TEST(Schema, LabelsByPositionAndWithASuffix) {
  TablePlan p;
  p.label_strip = ".";
  const DataSchema schema = value_of(infer("1,lo.\n2,hi.\n3,lo.\n", p)); // last column by default
  EXPECT_EQ(schema.class_names, (std::vector<std::string>{"lo", "hi"}));
  EXPECT_FALSE(schema.named);
  EXPECT_EQ(schema.columns[0].name, "column 0");
  p.label = ColumnRef{"", 0};
  EXPECT_EQ(value_of(infer("a.,1\nb.,2\nb.,3\n", p)).columns[0].role, ColumnRole::kLabel);
}

TEST(Schema, ErrorsNameTheColumnAndTheWayOut) {
  TablePlan p = plan();
  p.label = named("yy");
  Status status = infer(kTable, p).status();
  EXPECT_THAT(status.message(), HasSubstr("data.label.column: no column 'yy' in 't.csv'"));
  EXPECT_EQ(status.hint(), "the nearest column is 'y'");

  p = plan();
  p.drop.clear(); // the id column is undeclared; four rows are too few to call it an identifier
  EXPECT_TRUE(infer(kTable, p).ok());
  std::string names = "name,y\n";
  for (int i = 0; i < 30; ++i)
    names += concat("person", i, ",", i % 2, "\n");
  status = infer(names, labelled("y")).status();
  EXPECT_THAT(status.message(),
              HasSubstr("'name' of 't.csv' has 30 different texts in 30 rows and looks like an identifier"));
  EXPECT_THAT(status.hint(), HasSubstr("data.columns.drop"));

  p = plan();
  p.categorical = {named("y")};
  EXPECT_THAT(infer(kTable, p).status().message(),
              HasSubstr("column 'y' is both data.label.column and data.columns.categorical"));
  p = plan();
  p.numeric = {named("kind")};
  EXPECT_THAT(infer(kTable, p).status().message(),
              HasSubstr("column 'kind' of 't.csv' holds no number ('a'"));
  p = plan();
  p.positive = "Yes";
  EXPECT_EQ(infer(kTable, p).status().hint(), "the nearest label is 'yes'");
  p = plan();
  p.classes = {"no"};
  EXPECT_THAT(infer(kTable, p).status().message(),
              HasSubstr("label 'yes' is not among the 1 data.label.classes"));
  EXPECT_THAT(infer("a,y\n1,q\n2,q\n", labelled("y")).status().message(),
              HasSubstr("holds one value only ('q')"));
  EXPECT_THAT(infer("a,y\n1,q\n2,\n", labelled("y")).status().message(),
              HasSubstr("has no label here; 1 of 2 rows have none"));
  EXPECT_THAT(infer("y\nq\np\n", labelled("y")).status().message(),
              HasSubstr("no column left to learn from"));
  p = plan();
  p.drop = {ColumnRef{"", 9}};
  EXPECT_THAT(infer(kTable, p).status().message(), HasSubstr("column 9 is not there: 't.csv' has 4 columns"));
}

// What a recipe's author wrote wrong is known by its key, and the cell that shows it by its place.
TEST(Schema, ErrorsAreAboutAKey) {
  const auto about = [](std::string_view text, const TablePlan& plan, const char* key, const char* message) {
    const Status status = infer(text, plan).status();
    EXPECT_EQ(status.key(), key);
    EXPECT_THAT(status.message(), HasSubstr(message));
  };
  about(kTable, labelled("z"), "data.label.column", "no column 'z'");
  about("a,y\n1,q\n2,p\n3,\n4,\n", labelled("y"), "data.label.column",
        "t.csv:4:3: label column 'y' has no label here; 2 of 4 rows have none");
  TablePlan p = plan();
  p.drop = {named("id"), named("nope")};
  about(kTable, p, "data.columns.drop[1]", "no column 'nope'");
  p = plan();
  p.numeric = {named("kind")};
  about(kTable, p, "data.columns.numeric", "holds no number");
  p = plan();
  p.time = named("id");
  about(kTable, p, "data.columns.time", "is both data.columns.drop and data.columns.time");
  p = plan();
  p.positive = "maybe";
  about(kTable, p, "data.label.positive", "'maybe' is not a label");
  p = plan();
  p.classes = {"no", "maybe"};
  about(kTable, p, "data.label.classes", "t.csv:3:8: label 'yes' is not among the 2 data.label.classes");
  p.classes = {"no", "yes", "maybe"};
  about(kTable, p, "data.label.classes[2]", "class 'maybe' has no row in 't.csv'");
}

TEST(Schema, AnIndexColumnIsLeftOut) {
  SchemaReasons reasons;
  const std::string_view text = ",a,y\n0,1.5,q\n1,2.5,p\n";
  EXPECT_EQ(value_of(infer(text, labelled("y"), &reasons)).columns[0].role, ColumnRole::kDrop);
  EXPECT_THAT(reasons.columns[0], HasSubstr("no name"));
  TablePlan kept = labelled("y");
  kept.numeric = {ColumnRef{"", 0}};
  EXPECT_EQ(value_of(infer(text, kept)).columns[0].role, ColumnRole::kNumeric);
  const TemporaryFolder folder;
  SchemaNotes notes;
  TablePlan on_disk = labelled("y");
  on_disk.train = folder.write("i.csv", text);
  EXPECT_TRUE(table_schema(on_disk, &notes).ok());
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], HasSubstr("column 0 of "));
  EXPECT_THAT(notes[0], HasSubstr("data.columns.numeric = [0] would keep it"));
}

TEST(Schema, ColumnsOfOneNameAreNamedByPosition) {
  const std::string_view text = "x,x,y\n1,5,q\n2,6,p\n";
  TablePlan p = labelled("y");
  EXPECT_EQ(value_of(infer(text, p)).num_numeric(), 2);
  p.drop = {named("x")};
  const Status status = infer(text, p).status();
  EXPECT_THAT(status.message(), HasSubstr("two columns of 't.csv' are named 'x'"));
  EXPECT_EQ(status.hint(), "name the column by its position: 0 or 1");
  p.drop = {ColumnRef{"", 0}}; // as the hint says
  const DataSchema schema = value_of(infer(text, p));
  EXPECT_EQ(schema.columns[0].role, ColumnRole::kDrop);
  EXPECT_EQ(value_of(read_text(text, schema)).numeric[0], (std::vector<double>{5, 6}));
}

TEST(Schema, QuantitiesAreNoClasses) {
  const auto labels = [&](const std::function<std::string(int)>& label, TablePlan p = labelled("y")) {
    std::string text = "x,y\n";
    for (int i = 0; i < 100; ++i)
      text += concat(i % 7, ",", label(i), "\n");
    return infer(text, p).status();
  };
  EXPECT_TRUE(labels([](int i) { return concat(i % 2, ".0"); }).ok());
  EXPECT_TRUE(labels([](int i) { return concat("class", i % 20); }).ok());
  const Status fraction = labels([](int i) { return concat(i % 3, ".5"); });
  EXPECT_EQ(fraction.message(), "t.csv:2:3: label column 'y' holds 0.5, a quantity and not a class");
  EXPECT_EQ(fraction.key(), "data.label.column");
  TablePlan listed = labelled("y");
  listed.classes = {"0.5", "1.5", "2.5"};
  EXPECT_TRUE(labels([](int i) { return concat(i % 3, ".5"); }, listed).ok());
  EXPECT_THAT(labels([](int i) { return concat(i / 4); }).message(),
              HasSubstr("has 25 different values in 100 rows: fewer than 10 rows a class"));
}

TEST(Schema, TwoSpellingsOfOneNumberAreNoTwoClasses) {
  const std::string_view text = "x,y\n1,0\n2,1\n3,0.0\n4,1\n";
  const Status status = infer(text, labelled("y")).status();
  EXPECT_EQ(status.message(), "t.csv:4:3: label '0.0' is the same number as '0' at t.csv:2:3, expected one "
                              "spelling for each class");
  TablePlan listed = labelled("y");
  listed.classes = {"0", "0.0", "1"};
  EXPECT_EQ(value_of(infer(text, listed)).num_classes, 3);
}

TEST(Schema, JsonRoundTrip) {
  TablePlan p = plan();
  p.missing = MissingPolicy::kFlag;
  p.label_strip = ".";
  const DataSchema schema = value_of(infer(kTable, p));
  EXPECT_EQ(value_of(schema_from_json(schema_to_json(schema))), schema);
}

TEST(Schema, ASchemaFileIsCheckedLikeAnyInput) {
  const std::string good = schema_to_json(value_of(infer(kTable, plan())));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return schema_from_json(text.replace(at, from.size(), to)).status();
  };
  EXPECT_EQ(with("tailor-schema-2", "tailor-schema-9").code(), StatusCode::kIncompatible);
  EXPECT_THAT(with("\"capacity\":4", "\"capacity\":1152921504606846976").message(),
              HasSubstr("expected an integer"));
  EXPECT_THAT(with("\"capacity\":4", "\"capacity\":2000000000").message(),
              HasSubstr("has capacity 2000000000"));
  EXPECT_THAT(with("\"capacity\":4", "\"capacity\":-1").message(), HasSubstr("has capacity -1"));
  EXPECT_THAT(with("\"position\":1", "\"position\":0").message(), HasSubstr("has position 0, expected 1"));
  EXPECT_THAT(with("\"numeric\",", "\"numerical\",").message(), HasSubstr("role"));
  EXPECT_THAT(with("[\"no\",\"yes\"]", "[\"no\",\"no\"]").message(), HasSubstr("names a class twice"));
  EXPECT_THAT(with("[\"no\",\"yes\"]", "[\"no\"]").message(), HasSubstr("classes"));
  EXPECT_THAT(with("\"positive_class\":1", "\"positive_class\":2").message(), HasSubstr("positive class 2"));
  EXPECT_FALSE(schema_from_json("{").ok());
  EXPECT_FALSE(schema_from_json("[]").ok());
}

TEST(Schema, GeneratedSetsHaveOneToo) {
  const DataSchema schema = value_of(
      make_generated_source("blobs", {.classes = 7, .dimensions = 3}, generate_blobs)->schema(nullptr));
  EXPECT_EQ(schema.num_numeric(), 3);
  EXPECT_EQ(schema.num_classes, 7);
  EXPECT_EQ(schema.columns[2].name, "x2");
}

} // namespace
} // namespace tailor::runtime
