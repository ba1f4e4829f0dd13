#include "runtime/train/run_folder.h"

#include "runtime/base/file.h"
#include "tests/unit/runtime/train/run_testing.h"

#include <filesystem>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

TEST(RunFolder, OnlyACheckpointMakesARun) {
  const TemporaryFolder folder;
  const auto artifact = make_toy_artifact();
  EXPECT_TRUE(check_start_folder(folder / "new").ok());
  const Manifest manifest = Manifest::of(*artifact, artifact->spec().options);
  ASSERT_TRUE(write_file_atomic(Manifest::path(folder.path()), manifest.to_json()).ok());
  ASSERT_TRUE(make_folders(folder / "seed-0").ok());
  ASSERT_TRUE(write_file_atomic(folder / "seed-0/log.jsonl", "").ok());
  EXPECT_FALSE(holds_checkpoint(folder.path()));
  EXPECT_TRUE(check_start_folder(folder.path()).ok()) << "a start that failed does not block the folder";
  ASSERT_TRUE(write_file_atomic(folder / "seed-0/last.safetensors", "x").ok());
  EXPECT_THAT(check_start_folder(folder.path()).message(), HasSubstr("already holds a run"));
}

TEST(RunFolder, AForeignManifestIsNotOverwritten) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomic(folder / "manifest.json", "{\"name\": \"a web page\"}").ok());
  EXPECT_THAT(check_start_folder(folder.path()).message(),
              HasSubstr("is not of a run and would be overwritten"));
}

TEST(RunFolder, ResumptionNeedsARun) {
  const TemporaryFolder folder;
  const auto artifact = make_toy_artifact();
  EXPECT_THAT(read_resumption(folder.path(), *artifact, {}).status().message(),
              HasSubstr("holds no run to resume"));
  ASSERT_TRUE(write_file_atomic(Manifest::path(folder.path()), "{}").ok());
  const Status damaged = read_resumption(folder.path(), *artifact, {}).status();
  EXPECT_THAT(damaged.message(), HasSubstr("manifest.json': damaged manifest: member 'program'"));
  EXPECT_THAT(damaged.hint(), HasSubstr("goes on with the program's options"));
}

TEST(RunFolder, ALostCheckpointIsNotTrainedAnew) {
  const TemporaryFolder folder;
  const std::string last = folder / "seed-3/last.safetensors";
  EXPECT_EQ(*seed_progress(folder.path(), 3), SeedProgress::kNone);
  ASSERT_TRUE(make_folders(folder / "seed-3").ok());
  ASSERT_TRUE(write_file_atomic(folder / "seed-3/log.jsonl", "{}\n").ok());
  EXPECT_EQ(*seed_progress(folder.path(), 3), SeedProgress::kLogOnly);
  std::filesystem::create_symlink("elsewhere", last);
  EXPECT_THAT(seed_progress(folder.path(), 3).status().message(),
              HasSubstr("cannot go on from '" + last + "': it is a link to 'elsewhere', which is not there"));
  EXPECT_TRUE(holds_checkpoint(folder.path()));
  std::filesystem::remove(last);
  ASSERT_TRUE(write_file_atomic(folder / "result.json", R"({"seeds":[{"seed":3,"steps":7}]})").ok());
  EXPECT_THAT(seed_progress(folder.path(), 3).status().message(),
              HasSubstr("result.json knows of its steps"));
  EXPECT_EQ(*seed_progress(folder.path(), 4), SeedProgress::kNone);
  std::filesystem::remove(folder / "result.json");
  ASSERT_TRUE(write_file_atomic(folder / "seed-3/best.safetensors", "x").ok());
  EXPECT_THAT(seed_progress(folder.path(), 3).status().message(),
              HasSubstr("while best.safetensors is there"));
  ASSERT_TRUE(write_file_atomic(last, "x").ok());
  EXPECT_EQ(*seed_progress(folder.path(), 3), SeedProgress::kCheckpoint);
}

TEST(RunFolder, ANameStaysWithinItsFolder) {
  EXPECT_EQ(folder_name_of("my recipe-1.b"), "my recipe-1.b");
  EXPECT_EQ(folder_name_of("../../../x"), "_._.._.._x");
  EXPECT_EQ(folder_name_of("/etc/\x1b[31m"), "_etc__[31m");
  EXPECT_EQ(folder_name_of("."), "_");
  EXPECT_EQ(folder_name_of(""), "program");
  std::string accents;
  for (int i = 0; i < 80; ++i)
    accents += "\xC3\xA9";
  EXPECT_EQ(folder_name_of("x" + accents), "x" + accents.substr(0, 98));
}

TEST(ShellWords, AreQuotedWhereNeeded) {
  EXPECT_EQ(shell_words({"tailor", "run", "runs/a-1.b", "--out", "a b", "it's", ""}),
            "tailor run runs/a-1.b --out 'a b' 'it'\\''s' ''");
}

TEST(FindWeights, TakesTheBestEpochWhereTheRunChoseOne) {
  const TemporaryFolder folder;
  const std::string out = folder / "out";
  const RunResult result = train(options_for(out, {{"run.keep.best", "val/loss"}}));
  const Result<TrainedRun> best = find_weights(out, -1, "");
  ASSERT_TRUE(best.ok()) << best.status().message();
  EXPECT_EQ(best->program, out + "/program.tailor");
  EXPECT_EQ(best->weights, out + "/seed-0/best.safetensors");
  EXPECT_THAT(best->about, HasSubstr(concat("seed 0, epoch ", result.seeds[0].reported_epoch + 1,
                                            ", the best by val/loss (")));
  const Result<TrainedRun> last = find_weights(out, 0, "last");
  ASSERT_TRUE(last.ok()) << last.status().message();
  EXPECT_EQ(last->weights, out + "/seed-0/last.safetensors");
  EXPECT_EQ(last->about, "seed 0, epoch 12, the last");
  EXPECT_EQ(find_weights(out, -1, "w.safetensors")->weights, "w.safetensors");
}

TEST(FindWeights, SaysWhatItCannotKnow) {
  const TemporaryFolder folder;
  EXPECT_EQ(find_weights(folder.path(), -1, "").status().message(),
            concat("'", folder.path(), "' holds no trained run"));
  RunOptions options = options_for(folder / "out", {{"run.seeds", "2"}, {"run.epochs", "3"}});
  train(options);
  const Status several = find_weights(folder / "out", -1, "").status();
  EXPECT_THAT(several.message(), HasSubstr("has 2 trained seeds: 0, 1"));
  EXPECT_EQ(several.hint(), "say which: --seed 0");
  EXPECT_THAT(find_weights(folder / "out", 5, "").status().message(),
              HasSubstr("has no trained seed 5, it has 0, 1"));
  EXPECT_THAT(
      find_weights(folder / "out", 1, "best").status().message(),
      HasSubstr("seed 1 of '" + folder.path() + "/out' has no best epoch: run.keep.best was not set"));

  // best.safetensors that is of another run than last.safetensors.
  const std::string a = folder / "a", b = folder / "b";
  train(options_for(a, {{"run.keep.best", "val/loss"}, {"run.epochs", "3"}}));
  train(options_for(b, {{"run.keep.best", "val/loss"}, {"run.epochs", "8"}}));
  std::filesystem::copy_file(b + "/seed-0/best.safetensors", a + "/seed-0/best.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(find_weights(a, -1, "").status().message(), HasSubstr("as the best"));
  EXPECT_EQ(find_weights(a, -1, "last")->weights, a + "/seed-0/last.safetensors");
}

} // namespace
} // namespace tailor::runtime
