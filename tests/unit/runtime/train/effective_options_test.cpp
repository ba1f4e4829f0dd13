#include "runtime/train/effective_options.h"

#include "runtime/artifact/writer.h"
#include "tests/unit/runtime/train/toy_program.h"

#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

/// The toy program with further options, as a recipe would give it every key there is.
std::shared_ptr<const Artifact> with_options(const std::vector<std::pair<const char*, OptionValue>>& more) {
  const auto toy = make_toy_artifact();
  ArtifactSpec spec = toy->spec();
  for (const auto& [key, value] : more) {
    Option option;
    if (const Option* known = spec.options.find(key)) option = *known;
    option.value = value;
    spec.options.set(key, std::move(option));
  }
  RawSection code{std::string(kCodeSection), std::vector<std::byte>(64, std::byte{0xC3})};
  Result<std::vector<std::byte>> bytes = write_artifact(spec, {code});
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return *Artifact::from_bytes(*std::move(bytes));
}

std::shared_ptr<const Artifact> recipe_like() {
  return with_options({{"method.use", OptionValue(OptionValue::List{"ema", "sam"})},
                       {"method.sam-a.rho", 0.05},
                       {"method.sam-a.beta", 0.9999},
                       {"optimizer.beta1", 0.9},
                       {"schedule.milestones", OptionValue(OptionValue::List{})},
                       {"data.noise", 0.15},
                       {"data.separation", 3.0},
                       {"data.split.val", 0.2},
                       {"run.keep.last", true}});
}

TEST(EffectiveOptions, AKeyThatNothingReadsIsRefused) {
  const auto artifact = recipe_like();
  const auto refusal = [&](const Settings& set) {
    const Result<Options> options = effective_options(*artifact, set);
    EXPECT_FALSE(options.ok());
    return options.ok() ? std::string() : options.status().message() + " | " + options.status().hint();
  };
  EXPECT_EQ(
      refusal({{"method.sam-a.rho", "3"}}),
      "--set method.sam-a.rho=3: nothing in this artifact reads 'method.sam-a.rho' | rebuild it: tailor "
      "compile toy.toml --set 'method.use=[\"ema\",\"sam-a\"]' --set method.sam-a.rho=3 -o P.tailor");
  EXPECT_THAT(refusal({{"optimizer.beta1", "0.5"}}),
              HasSubstr("--set optimizer.name=adamw --set optimizer.beta1=0.5"));
  EXPECT_THAT(refusal({{"run.keep.last", "false"}}), HasSubstr("nothing in this artifact reads"));
  EXPECT_EQ(
      refusal({{"schedule.milestones", "[3]"}}),
      "--set schedule.milestones=[3]: 'schedule.milestones' is read only with schedule.name = step, which is "
      "\"warmup_cosine\" | add --set schedule.name=step");
  EXPECT_THAT(refusal({{"data.split.val", "0.1"}}),
              HasSubstr("read only with data.format = csv, which is \"two_moons\""));
  EXPECT_THAT(refusal({{"data.separation", "1"}}), HasSubstr("data.format = blobs"));
  EXPECT_THAT(refusal({{"run.early_stop.patience", "3"}}),
              HasSubstr("run.early_stop.on set, which is not set"));
}

TEST(EffectiveOptions, WhatIsReadIsTaken) {
  const auto artifact = recipe_like();
  for (const Settings& set :
       std::vector<Settings>{{{"optimizer.lr", "0.5"}},
                             {{"optimizer.momentum", "0"}},
                             {{"method.ema.decay", "0.9"}},
                             {{"data.noise", "0.2"}},
                             {{"schedule.milestones", "[3]"}, {"schedule.name", "step"}},
                             {{"run.early_stop.patience", "3"}, {"run.early_stop.on", "val/loss"}},
                             {{"run.epochs", "3"}}}) {
    const Result<Options> options = effective_options(*artifact, set);
    EXPECT_TRUE(options.ok()) << options.status().message();
  }
}

} // namespace
} // namespace tailor::runtime
