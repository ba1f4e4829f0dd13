// What loading and compiling a recipe says, as it is printed.
#include "frontend/components/model.h"
#include "frontend/nn/linear.h"
#include "tools/tailor/recipe_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace tailor::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class RecipeProgram : public ::testing::Test {
protected:
  RecipeProgram()
      : folder_(std::filesystem::temp_directory_path() /
                ("tailor-tools-test-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~RecipeProgram() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }

private:
  std::filesystem::path folder_;
};

struct ThreeLogits : nn::Module {
  ThreeLogits() : head(2, 3) { add("head", head); }
  Array operator()(const Batch& batch, const Context& context) { return head(batch.numeric, context); }
  nn::Linear head;
};

const Registered<ModelSpec> three_logits{
    {.name = "three-logits", .text = "", .make = [](const ModelRequest&) {
       return as_network(std::make_unique<ThreeLogits>());
     }}};

TEST_F(RecipeProgram, WhatTracingFindsStandsAtItsLine) {
  const std::string path =
      write("r.toml", "[data]\nformat = \"two_moons\"\n[model]\nname = \"three-logits\"\n");
  auto loaded = load_recipe(path, {});
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  auto compiled = compile_recipe(*loaded, {});
  ASSERT_FALSE(compiled.ok());
  EXPECT_THAT(compiled.status().message(), StartsWith(path + ":4:1: error: "));
  EXPECT_THAT(compiled.status().message(), HasSubstr("2 classes\nname = \"three-logits\"\n^"));
}

TEST_F(RecipeProgram, WhatTheDataSayStandsAtTheKey) {
  const std::string table = write("t.csv", "a,y\n1,p\n2,q\n3,p\n");
  const auto message = [&](const std::string& keys) {
    return load_recipe(write("r.toml", "[data]\ntrain = \"t.csv\"\n" + keys), {}).status().message();
  };
  const std::string path = write("r.toml", "");
  EXPECT_THAT(message("label = \"z\"\n"), StartsWith(path + ":3:1: error: data.label.column: no column 'z'"));
  EXPECT_THAT(message("columns.drop = [\"a\", \"b\"]\n"),
              StartsWith(path + ":3:22: error: data.columns.drop: no column 'b'"));
  EXPECT_THAT(message("label.classes = [\"p\"]\n"),
              StartsWith(path + ":3:7: error: " + table + ":3:3: label 'q' is not among the 1"));
  // A key that nobody set answers with the table.
  write("t.csv", "a,y\n1,p\n2,p\n");
  EXPECT_THAT(message(""), StartsWith(path + ":2:1: error: label column 'y'"));
}

} // namespace
} // namespace tailor::tools
