#include "runtime/train/checkpoint.h"

#include "runtime/base/file.h"
#include "runtime/data/open.h"
#include "runtime/train/safetensors.h"
#include "tests/unit/runtime/train/toy_program.h"

#include <cstring>
#include <ctime>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

TrainingRecord sample_record() {
  TrainingRecord record;
  record.seed = 0xFFFFFFFFFFFFFFFFu;
  record.stage = 1;
  record.epoch = 3;
  record.stage_epoch = 3;
  record.stage_begun = true;
  record.batch = 7;
  record.step = 46;
  record.batch_size = 16;
  record.steps_per_epoch = 13;
  record.stage_first_step = 39;
  record.train_hash = 0xFEDCBA9876543210u;
  record.epoch_sums = {{"loss", 1.0 / 3.0}, {"sharpness", -2.5}};
  record.epoch_rows = 112;
  record.last_train = {{"loss", 0.1}, {"sharpness", 1e-17}};
  record.val_hash = 1;
  record.test_hash = 0xFFFFFFFFFFFFFFFEu;
  record.best = {2, 0.875, {"few", true, "thirds"}};
  record.stop_best = {1, -0.5, {"loss", false, ""}};
  record.epochs_without_gain = 2;
  record.best_val = {{"loss", 0.3}, {"few", std::nullopt}};
  record.last_test = {{"class_accuracy/\"odd\" name", 1e-300}};
  record.log_bytes = 4096;
  record.train_seconds = 1.5;
  record.outcome = "early_stop";
  return record;
}

struct Sample {
  std::shared_ptr<const Artifact> artifact = make_toy_artifact();
  std::unique_ptr<Executor> executor = *make_toy_executor(artifact, {});
  FittedState fitted;
  TemporaryFolder folder;
  std::string path = folder / "c.safetensors";

  Sample() {
    EXPECT_TRUE(executor->initialise(3).ok());
    const Result<DataPlan> plan = data_plan_from(artifact->spec().options, "");
    EXPECT_TRUE(plan.ok()) << plan.status().message();
    fitted = open_data(*plan, artifact->spec().schema)->fitted;
    Result<Checkpoint> checkpoint = take_checkpoint(*executor, sample_record(), fitted);
    EXPECT_TRUE(checkpoint.ok());
    const Status saved = save_checkpoint(*executor, *checkpoint, path);
    EXPECT_TRUE(saved.ok()) << saved.message();
  }
  std::vector<std::byte> bytes() const { return *read_bytes(path); }
};

TEST(Checkpoint, ComesBackAsItWasSaved) {
  Sample sample;
  const Result<Checkpoint> loaded = load_checkpoint(*sample.executor, sample.path, CheckpointUse::kResume);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded->record, sample_record());
  EXPECT_EQ(loaded->fitted, sample.fitted);
  std::unique_ptr<Executor> other = *make_toy_executor(sample.artifact, {});
  ASSERT_TRUE(restore(*other, *loaded).ok());
  const Result<Checkpoint> again = take_checkpoint(*other, sample_record(), loaded->fitted);
  EXPECT_EQ(again->states, loaded->states);
}

TEST(Checkpoint, LongTextsLeaveTheHeader) {
  Sample sample;
  const Result<Checkpoint> short_one = load_checkpoint(*sample.executor, sample.path, CheckpointUse::kResume);
  ASSERT_TRUE(short_one.ok());
  Checkpoint checkpoint = *short_one;
  checkpoint.record.last_val.emplace_back("class_accuracy/" + std::string(3 << 20, 'n'), 0.5);
  ASSERT_TRUE(save_checkpoint(*sample.executor, checkpoint, sample.path).ok());
  const std::vector<std::byte> bytes = sample.bytes();
  const Result<SafetensorsView> view = SafetensorsView::parse(bytes);
  ASSERT_TRUE(view.ok()) << view.status().message();
  EXPECT_LT(bytes.size() - view->data.size(), 100'000u) << "bytes of the header";
  EXPECT_EQ(view->tensors.back().name, "tailor.record") << "behind the states, which keep their places";
  const Result<Checkpoint> back = load_checkpoint(*sample.executor, sample.path, CheckpointUse::kResume);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->record, checkpoint.record);
  EXPECT_EQ(back->states, checkpoint.states);
  std::vector<std::byte> flipped = bytes;
  flipped.back() ^= std::byte{1};
  EXPECT_FALSE(parse_checkpoint(*sample.artifact, flipped, CheckpointUse::kResume).ok());
}

TEST(Checkpoint, UsesCanonicalNames) {
  const Sample sample;
  const std::vector<std::byte> bytes = sample.bytes();
  const Result<SafetensorsView> view = SafetensorsView::parse(bytes);
  ASSERT_TRUE(view.ok()) << view.status().message();
  const TensorView* weight = view->find("fc.weight");
  ASSERT_TRUE(weight);
  EXPECT_EQ(weight->shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_TRUE(view->find("sgd/momentum"));
  EXPECT_TRUE(view->find("ema/average"));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view->data.data()) % 8,
            reinterpret_cast<std::uintptr_t>(bytes.data()) % 8);
}

TEST(Checkpoint, EveryTruncationIsRefused) {
  const Sample sample;
  const std::vector<std::byte> bytes = sample.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(
        parse_checkpoint(*sample.artifact, std::span(bytes).first(size), CheckpointUse::kWeights).ok())
        << size;
}

TEST(Checkpoint, EveryBitFlipIsRefused) {
  const Sample sample;
  std::vector<std::byte> bytes = sample.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] ^= static_cast<std::byte>(1 << bit);
      ASSERT_FALSE(parse_checkpoint(*sample.artifact, bytes, CheckpointUse::kResume).ok())
          << "byte " << i << " bit " << bit << " near "
          << std::string(reinterpret_cast<const char*>(bytes.data()) + (i < 20 ? 0 : i - 20),
                         std::min<std::size_t>(40, bytes.size() - i));
      bytes[i] ^= static_cast<std::byte>(1 << bit);
    }
}

/// predict RUN reads the record of a run alone; that of another format has other members.
TEST(Checkpoint, TheRecordOfAnotherFormatIsNoDamage) {
  Sample sample;
  const std::vector<std::byte> bytes = sample.bytes();
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto replace = [&](const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  };
  replace("\"tailor.format\":\"6\"", "\"tailor.format\":\"4\"");
  replace("val_hash", "old_name");
  ASSERT_TRUE(write_file_atomic(sample.path, text).ok());
  EXPECT_THAT(read_record(sample.path).status().message(),
              HasSubstr("c.safetensors': it has checkpoint format '4', this runtime reads '6'"));
}

TEST(Checkpoint, WeightsServeAnotherTargetButNotAnotherNet) {
  const Sample sample;
  const std::vector<std::byte> bytes = sample.bytes();
  const auto other_target = make_toy_artifact({.target = "elsewhere"});
  EXPECT_TRUE(parse_checkpoint(*other_target, bytes, CheckpointUse::kWeights).ok());
  EXPECT_THAT(parse_checkpoint(*other_target, bytes, CheckpointUse::kResume).status().message(),
              HasSubstr("trained on target 'cpu:test-kernels'"));
  const auto other_net = make_toy_artifact({.ballast_elements = 1});
  EXPECT_THAT(parse_checkpoint(*other_net, bytes, CheckpointUse::kWeights).status().message(),
              HasSubstr("'sgd/ballast' is f32 [0], the program has f32 [1]"));
}

/// A safetensors file with this header text and `data_bytes` of data.
std::vector<std::byte> file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::vector<std::byte> file(sizeof(length) + header.size() + data_bytes);
  std::memcpy(file.data(), &length, sizeof(length));
  std::memcpy(file.data() + sizeof(length), header.data(), header.size());
  return file;
}

TEST(Safetensors, ReadsWhatOthersWrite) {
  const std::vector<std::byte> file = file_of(
      R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"a":{"dtype":"I32","shape":[],"data_offsets":[0,4]}}  )",
      12);
  const Result<SafetensorsView> view = SafetensorsView::parse(file);
  ASSERT_TRUE(view.ok()) << view.status().message();
  EXPECT_EQ(view->tensors[0].name, "a");
  EXPECT_EQ(view->tensors[1].bytes.size(), 8u);
}

TEST(Safetensors, TimeGrowsWithTheTensorsNotWithTheirSquare) {
  constexpr int kTensors = 60000; // looking for each name among all others took more than 10 s
  std::string header = "{";
  for (int i = 0; i < kTensors; ++i)
    header += concat(i ? "," : "", "\"t", i, "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[", 4 * i,
                     ",", 4 * i + 4, "]}");
  const std::vector<std::byte> file = file_of(header + "}", 4 * kTensors);
  const std::clock_t start = std::clock();
  const Result<SafetensorsView> view = SafetensorsView::parse(file);
  ASSERT_TRUE(view.ok()) << view.status().message();
  for (int i = 0; i < kTensors; ++i)
    ASSERT_TRUE(view->find(concat("t", i)));
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5) << "processor time";
}

TEST(Safetensors, WritesNoHeaderThatNobodyReads) {
  const TextMetadata metadata = {{"text", std::string(100'000'001, 'x')}};
  EXPECT_EQ(safetensors_header({}, metadata).status().code(), StatusCode::kResourceExhausted);
}

TEST(Safetensors, OneNameTwiceIsRefused) {
  const std::string entry = "\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
  EXPECT_THAT(SafetensorsView::parse(file_of("{" + entry + "," + entry + "}", 0)).status().message(),
              HasSubstr("two members 'a'"));
}

TEST(Safetensors, RefusesHostileHeaders) {
  const struct {
    const char* header;
    const char* message;
  } rows[] = {
      {"", "not valid JSON"},
      {"[]", "not a table"},
      {"{\"a\":1}", "no element type"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}}", "do not fit 8 bytes"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "do not fit"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "'data_offsets' is"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "does not take the 8 bytes"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}",
       "does not take"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387906],\"data_offsets\":[0,8]}}", "does not take"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1e30],\"data_offsets\":[0,8]}}", "'shape' is"},
      {"{\"a\":{\"dtype\":\"F8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "element type 'F8'"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
       "4 bytes that belong to no tensor"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "leaves a hole"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":["
       "1],"
       "\"data_offsets\":[4,8]}}",
       "overlaps"},
      {"{\"__metadata__\":[]}", "metadata is not a table"},
      {"{\"__metadata__\":{\"k\":1}}", "is not a text"},
  };
  for (const auto& row : rows) {
    const std::vector<std::byte> file = file_of(row.header, 8);
    const Result<SafetensorsView> view = SafetensorsView::parse(file);
    ASSERT_FALSE(view.ok()) << row.header;
    EXPECT_THAT(view.status().message(), HasSubstr(row.message)) << row.header;
  }
  const std::string deep = std::string(100000, '[');
  EXPECT_FALSE(SafetensorsView::parse(file_of(deep, 0)).ok());
  std::vector<std::byte> long_header = file_of("{}", 0);
  const std::uint64_t huge = std::uint64_t{1} << 60;
  std::memcpy(long_header.data(), &huge, sizeof(huge));
  EXPECT_THAT(SafetensorsView::parse(long_header).status().message(), HasSubstr("its header would have"));
}

TEST(TrainingRecord, RefusesCountersNoRunReaches) {
  TrainingRecord record = sample_record();
  EXPECT_TRUE(record_from_json(record_to_json(record)).ok());
  record.stage_epoch = std::int64_t{1} << 62; // times the steps of an epoch it would overflow
  EXPECT_EQ(record_from_json(record_to_json(record)).status().message(),
            "damaged training record: 'stage_epoch' is 4611686018427387904");
}

} // namespace
} // namespace tailor::runtime
