#include "tools/tailor-run/run_command.h"

#include "runtime/base/file.h"
#include "tests/unit/runtime/train/toy_program.h"

#include <filesystem>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

class RunCommand : public testing::Test {
protected:
  void SetUp() override {
    const auto artifact = make_toy_artifact();
    const std::span<const std::byte> parts[] = {artifact->bytes()};
    ASSERT_TRUE(write_file_atomic(program_, parts).ok());
    hooks_.make_executor = make_toy_executor;
  }
  /// Exit code; what it printed is in out_ and err_.
  int run(const std::vector<std::string>& words) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run_command("tailor-run", words, hooks_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }
  TemporaryFolder folder_;
  std::string program_ = folder_ / "toy.tailor", out_folder_ = folder_ / "out";
  RunHooks hooks_;
  std::string out_, err_;
};

TEST_F(RunCommand, TrainsPredictsEvaluates) {
  ASSERT_EQ(run({program_, "--out", out_folder_, "--set", "run.epochs=4", "--set", "run.seeds=2"}), 0)
      << err_;
  EXPECT_THAT(out_, HasSubstr("balanced_accuracy"));
  EXPECT_THAT(out_, HasSubstr("(2 seeds)"));
  EXPECT_THAT(out_, HasSubstr("ms per step"));
  EXPECT_THAT(err_, HasSubstr("train 200, val 200, test 100 rows"));
  EXPECT_THAT(err_, HasSubstr("classes  0 100, 1 100  r = 1"));
  EXPECT_THAT(err_, ::testing::ContainsRegex(
                        "memory   [0-9.]+ MB at most: process [0-9.]+ MB.*, state 0.0 MB, arena 0.0 MB, "
                        "scratch of threads 0.0 MB, batch slots 0.0 MB, data 0.0 MB "));
  EXPECT_THAT(err_, HasSubstr("epoch 4/4  loss "));
  const std::string weights = out_folder_ + "/seed-0/last.safetensors";
  ASSERT_EQ(run({"predict", program_, "--weights", weights, "--out", folder_ / "p.csv"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("wrote 100 rows"));
  ASSERT_EQ(run({"eval", program_, "--weights", weights}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("confusion (rows: true class, columns: decision, in the same order)"));
  ASSERT_EQ(run({"eval", program_, "--weights", weights, "--json"}), 0) << err_;
  const Result<OptionValue> json = OptionValue::from_json(out_);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(*json->find("rows")->as_int(), 100);
}

TEST_F(RunCommand, PredictionsOverwriteNoInput) {
  ASSERT_EQ(run({program_, "--out", out_folder_, "--set", "run.epochs=1", "--quiet"}), 0) << err_;
  const std::string weights = out_folder_ + "/seed-0/last.safetensors";
  ASSERT_TRUE(write_file_atomic(folder_ / "d.csv", "x0,x1,label\n1,2,0\n2,1,1\n").ok());
  std::filesystem::create_hard_link(folder_ / "d.csv", folder_ / "same.csv");
  for (const auto& [out, what] :
       {std::pair(folder_ / "d.csv", "data"), std::pair(folder_ / "same.csv", "data"),
        std::pair(weights, "weights"), std::pair(program_, "program")}) {
    const std::string before = *read_file(out);
    EXPECT_EQ(run({"predict", program_, "--weights", weights, "--data", folder_ / "d.csv", "--out", out}), 1);
    EXPECT_THAT(err_, HasSubstr(concat("error: '", out, "' is the ", what)));
    EXPECT_EQ(*read_file(out), before);
  }
}

TEST_F(RunCommand, NoFileIsCalledNothing) {
  EXPECT_EQ(run({"predict", program_, "--weights", "w", "--out", ""}), 2);
  EXPECT_THAT(err_, HasSubstr("a name is needed, this one is empty"));
  EXPECT_EQ(run({""}), 2);
}

TEST_F(RunCommand, AModeIsNotReadFromTheWords) {
  // `tailor run eval`: an artifact of that name.
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_command("tailor run", RunMode::kTrain, {"eval"}, hooks_), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("cannot open 'eval'"));
  // `tailor train`: the program is in memory, whatever it is called.
  hooks_.artifact = make_toy_artifact({.name = "predict"});
  hooks_.command_line = {"tailor", "train", "predict.toml"};
  ASSERT_EQ(run({"--out", out_folder_, "--set", "run.epochs=1", "--quiet"}), 0) << err_;
  EXPECT_THAT(*read_file(out_folder_ + "/manifest.json"),
              HasSubstr(R"("command_line":["tailor","train","predict.toml"])"));
}

TEST_F(RunCommand, WrongCommandLinesExitWithTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {program_, "--frobnicate"},
                                             {program_, "--threads", "-1"},
                                             {program_, "--steps", "many"},
                                             {program_, "--steps", "99999999999999999999"},
                                             {program_, "--set", "run.epochs"},
                                             {program_, "--check", "oracle"},
                                             {program_, "--check", "reference:every 0"},
                                             {"predict", program_},
                                             {"eval", program_, "--weights", "w", "--resume"}})
    EXPECT_EQ(run(words), 2) << testing::PrintToString(words);
  EXPECT_EQ(run({program_, "--check", "reference"}), 2);
  EXPECT_THAT(err_, HasSubstr("use `tailor run`"));
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("tailor-run predict RUN"));
  EXPECT_EQ(run({program_, "--thread", "2"}), 2);
  EXPECT_EQ(err_, "error: unknown option '--thread'\nhint: did you mean '--threads'?\n");
}

TEST_F(RunCommand, AMisspeltModeIsNoProgram) {
  EXPECT_EQ(run({"predcit", program_, "--weights", "w"}), 2);
  EXPECT_EQ(err_, "error: unknown command 'predcit'\nhint: did you mean 'predict'?\n");
}

TEST_F(RunCommand, TheFormsThatHelpNamesAreThere) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_command("tailor run", RunMode::kTrain, {"--help"}, hooks_), 0);
  const std::string help = testing::internal::GetCapturedStdout();
  EXPECT_THAT(help, HasSubstr("tailor predict RUN"));
  EXPECT_THAT(help, testing::Not(HasSubstr("tailor run predict")));
}

TEST_F(RunCommand, NoThreadsMeansAllCores) {
  EXPECT_EQ(run({program_, "--out", out_folder_, "--set", "run.epochs=1", "--threads", "0", "--quiet"}), 0)
      << err_;
}

TEST_F(RunCommand, WrongInputExitsWithOne) {
  EXPECT_EQ(run({folder_ / "none.tailor"}), 1);
  EXPECT_THAT(err_, HasSubstr("error: "));
  EXPECT_EQ(run({program_, "--out", out_folder_, "--set", "run.batch=64"}), 1);
  EXPECT_THAT(
      err_,
      HasSubstr("hint: rebuild it: tailor compile toy.toml --target cpu:test-kernels --set run.batch=64 -o " +
                program_));
  EXPECT_EQ(run({program_, "--out", out_folder_, "--data", folder_ / "nothing"}), 1);
  EXPECT_EQ(run({program_, "--resume"}), 1);
  EXPECT_THAT(err_, HasSubstr("--resume needs --out"));
  EXPECT_FALSE(file_exists(out_folder_)) << "a refused run writes nothing";
  const std::string weights = folder_ / "weights";
  ASSERT_TRUE(write_file_atomic(weights, "not a checkpoint").ok());
  EXPECT_EQ(run({"eval", program_, "--weights", weights}), 1);
  EXPECT_THAT(err_, HasSubstr(concat("checkpoint '", weights, "'")));
}

TEST_F(RunCommand, ChecksEveryNthStep) {
  std::int64_t every = 0;
  hooks_.check_reference = [&](Executor&, std::int64_t n) -> Status {
    every = n;
    return invalid_argument("stop here");
  };
  EXPECT_EQ(run({program_, "--out", out_folder_, "--check", "reference:every 5"}), 1);
  EXPECT_EQ(every, 5);
  run({program_, "--out", out_folder_, "--check", "reference"});
  EXPECT_EQ(every, 1);
}

TEST_F(RunCommand, ADryRunSaysWhatARunTakesAndWritesNothing) {
  ASSERT_EQ(
      run({program_, "--out", out_folder_, "--set", "run.epochs=4", "--set", "run.seeds=2", "--dry-run"}), 0)
      << err_;
  EXPECT_THAT(err_, HasSubstr("MB at most"));
  // The toy's commands say no work, by which evaluations that have not run yet would be foretold.
  EXPECT_THAT(
      err_, ::testing::ContainsRegex("dry run  13 steps an epoch, 4 epochs, 52 steps; [0-9.e-]+ ms per step "
                                     "over [0-9]+; nothing was written"));
  EXPECT_FALSE(file_exists(out_folder_));
  ASSERT_EQ(run({program_, "--out", out_folder_, "--steps", "30", "--quiet"}), 0) << err_;
  const Result<std::string> before = read_file(out_folder_ + "/seed-0/log.jsonl");
  ASSERT_EQ(run({program_, "--out", out_folder_, "--resume", "--dry-run"}), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("dry run  13 steps an epoch"));
  EXPECT_EQ(*read_file(out_folder_ + "/seed-0/log.jsonl"), *before);
}

TEST_F(RunCommand, StepLimitIsTakenUpByResume) {
  ASSERT_EQ(run({program_, "--out", out_folder_, "--steps", "30", "--quiet"}), 0) << err_;
  EXPECT_THAT(err_, HasSubstr(concat("stopped after step 30; go on with: tailor-run ", out_folder_,
                                     "/program.tailor --resume --out ", out_folder_, "\n")));
  ASSERT_EQ(run({program_, "--out", out_folder_, "--resume", "--quiet"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("test"));
}

} // namespace
} // namespace tailor::runtime
