// Weights of another training as the start of this one.
#include "runtime/train/pretrained.h"

#include "runtime/base/file.h"
#include "runtime/train/trainer.h"
#include "tests/unit/runtime/train/run_testing.h"

#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <limits>

namespace tailor::runtime {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Written {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;
};

template <class T> std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

Written f32(const std::string& name, const std::vector<std::int64_t>& shape,
            const std::vector<float>& values) {
  return {name, "F32", shape, bytes_of(values)};
}

std::string file_of(const std::vector<Written>& tensors) {
  std::string header = "{", data;
  for (const Written& tensor : tensors) {
    header += concat(header.size() > 1 ? "," : "", "\"", tensor.name, "\":{\"dtype\":\"", tensor.dtype,
                     "\",\"shape\":[");
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
      header += concat(i ? "," : "", tensor.shape[i]);
    header += concat("],\"data_offsets\":[", data.size(), ",", data.size() + tensor.bytes.size(), "]}");
    data += tensor.bytes;
  }
  header += "}";
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + data;
}

const std::vector<float> kWeight = {0.5f, -0.25f, 3, -8}, kBias = {1.5f, -2};

class Pretrained : public testing::Test {
protected:
  std::string write(const std::string& name, const std::vector<Written>& tensors) {
    const std::string path = folder_ / name;
    EXPECT_TRUE(write_file_atomic(path, file_of(tensors)).ok());
    return path;
  }
  std::string ordinary() {
    return write("w.safetensors", {f32("fc.weight", {2, 2}, kWeight), f32("fc.bias", {2}, kBias)});
  }

  static Options options(const std::string& file, OptionValue::List names = {}, OptionValue::List skip = {}) {
    Options options;
    for (auto& [key, value] : std::vector<std::pair<std::string, OptionValue>>{
             {"model.weights.file", file}, {"model.weights.names", names}, {"model.weights.skip", skip}})
      options.set(key, Option{.value = value});
    return options;
  }

  /// fc.weight, then fc.bias, after loading; the whole message on failure.
  Result<std::vector<float>> loaded(const Options& options) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const PretrainedWeights weights, PretrainedWeights::from(options));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::unique_ptr<Executor> executor,
                                  make_toy_executor(make_toy_artifact(), {}));
    TAILOR_RETURN_IF_ERROR_AS_IS(executor->initialise(3, {}));
    TAILOR_RETURN_IF_ERROR_AS_IS(weights.load(*executor, 3));
    std::vector<float> values(6);
    TAILOR_RETURN_IF_ERROR_AS_IS(executor->read_state(0, std::as_writable_bytes(std::span(values).first(4))));
    TAILOR_RETURN_IF_ERROR_AS_IS(executor->read_state(1, std::as_writable_bytes(std::span(values).last(2))));
    return values;
  }
  std::vector<float> values(const Options& options) {
    auto result = loaded(options);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? *result : std::vector<float>();
  }
  std::string refusal(const Options& options) {
    const Status status = loaded(options).status();
    return status.ok() ? "" : status.message() + " | " + status.hint();
  }

  TemporaryFolder folder_;
};

TEST_F(Pretrained, StatesAreFilledByName) {
  EXPECT_THAT(values(options(ordinary())), ElementsAre(0.5f, -0.25f, 3, -8, 1.5f, -2));
}

TEST_F(Pretrained, OtherFloatingPointTypesAreConverted) {
  const std::vector<std::uint16_t> half = {0x3800, 0xb400, 0x0001, 0x7bff}; // 0.5, -0.25, 2^-24, 65504
  const std::vector<std::uint16_t> bf16 = {0x3fc0, 0xc000};                 // 1.5, -2
  EXPECT_THAT(values(options(write("h", {{"fc.weight", "F16", {2, 2}, bytes_of(half)},
                                         {"fc.bias", "BF16", {2}, bytes_of(bf16)}}))),
              ElementsAre(0.5f, -0.25f, std::ldexp(1.0f, -24), 65504, 1.5f, -2));
  EXPECT_THAT(values(options(write("d", {{"fc.weight", "F64", {2, 2}, bytes_of<double>({0.1, 1, 2, 3})},
                                         f32("fc.bias", {2}, kBias)}))),
              ElementsAre(0.1f, 1, 2, 3, 1.5f, -2));
  EXPECT_THAT(refusal(options(write("i", {{"fc.weight", "I32", {2, 2}, bytes_of<std::int32_t>({1, 2, 3, 4})},
                                          f32("fc.bias", {2}, kBias)}))),
              HasSubstr("'fc.weight' is i32 in the file, the program has f32"));
}

TEST_F(Pretrained, NumbersThatAreNoneAreRefused) {
  EXPECT_THAT(refusal(options(
                  write("n", {f32("fc.weight", {2, 2}, {1, 2, std::numeric_limits<float>::quiet_NaN(), 4}),
                              f32("fc.bias", {2}, kBias)}))),
              HasSubstr("element 2 of 'fc.weight' is no finite number"));
  EXPECT_THAT(refusal(options(write("o", {{"fc.weight", "F64", {2, 2}, bytes_of<double>({1, 1e300, 2, 3})},
                                          f32("fc.bias", {2}, kBias)}))),
              HasSubstr("element 1 of 'fc.weight' is no finite number in the program's f32"));
}

TEST_F(Pretrained, NamesAreRenamedByPrefix) {
  const std::string path =
      write("m", {f32("module.linear.weight", {2, 2}, kWeight),
                  f32("module.linear.bias", {2}, kBias),
                  {"module.bn.num_batches_tracked", "I64", {}, bytes_of<std::int64_t>({7})}});
  EXPECT_THAT(values(options(path, {"module.linear.=fc."})), ElementsAre(0.5f, -0.25f, 3, -8, 1.5f, -2));
  EXPECT_THAT(refusal(options(path, {"module.linear.=fc.", "model.="})),
              HasSubstr("no name of the file begins with 'model.'"));
  EXPECT_THAT(refusal(options(path, {"timm"})), HasSubstr("'timm', which is no FROM=TO"));
  EXPECT_THAT(refusal(options(write("t", {f32("a.weight", {1}, {1}), f32("b.weight", {1}, {1})}), {"a.=b."})),
              HasSubstr("two of its tensors are called 'b.weight'"));
}

TEST_F(Pretrained, CountersOfBatchesAreLeft) {
  const auto with = [&](const Written& counter) {
    return options(write("b", {f32("fc.weight", {2, 2}, kWeight), f32("fc.bias", {2}, kBias), counter}));
  };
  const std::string bytes = bytes_of<std::int64_t>({7});
  EXPECT_THAT(values(with({"bn1.num_batches_tracked", "I64", {}, bytes})),
              ElementsAre(0.5f, -0.25f, 3, -8, 1.5f, -2));
  // What only has the name is none.
  for (const Written& other :
       {Written{"bn1.num_batches_tracked", "I64", {1}, bytes}, f32("bn1.num_batches_tracked", {}, {7}),
        Written{"bn1.batches", "I64", {}, bytes}})
    EXPECT_THAT(refusal(with(other)), HasSubstr("the program has no 'bn1."));
}

TEST_F(Pretrained, DisagreementsAreListedWithTheKeyThatSkipsThem) {
  std::vector<Written> tensors = {f32("fc.weight", {3, 2}, std::vector<float>(6))};
  for (int i = 0; i < 7; ++i)
    tensors.push_back(f32(concat("layer", i, ".weight"), {1}, {1}));
  const std::string error = refusal(options(write("x", tensors)));
  EXPECT_THAT(
      error,
      AllOf(HasSubstr("9 tensors disagree with the program: 'fc.weight' is [3, 2] in the file, the "
                      "program has [2, 2]; the file has no 'fc.bias'; the program has no 'layer0.weight'"),
            HasSubstr("; and 4 more"), Not(HasSubstr("'layer3.weight'"))));
  EXPECT_THAT(error, HasSubstr("model.weights.skip = [\"fc.*\", \"layer0.*\""));
}

TEST_F(Pretrained, WhatIsSkippedStaysAsItWasInitialised) {
  const std::string path =
      write("s", {f32("fc.weight", {3, 2}, std::vector<float>(6)), f32("fc.bias", {2}, kBias)});
  const std::vector<float> some = values(options(path, {}, {"*.weight"})), all = values(options(ordinary()));
  ASSERT_EQ(some.size(), 6u);
  EXPECT_NE(some[0], all[0]);
  EXPECT_EQ(some[4], all[4]);
  EXPECT_THAT(refusal(options(path, {}, {"*.weight", "head.*"})),
              HasSubstr("'head.*' of model.weights.skip matches no tensor"));
  EXPECT_THAT(refusal(options(path, {}, {"*"})), HasSubstr("nothing of it is left to read"));
}

TEST_F(Pretrained, HostileFilesAreRefused) {
  const std::string good = file_of({f32("fc.weight", {2, 2}, kWeight), f32("fc.bias", {2}, kBias)});
  for (std::size_t length : {std::size_t(0), std::size_t(7), good.size() - 1, good.size() / 2}) {
    ASSERT_TRUE(write_file_atomic(folder_ / "cut", good.substr(0, length)).ok());
    EXPECT_THAT(refusal(options(folder_ / "cut")), HasSubstr("reading weights '")) << length;
  }
  EXPECT_THAT(refusal(options(folder_ / "none")), HasSubstr("none"));
  EXPECT_THAT(refusal(options(folder_.path())), HasSubstr("reading weights '"));
  EXPECT_THAT(refusal(options(write("half", {{"fc.weight", "F16", {2, 2}, std::string(7, 'x')}}))),
              HasSubstr("its shape does not take the 7 bytes it has"));
  EXPECT_THAT(refusal(options(write("huge", {{"fc.weight", "F16", {std::int64_t{1} << 62, 4}, ""}}))),
              HasSubstr("reading weights"));
}

TEST_F(Pretrained, FilesOfOtherKindsAreNamed) {
  for (const std::string& start :
       {std::string("PK\x03\x04\0\0\x08\x08", 8), std::string("\x80\x02\x8a\x0a", 4)}) {
    ASSERT_TRUE(write_file_atomic(folder_ / "w.pth", start + std::string(64, 'x')).ok());
    EXPECT_THAT(refusal(options(folder_ / "w.pth")), HasSubstr("it is a file of torch.save"));
  }
  EXPECT_THAT(refusal(options(folder_.path())), HasSubstr("it is a folder"));
}

TEST_F(Pretrained, KeysWithoutAFileAreRefused) {
  EXPECT_THAT(refusal(options("", {}, {"fc.*"})), HasSubstr("'model.weights.skip' has no effect"));
}

Settings from(const std::string& file) {
  return {{"model.weights.file", file}, {"run.epochs", "3"}};
}

TEST_F(Pretrained, ARunStartsFromThemAndSaysWhich) {
  RunOptions with = options_for(folder_ / "with", from(ordinary()));
  with.stop_after_steps = 1;
  train(with);
  RunOptions without = options_for(folder_ / "without", {{"run.epochs", "3"}});
  without.stop_after_steps = 1;
  train(without);
  const auto bias = [&](const char* run) {
    const Checkpoint checkpoint = checkpoint_at(folder_ / (std::string(run) + "/seed-0/last.safetensors"));
    float value;
    std::memcpy(&value, checkpoint.states.data() + 16, sizeof(value)); // behind fc.weight
    return value;
  };
  EXPECT_NEAR(bias("without"), 0, 0.7);
  EXPECT_NEAR(bias("with"), 1.5, 0.7);
  EXPECT_EQ(Manifest::read(folder_ / "with")->weights.size(), 16u);
  EXPECT_THAT(Manifest::read(folder_ / "without")->weights, IsEmpty());
}

TEST_F(Pretrained, AResumedSeedReadsNothingAndOneThatBeginsTheSameBytes) {
  const Settings two = {{"model.weights.file", ordinary()}, {"run.epochs", "3"}, {"run.seeds", "2"}};
  RunOptions straight = options_for(folder_ / "straight", two);
  train(straight);
  RunOptions stopped = options_for(folder_ / "stopped", two);
  stopped.stop_after_steps = 5;
  train(stopped);
  stopped.resume = true;
  stopped.set.clear();
  stopped.stop_after_steps = -1;
  // Seed 0 goes on without the file; seed 1 needs it, and no other.
  write("w.safetensors", {f32("fc.weight", {2, 2}, kWeight), f32("fc.bias", {2}, {9, 9})});
  EXPECT_THAT(run_training(make_toy_artifact(), stopped).status().message(),
              AllOf(HasSubstr("seed 1"), HasSubstr("but the run began with ")));
  ordinary();
  train(stopped);
  for (const char* seed : {"seed-0", "seed-1"})
    expect_same(checkpoint_at(folder_ / concat("stopped/", seed, "/last.safetensors")),
                checkpoint_at(folder_ / concat("straight/", seed, "/last.safetensors")));
  stopped.set = {{"model.weights.file", "other"}};
  EXPECT_THAT(run_training(make_toy_artifact(), stopped).status().message(),
              AllOf(HasSubstr("'model.weights.file' is \"other\", but the run began with")));
}

TEST_F(Pretrained, ARunRefusesBeforeItOpensItsData) {
  RunOptions options = options_for(folder_ / "out", from(write("bad", {f32("fc.weight", {2, 2}, kWeight)})));
  const Status status = run_training(make_toy_artifact(), options).status();
  EXPECT_THAT(status.message(), HasSubstr("a tensor disagrees with the program: the file has no 'fc.bias'"));
  EXPECT_FALSE(file_exists(folder_ / "out/manifest.json"));
}

} // namespace
} // namespace tailor::runtime
