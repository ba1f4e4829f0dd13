#include "tools/experiment/grid.h"

#include "runtime/base/file.h"
#include "tests/unit/runtime/train/toy_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace tailor::experiment {
namespace {

using runtime::make_toy_artifact;
using runtime::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Variant> two_variants(const std::string& csv = "") {
  return {{"a", {"x=1"}, make_toy_artifact({.csv = csv})},
          {"b+c", {}, make_toy_artifact({.csv = csv, .batch = 8})}};
}

GridOptions options_for(const std::string& out, std::int64_t epochs = 2) {
  GridOptions options;
  options.out = out;
  options.run = {{"run.epochs", runtime::concat(epochs)}, {"run.seeds", "3"}};
  options.make_executor = runtime::make_toy_executor;
  return options;
}

GridResult run(const std::vector<Variant>& variants, const GridOptions& options) {
  runtime::Result<GridResult> result = run_grid(variants, options);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? *std::move(result) : GridResult();
}

TEST(Grid, TrainsEveryVariantOnTheSameSeeds) {
  const TemporaryFolder folder;
  GridOptions options = options_for(folder.path());
  std::vector<std::pair<std::size_t, std::uint64_t>> seeds;
  std::vector<std::size_t> finished;
  options.seed_finished = [&](std::size_t variant, const runtime::SeedResult& seed) {
    seeds.emplace_back(variant, seed.seed);
  };
  options.variant_finished = [&](const std::vector<VariantResult>& results) {
    finished.push_back(results.size());
    return runtime::Status();
  };
  const GridResult grid = run(two_variants(), options);
  ASSERT_EQ(grid.variants.size(), 2u);
  EXPECT_EQ(grid.signal, 0);
  EXPECT_EQ(grid.variants[0].name, "a");
  EXPECT_THAT(grid.variants[0].settings, ElementsAre("x=1"));
  EXPECT_EQ(grid.variants[1].run.seeds.size(), 3u);
  EXPECT_FALSE(grid.variants[0].reused);
  EXPECT_THAT(finished, ElementsAre(1u, 2u));
  using Seed = std::pair<std::size_t, std::uint64_t>;
  EXPECT_THAT(seeds, ElementsAre(Seed(0, 0), Seed(0, 1), Seed(0, 2), Seed(1, 0), Seed(1, 1), Seed(1, 2)));
  EXPECT_TRUE(runtime::file_exists(folder / "b+c/seed-2/last.safetensors"));
}

TEST(Grid, WhatHoldsForAllVariantsIsSaidOnce) {
  const TemporaryFolder folder;
  ::testing::internal::CaptureStderr();
  run(two_variants(), options_for(folder.path())); // a warm-up as long as the run
  const std::string said = ::testing::internal::GetCapturedStderr();
  const std::string warning = "schedule.warmup_epochs is 2 in a run of 2 epochs";
  const std::size_t first = said.find(warning);
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find(warning, first + 1), std::string::npos) << said;
}

TEST(Grid, AFinishedVariantIsNotTrainedAgain) {
  const TemporaryFolder folder;
  const GridResult first = run(two_variants(), options_for(folder.path()));
  const GridResult again = run(two_variants(), options_for(folder.path()));
  ASSERT_EQ(again.variants.size(), 2u);
  for (std::size_t v = 0; v < 2; ++v) {
    EXPECT_TRUE(again.variants[v].reused);
    for (std::size_t s = 0; s < 3; ++s) {
      EXPECT_EQ(again.variants[v].run.seeds[s].val, first.variants[v].run.seeds[s].val);
      EXPECT_EQ(again.variants[v].run.seeds[s].ms_per_step, first.variants[v].run.seeds[s].ms_per_step);
    }
  }
  EXPECT_EQ(again.variants[0].run.val_class_counts, first.variants[0].run.val_class_counts);
}

TEST(Grid, OtherOptionsOrAnotherProgramStartAnew) {
  const TemporaryFolder folder, fresh;
  run(two_variants(), options_for(folder.path()));
  // A longer run is not the old one gone on with: its schedule is another from the first step.
  const GridResult longer = run(two_variants(), options_for(folder.path(), 4));
  EXPECT_FALSE(longer.variants[0].reused);
  EXPECT_EQ(longer.variants[0].run.seeds[0].val,
            run(two_variants(), options_for(fresh.path(), 4)).variants[0].run.seeds[0].val);
  std::vector<Variant> other = two_variants();
  other[1].artifact = make_toy_artifact({.batch = 32});
  const GridResult changed = run(other, options_for(folder.path(), 4));
  EXPECT_TRUE(changed.variants[0].reused);
  EXPECT_FALSE(changed.variants[1].reused);
}

TEST(Grid, OtherDataStartAnew) {
  const TemporaryFolder folder;
  const std::string csv = folder / "t.csv";
  const auto write = [&](int shift) {
    std::ofstream file(csv);
    file << "x0,x1,label\n";
    for (int i = 0; i < 60; ++i)
      file << "0." << (i * 7 % 13) + shift << ",0." << (i * 5 % 11) << "," << i % 2 << "\n";
  };
  write(0);
  const GridResult first = run(two_variants(csv), options_for(folder / "out"));
  ASSERT_EQ(first.variants.size(), 2u);
  ASSERT_TRUE(first.variants[0].status.ok()) << first.variants[0].status.message();
  EXPECT_TRUE(run(two_variants(csv), options_for(folder / "out")).variants[0].reused);
  write(1);
  const GridResult changed = run(two_variants(csv), options_for(folder / "out"));
  ASSERT_EQ(changed.variants.size(), 2u);
  EXPECT_FALSE(changed.variants[0].reused);
  EXPECT_TRUE(changed.variants[0].status.ok()) << changed.variants[0].status.message();
}

TEST(Grid, ASignalLeavesWhatIsFinishedAndTheSameCallGoesOn) {
  const TemporaryFolder folder, straight;
  GridOptions options = options_for(folder.path(), 400); // long enough to be met in the middle
  options.run.emplace_back("run.checkpoint_every", "0");
  std::thread interrupt([log = folder / "b+c/seed-0/log.jsonl"] {
    struct stat info {};
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while ((::stat(log.c_str(), &info) != 0 || info.st_size == 0) && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(::getpid(), SIGINT);
  });
  const GridResult stopped = run(two_variants(), options);
  interrupt.join();
  EXPECT_EQ(stopped.signal, SIGINT);
  ASSERT_EQ(stopped.variants.size(), 1u) << "a variant without all its seeds is not compared";
  const GridResult rest = run(two_variants(), options);
  EXPECT_EQ(rest.signal, 0);
  ASSERT_EQ(rest.variants.size(), 2u);
  EXPECT_TRUE(rest.variants[0].reused);
  options.out = straight.path();
  const GridResult whole = run(two_variants(), options);
  for (std::size_t s = 0; s < 3; ++s)
    EXPECT_EQ(rest.variants[1].run.seeds[s].val, whole.variants[1].run.seeds[s].val);
}

TEST(Grid, AFailureLeavesTheOthersAlone) {
  const TemporaryFolder folder;
  GridOptions options = options_for(folder.path());
  options.run.emplace_back("optimizer.lr", "1e30"); // leaves the finite numbers
  const GridResult grid = run(two_variants(), options);
  ASSERT_EQ(grid.variants.size(), 2u);
  for (const VariantResult& variant : grid.variants)
    EXPECT_FALSE(variant.status.ok());
}

TEST(Grid, NamesAreFolders) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& first, const std::string& second) {
    std::vector<Variant> variants = two_variants();
    variants[0].name = first;
    variants[1].name = second;
    return run_grid(variants, options_for(folder / "out")).status().message();
  };
  EXPECT_THAT(message("../x", "b"), HasSubstr("'../x' cannot be the name of a folder"));
  EXPECT_THAT(message("a", ".."), HasSubstr("'..' cannot be"));
  EXPECT_THAT(message("a", "a"), HasSubstr("'a' is named twice"));
  EXPECT_FALSE(runtime::file_exists(folder / "out"));
}

} // namespace
} // namespace tailor::experiment
