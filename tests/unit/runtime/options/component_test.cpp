// Components register themselves; their keys are in the table, their names among the words.
#include "runtime/options/component.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/key_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// Stands for a sampler: the real kind is the data library's.
struct FakeSampler {
  static constexpr std::string_view kKind = "sampler";
  std::string name, text, source;
  std::vector<KeySpec> keys = {};
  int (*make)() = nullptr;
};

int made() {
  return 7;
}

struct TurnKeys {
  std::int64_t turns = 2;
  static const KeySet<TurnKeys>& keys() {
    static const KeySet<TurnKeys> set{"data.", {key("turns", &TurnKeys::turns, {.min = 1, .text = "turns"})}};
    return set;
  }
};
struct OtherTurnKeys {
  std::int64_t turns = 3;
  static const KeySet<OtherTurnKeys>& keys() {
    static const KeySet<OtherTurnKeys> set{
        "data.", {key("turns", &OtherTurnKeys::turns, {.min = 1, .text = "turns"})}};
    return set;
  }
};

const Registered<FakeSampler> spinning{{"spinning", "round", "choice", TurnKeys::keys().specs(), made}};
const Registered<FakeSampler> turning{{"turning", "too", "choice", TurnKeys::keys().specs(), made}};

TEST(Component, IsFoundByNameAndListed) {
  ASSERT_NE(Registry<FakeSampler>::find("spinning"), nullptr);
  EXPECT_EQ(Registry<FakeSampler>::find("spinning")->make(), 7);
  EXPECT_EQ(Registry<FakeSampler>::find("spin"), nullptr);
  EXPECT_THAT(component_names("sampler"), Contains("spinning"));
  EXPECT_THAT(key_spec(&DataKeys::sampler).words(), Contains("spinning"));
}

TEST(Component, KeysOfItsOwnAreInTheTableOnce) {
  const KeySpec* turns = find_key("data.turns");
  ASSERT_NE(turns, nullptr);
  EXPECT_EQ(turns->only_if, "data.sampler = spinning|turning");
  EXPECT_EQ(std::count_if(key_table().begin(), key_table().end(),
                          [](const KeySpec& spec) { return spec.key == "data.turns"; }),
            1);
}

TEST(Component, RegisteredLaterIsThereLater) {
  EXPECT_EQ(find_key("data.late"), nullptr);
  struct LateKeys {
    bool late = false;
    static const KeySet<LateKeys>& keys() {
      static const KeySet<LateKeys> set{"data.", {key("late", &LateKeys::late, {.text = "late"})}};
      return set;
    }
  };
  const Registered<FakeSampler> late{{"late", "late", "choice", LateKeys::keys().specs(), made}};
  EXPECT_NE(find_key("data.late"), nullptr);
}

TEST(Component, WhatCannotBeIsAProblemAtItsLine) {
  const auto problem = [](FakeSampler spec) {
    const Registered<FakeSampler> refused{std::move(spec)};
    return registration_problems().back();
  };
  const auto keys = OtherTurnKeys::keys().specs();
  EXPECT_THAT(problem({"spinning", "again", "choice", {}, made}),
              HasSubstr("error: sampler 'spinning' is registered already, at "));
  EXPECT_THAT(problem({"no name", "", "choice", {}, made}), HasSubstr("'no name' is no name for a sampler"));
  EXPECT_THAT(problem({"empty", "", "choice", {}, nullptr}), HasSubstr("sampler 'empty' has no code"));
  EXPECT_THAT(problem({"third", "", "choice", keys, made}),
              HasSubstr("key 'data.turns' has another default than sampler 'spinning' gives it, at "));
  EXPECT_THAT(problem({"empty", "", "choice", {}, nullptr}), HasSubstr("component_test.cpp:"));
}

/// A recipe's section is named after its method: a key elsewhere would be one that nothing reads.
TEST(Component, KeysOfAMethodStandInItsSection) {
  struct Keys {
    double rho = 0.05;
    static const KeySet<Keys>& keys() {
      static const KeySet<Keys> set{"method.mine.", {key("rho", &Keys::rho, {.text = "radius"})}};
      return set;
    }
  };
  Component method{.name = "mien", .text = "misspelt", .keys = Keys::keys().specs()};
  EXPECT_FALSE(detail::add_component("method", method, std::source_location::current()));
  EXPECT_THAT(registration_problems().back(),
              HasSubstr("key 'method.mine.rho' of method 'mien' does not begin with 'method.mien.'"));
  method.name = "mine";
  EXPECT_TRUE(detail::add_component("method", method, std::source_location::current()));
}

} // namespace
} // namespace tailor::runtime
