#include "runtime/train/run_folder.h"

#include "tests/unit/runtime/train/toy_program.h"

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

TEST(ShellWords, AreQuotedWhereNeeded) {
  EXPECT_EQ(shell_words({"tailor", "run", "runs/a-1.b", "--out", "a b", "it's", ""}),
            "tailor run runs/a-1.b --out 'a b' 'it'\\''s' ''");
}

} // namespace
} // namespace tailor::runtime
