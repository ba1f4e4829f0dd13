#include "models/networks/mlp.h"

#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::models {
namespace {

using testing::ElementsAre;

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : module.tensors())
    names.push_back(name);
  return names;
}

TEST(Mlp, NamesAndInit) {
  Mlp mlp({.numeric_columns = 3,
           .category_sizes = {2, 4},
           .layers = {8, 5},
           .outputs = 2,
           .batch_norm = true,
           .dropout = 0.1});
  EXPECT_THAT(names_of(mlp),
              ElementsAre("fc0.weight", "fc0.bias", "bn0.weight", "bn0.bias", "bn0.running_mean",
                          "bn0.running_var", "fc1.weight", "fc1.bias", "bn1.weight", "bn1.bias",
                          "bn1.running_mean", "bn1.running_var", "head.weight", "head.bias"));
  const State& weight = *mlp.tensors()[0].second->state();
  EXPECT_EQ(weight.type.shape, (Shape{8, 9})) << "3 numeric columns, 2 + 4 one-hot columns";
  EXPECT_EQ(weight.init.kind, InitRule::Kind::uniform);
  EXPECT_DOUBLE_EQ(weight.init.value, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(mlp.tensors()[1].second->state()->init.value, 1.0 / 3.0)
      << "the bias has the fan-in bound too";
}

} // namespace
} // namespace tailor::models
