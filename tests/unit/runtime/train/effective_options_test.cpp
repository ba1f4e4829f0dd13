#include "runtime/train/effective_options.h"

#include "runtime/artifact/writer.h"
#include "tests/unit/runtime/train/toy_program.h"

#include <gmock/gmock.h>
#include <map>

namespace tailor::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The toy program with further options, as a recipe would give it every key there is.
std::shared_ptr<const Artifact> with_options(const std::vector<std::pair<const char*, OptionValue>>& more,
                                             const std::map<std::string, std::string>& only_if = {}) {
  const auto toy = make_toy_artifact();
  ArtifactSpec spec = toy->spec();
  for (const auto& [key, value] : more) {
    Option option;
    if (const Option* known = spec.options.find(key)) option = *known;
    option.value = value;
    spec.options.set(key, std::move(option));
  }
  for (const auto& [key, condition] : only_if) {
    Option option = *spec.options.find(key);
    option.only_if = condition;
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
                       {"data.split.val", 0.2}},
                      {{"optimizer.beta1", "optimizer.name = adamw"},
                       {"schedule.milestones", "schedule.name = step"},
                       {"data.separation", "data.format = blobs"},
                       {"data.split.val", "data.format = csv"},
                       {"run.early_stop.patience", "run.early_stop.on"}});
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
      "compile toy.toml --set 'method.use=[\"ema\",\"sam\",\"sam-a\"]' --set method.sam-a.rho=3 -o P.tailor");
  EXPECT_THAT(refusal({{"optimizer.beta1", "0.5"}}),
              HasSubstr("--set optimizer.name=adamw --set optimizer.beta1=0.5"));
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
                             {{"method.ema.warmup", "false"}},
                             {{"data.noise", "0.2"}},
                             {{"schedule.milestones", "[3]"}, {"schedule.name", "step"}},
                             {{"run.early_stop.patience", "3"}, {"run.early_stop.on", "val/loss"}},
                             {{"run.epochs", "3"}}}) {
    const Result<Options> options = effective_options(*artifact, set);
    EXPECT_TRUE(options.ok()) << options.status().message();
  }
}

struct Resumed {
  std::shared_ptr<const Artifact> started = make_toy_artifact();
  Manifest manifest;

  Resumed() {
    Options options = *effective_options(*started, {{"run.epochs", "30"}, {"optimizer.lr", "0.01"}});
    manifest = Manifest::of(*started, std::move(options));
  }
  ResumedOptions with(const Artifact& artifact, const Settings& set = {}) const {
    Result<ResumedOptions> resumed = resumed_options(artifact, manifest, set);
    EXPECT_TRUE(resumed.ok()) << resumed.status().message();
    return resumed.ok() ? *std::move(resumed) : ResumedOptions();
  }
};

TEST(ResumedOptions, AreThoseTheRunStartedWith) {
  const Resumed run;
  const ResumedOptions resumed = run.with(*run.started);
  EXPECT_EQ(*resumed.options.get_int("run.epochs"), 30);
  EXPECT_EQ(*resumed.options.get_number("optimizer.lr"), 0.01);
  EXPECT_THAT(resumed.kept, ElementsAre("optimizer.lr = 0.01", "run.epochs = 30"));
  EXPECT_TRUE(resumed.changed.empty());
}

TEST(ResumedOptions, SetGoesOnTop) {
  const Resumed run;
  const ResumedOptions resumed = run.with(*run.started, {{"optimizer.lr", "0.02"}, {"run.seeds", "2"}});
  EXPECT_EQ(*resumed.options.get_number("optimizer.lr"), 0.02);
  EXPECT_EQ(*resumed.options.get_int("run.epochs"), 30);
  EXPECT_THAT(resumed.changed, ElementsAre("optimizer.lr = 0.02 (was 0.01)", "run.seeds = 2 (was 1)"));
  EXPECT_THAT(resumed.kept, ElementsAre("run.epochs = 30"));
}

TEST(ResumedOptions, AnEditedRecipeCountsUnlessTheCommandLineHadSpoken) {
  const Resumed run;
  const auto edited = with_options({{"run.epochs", 50}, {"run.seeds", 3}});
  const ResumedOptions resumed = run.with(*edited);
  EXPECT_EQ(*resumed.options.get_int("run.epochs"), 30) << "set on the command line when the run started";
  EXPECT_EQ(*resumed.options.get_int("run.seeds"), 3);
  EXPECT_THAT(resumed.changed, ElementsAre("run.seeds = 3 (was 1)"));
}

TEST(ResumedOptions, AManifestIsChecked) {
  Resumed run;
  for (const OptionValue& value : {OptionValue("fast"), OptionValue(-1.0), OptionValue()}) {
    Option option = *run.manifest.options.find("optimizer.lr");
    option.value = value;
    run.manifest.options.set("optimizer.lr", option);
    const Result<ResumedOptions> resumed = resumed_options(*run.started, run.manifest, {});
    ASSERT_FALSE(resumed.ok());
    EXPECT_THAT(resumed.status().message(),
                HasSubstr("the run's manifest.json: 'optimizer.lr' must be a number above 0"));
  }
  run = Resumed();
  run.manifest.options.set("no.such.key", OptionValue(1));
  EXPECT_FALSE(run.with(*run.started).options.contains("no.such.key"));
}

} // namespace
} // namespace tailor::runtime
