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
  EXPECT_EQ(refusal({{"method.sam-a.rho", "3"}}),
            "--set method.sam-a.rho=3: nothing in this artifact reads 'method.sam-a.rho' | if 'sam-a' goes "
            "together "
            "with [\"ema\",\"sam\"], rebuild it: tailor compile toy.toml --target cpu:test-kernels --set "
            "'method.use=[\"ema\",\"sam\",\"sam-a\"]' --set method.sam-a.rho=3 -o P.tailor");
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

/// An artifact that was compiled with --set and flags.
std::shared_ptr<const Artifact> compiled_with(const std::vector<std::pair<const char*, OptionValue>>& set,
                                              std::vector<std::string> flags) {
  ArtifactSpec spec = with_options(set)->spec();
  for (const auto& [key, value] : set) {
    Option option = *spec.options.find(key);
    option.origin = "command line";
    option.stage = OptionStage::kCompile;
    spec.options.set(key, std::move(option));
  }
  spec.compile_flags = std::move(flags);
  RawSection code{std::string(kCodeSection), std::vector<std::byte>(64, std::byte{0xC3})};
  return *Artifact::from_bytes(*write_artifact(spec, {code}));
}

TEST(EffectiveOptions, ARebuildKeepsWhatTheArtifactWasCompiledWith) {
  const auto artifact = compiled_with({{"run.accumulate", 4},
                                       {"model.layers", OptionValue(OptionValue::List{8, 16})},
                                       {"data.label.positive", "1"},
                                       {"data.columns.time", OptionValue()},
                                       {"run.batch", 32}},
                                      {"--set-kernel", "layer1.*=implicit_gemm"});
  EXPECT_EQ(effective_options(*artifact, {{"run.batch", "64"}}).status().hint(),
            "rebuild it: tailor compile toy.toml --target cpu:test-kernels --set-kernel "
            "'layer1.*=implicit_gemm' --set data.columns.time=none --set 'data.label.positive=\"1\"' --set "
            "'model.layers=[8,16]' --set run.accumulate=4 --set run.batch=64 -o P.tailor")
      << "the new value takes the place of the old one, and nothing else is lost";
  EXPECT_THAT(
      effective_options(*compiled_with({{"run.batch", 32}}, {"--from", "fused"}), {{"run.batch", "64"}})
          .status()
          .hint(),
      HasSubstr("compiled from a dump of toy.toml"))
      << "compiling the recipe would lose what was edited";
}

// sam-a beside sam is refused by the compiler: the number that was meant is that of the method that is there.
TEST(EffectiveOptions, ANumberOfAnotherMethodIsTakenForTheUsedOnes) {
  const auto artifact =
      with_options({{"method.use", OptionValue(OptionValue::List{"ema"})}, {"method.swa.decay", 0.5}});
  EXPECT_EQ(effective_options(*artifact, {{"method.swa.decay", "0.9"}}).status().hint(),
            "did you mean --set method.ema.decay=0.9");
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

Options of_source(const char* format, const char* key, const char* path) {
  Options options;
  options.set("data.format", format);
  if (key) options.set(key, path);
  return options;
}

TEST(DataFolder, MovesAPathOrIsRefused) {
  EXPECT_TRUE(check_data_folder("there", of_source("csv", "data.train", "t.csv")).ok());
  EXPECT_TRUE(check_data_folder("there", of_source("cifar10", "data.cifar.folder", "c")).ok());
  EXPECT_TRUE(check_data_folder("there", of_source("cifar10", "data.cifar.folder", "/recipes/./c")).ok())
      << "relative to a recipe in an absolute folder";
  const Status csv = check_data_folder("there", of_source("csv", "data.train", "/a/t.csv"));
  EXPECT_EQ(csv.message(), "--data 'there' moves only paths that are relative, not data.train = '/a/t.csv'");
  EXPECT_EQ(csv.hint(), "--set data.train=PATH names other data");
  EXPECT_THAT(check_data_folder("there", of_source("cifar10", "data.cifar.folder", "/a/c")).message(),
              HasSubstr("not data.cifar.folder = '/a/c'"));
  EXPECT_THAT(check_data_folder("there", of_source("blobs", nullptr, nullptr)).message(),
              HasSubstr("data of the format 'blobs' have no paths"));
  Options mixed = of_source("csv", "data.train", "/a/t.csv");
  mixed.set("data.test.file", "u.csv");
  testing::internal::CaptureStderr();
  EXPECT_TRUE(check_data_folder("there", mixed).ok()) << "it moves one of them, and says which it does not";
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("not data.train = '/a/t.csv'"));
}

} // namespace
} // namespace tailor::runtime
