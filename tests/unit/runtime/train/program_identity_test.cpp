#include "runtime/train/program_identity.h"

#include "tests/unit/runtime/train/toy_program.h"

#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

void set(ArtifactSpec& spec, const char* key, OptionValue value) {
  Option option = *spec.options.find(key);
  option.value = std::move(value);
  spec.options.set(key, std::move(option));
}

TEST(ProgramIdentity, IgnoresWhatARunMayChange) {
  ArtifactSpec spec = make_toy_artifact()->spec();
  const std::string identity = program_identity(spec);
  set(spec, "run.epochs", 700);
  set(spec, "optimizer.lr", 0.5);
  spec.source_text = "# a comment";
  spec.ops.front().location = "toy.toml:99:1";
  spec.remarks.clear();
  spec.name = "renamed";
  EXPECT_TRUE(check_program_identity(spec, identity).ok());
  EXPECT_EQ(program_identity(spec), identity);
}

TEST(ProgramIdentity, NamesTheFirstThingThatDiffers) {
  const ArtifactSpec spec = make_toy_artifact()->spec();
  const std::string identity = program_identity(spec);
  const auto message = [&](auto change) {
    ArtifactSpec other = spec;
    change(other);
    const Status status = check_program_identity(other, identity);
    EXPECT_EQ(status.code(), StatusCode::kIncompatible);
    return status.message();
  };
  EXPECT_THAT(message([](ArtifactSpec& s) { set(s, "data.numeric", "standardize"); }),
              HasSubstr("'data.numeric' was \"none\", here it is \"standardize\""));
  EXPECT_THAT(message([](ArtifactSpec& s) {
                Option option = *s.options.find("optimizer.momentum");
                option.stage = OptionStage::kCompile;
                s.options.set("optimizer.momentum", option);
              }),
              HasSubstr("'optimizer.momentum' was not a compile key, here it is 0.9"));
  EXPECT_THAT(message([](ArtifactSpec& s) { s.schema.columns[1].name = "age"; }),
              HasSubstr("column 1 was \"x1 (numeric)\", here it is \"age (numeric)\""));
  EXPECT_THAT(message([](ArtifactSpec& s) { s.schema.columns.pop_back(); }),
              HasSubstr("its data had 2 columns, here they have 1"));
  EXPECT_THAT(message([](ArtifactSpec& s) { s.meaning = 7; }), HasSubstr("computes something else"));
}

// An earlier compiler made it part of the code: the run keeps its value, and goes on.
TEST(ProgramIdentity, ACompileKeyMayBecomeARunKey) {
  const ArtifactSpec spec = make_toy_artifact()->spec();
  ArtifactSpec before = spec;
  Option option = *spec.options.find("optimizer.momentum");
  option.stage = OptionStage::kCompile;
  before.options.set("optimizer.momentum", option);
  EXPECT_EQ(check_program_identity(spec, program_identity(before)).message(), "");
  before.meaning = spec.meaning + 1;
  EXPECT_THAT(check_program_identity(spec, program_identity(before)).message(),
              HasSubstr("computes something else"));
  before = spec;
  before.options.set("optimizer.gone", option);
  EXPECT_THAT(check_program_identity(spec, program_identity(before)).message(),
              HasSubstr("'optimizer.gone' was 0.9, here it is not a compile key"));
}

TEST(ProgramIdentity, DrawsGoOnInTheirVersion) {
  ArtifactSpec spec = make_toy_artifact()->spec();
  spec.random_version = 2;
  std::string older = program_identity(spec);
  EXPECT_TRUE(check_program_identity(spec, older).ok());
  const std::string version = ",\"random_version\":2";
  ASSERT_NE(older.find(version), std::string::npos) << older;
  older.erase(older.find(version), version.size()); // as before versions were kept
  const Status status = check_program_identity(spec, older);
  EXPECT_EQ(status.code(), StatusCode::kIncompatible);
  EXPECT_THAT(status.message(),
              HasSubstr("random numbers of version 1, this program draws those of version 2"));
  spec.random_version = 0; // draws nothing
  EXPECT_TRUE(check_program_identity(spec, older).ok());
}

TEST(ProgramIdentity, NamesWhatTheSameWeightsWouldComputeOtherwise) {
  ArtifactSpec spec = make_toy_artifact()->spec();
  Option option = *spec.options.find("optimizer.momentum");
  option.stage = OptionStage::kCompile;
  spec.options.set("model.slope", option);
  const std::string identity = program_identity(spec);
  EXPECT_EQ(forward_difference(spec, identity), "");
  spec.options.set("optimizer.momentum", option); // trains otherwise, computes the same
  EXPECT_EQ(forward_difference(spec, identity), "");
  option.value = OptionValue(0.5);
  spec.options.set("model.slope", option);
  spec.options.set("data.image.mean", option);
  EXPECT_EQ(forward_difference(spec, identity),
            "'data.image.mean' was not a compile key, here it is 0.5, 'model.slope' was 0.9, here it is 0.5");
  EXPECT_EQ(forward_difference(spec, "no JSON"), "");

  // Keys that only the other program has, and values too long to show.
  const ArtifactSpec toy = make_toy_artifact()->spec();
  option.value = OptionValue(std::string(1000, 'x'));
  spec = toy;
  spec.options.set("data.label.classes", option);
  EXPECT_EQ(forward_difference(toy, program_identity(spec)),
            "'data.label.classes' was \"" + std::string(99, 'x') + "..., here it is not a compile key");

  // What decides how it is trained, and not what it computes.
  spec = toy;
  for (const char* key : {"model.freeze", "data.columns.group", "data.row_weights", "data.split.column"})
    spec.options.set(key, option);
  EXPECT_EQ(forward_difference(toy, program_identity(spec)), "");
}

TEST(ProgramIdentity, IsInputLikeAnyOther) {
  const ArtifactSpec spec = make_toy_artifact()->spec();
  for (const char* text : {"", "[]", "{}", "{\"compile_keys\":{},\"columns\":[]}",
                           "{\"compile_keys\":[],\"columns\":[],\"meaning\":\"0\"}",
                           "{\"compile_keys\":{},\"columns\":[],\"meaning\":0}",
                           "{\"compile_keys\":{},\"columns\":[],\"meaning\":\"0\",\"random_version\":\"2\"}"})
    EXPECT_EQ(check_program_identity(spec, text).code(), StatusCode::kDataLoss) << text;
}

} // namespace
} // namespace tailor::runtime
