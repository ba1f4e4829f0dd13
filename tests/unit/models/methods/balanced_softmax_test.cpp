// models/methods/balanced_softmax.cpp, as recipes name it.
#include "frontend/traced_program.h"
#include "models/recipe/build.h"
#include "models/recipe/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::methods {
namespace {

using testing::HasSubstr;

recipe::Recipe recipe_of(const std::string& use) {
  return recipe::parse("r.toml", {}, [&](const std::string&) -> runtime::Result<std::string> {
    return "[data]\nformat = \"blobs\"\ndimensions = 4\n[method]\nuse = " + use + "\n";
  });
}

TEST(BalancedSoftmax, TracesBesideOtherMethods) {
  for (const char* use : {"\"balanced-softmax\"", "[\"balanced-softmax\", \"smoothing\"]",
                          "[\"sam-a\", \"balanced-softmax\"]", "[\"balanced-softmax\", \"ema\"]"}) {
    const recipe::Recipe recipe = recipe_of(use);
    ASSERT_TRUE(recipe.ok()) << recipe.messages();
    runtime::DataSchema schema;
    for (int i = 0; i < 4; ++i)
      schema.columns.push_back({.name = "x" + std::to_string(i), .position = i});
    schema.num_classes = 3;
    schema.class_names = {"a", "b", "c"};
    recipe::Program program(recipe, schema);
    EXPECT_GE(program.training().trace().entries.size(), 2u) << use;
  }
}

TEST(BalancedSoftmax, IsLogitAdjustmentAlready) {
  EXPECT_THAT(recipe_of("[\"balanced-softmax\", \"logit-adjustment\"]").messages(),
              HasSubstr("'balanced-softmax' is 'logit-adjustment' with tau = 1"));
}

} // namespace
} // namespace tailor::methods
