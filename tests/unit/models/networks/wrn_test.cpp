#include "models/networks/wrn.h"

#include "frontend/graph/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace tailor::models {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

std::vector<std::string> names_of(const nn::Module& net) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : net.tensors())
    names.push_back(name);
  return names;
}

const State& state_of(const nn::Module& net, const std::string& name) {
  const auto all = net.tensors();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& known) { return known.first == name; });
  if (found != all.end()) return *found->second->state();
  ADD_FAILURE() << "no " << name;
  return *all.front().second->state();
}

// methods.md 10.
TEST(Wrn, Sizes) {
  const auto size = [](WrnVariant variant, std::int64_t classes) {
    return Wrn({.depth = 28, .widen_factor = 10, .num_classes = classes, .variant = variant})
        .num_parameters();
  };
  EXPECT_EQ(size(WrnVariant::activated, 10), 36479194);
  EXPECT_EQ(size(WrnVariant::activated, 100), 36536884);
  EXPECT_EQ(size(WrnVariant::activated, 200), 36600984);
  EXPECT_EQ(size(WrnVariant::raw, 10), 36489290);
  EXPECT_EQ(size(WrnVariant::raw, 100), 36546980);
}

TEST(Wrn, TheVariantsHaveTheirConvolutionsAndInit) {
  const Wrn activated({.depth = 10, .widen_factor = 2}),
      raw({.depth = 10, .widen_factor = 2, .variant = WrnVariant::raw});
  EXPECT_THAT(names_of(activated), AllOf(Contains("layer1.0.shortcut.0.weight"), Contains("bn1.running_var"),
                                         Not(Contains("layer1.0.conv1.bias"))));
  EXPECT_THAT(names_of(raw), AllOf(Contains("conv1.bias"), Contains("layer3.0.shortcut.0.bias")));
  const InitRule& normal = state_of(activated, "layer1.0.conv1.weight").init;
  EXPECT_EQ(normal.kind, InitRule::Kind::normal);
  EXPECT_DOUBLE_EQ(normal.value, std::sqrt(2.0 / (9 * 16)));
  const InitRule& uniform = state_of(raw, "layer1.0.conv1.weight").init;
  EXPECT_EQ(uniform.kind, InitRule::Kind::uniform);
  EXPECT_DOUBLE_EQ(uniform.value, 1.0 / std::sqrt(9 * 16));
}

TEST(Wrn, AShortcutIsAConvolutionOnlyWhereItMustBe) {
  const Wrn narrow({.depth = 16, .widen_factor = 1});
  EXPECT_THAT(names_of(narrow),
              AllOf(Not(Contains("layer1.0.shortcut.0.weight")), Contains("layer2.0.shortcut.0.weight"),
                    Not(Contains("layer2.1.shortcut.0.weight"))));
}

TEST(Wrn, DepthIsSixNPlusFour) {
  EXPECT_THAT([] { Wrn net({.depth = 27, .widen_factor = 10}); },
              ThrowsMessage<TraceError>(
                  AllOf(HasSubstr("a depth of 27 is not 6n + 4"), HasSubstr("model.depth = 22 or 28"))));
  EXPECT_THAT([] { Wrn net({.depth = 28}); }, ThrowsMessage<TraceError>(HasSubstr("needs its k")));
}

} // namespace
} // namespace tailor::models
