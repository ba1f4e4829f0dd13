#include "runtime/artifact/writer.h"
#include "runtime/base/file.h"
#include "runtime/device/cpu_features.h"
#include "runtime/exec/cpu_executor.h"
#include "runtime/exec/cuda_executor.h"
#include "tests/unit/runtime/artifact/declare_launches.h"
#include "tests/unit/runtime/artifact/recorded_cudnn_plan.h"

#include <atomic>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <sstream>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

Operand place(Space space, Access access, std::uint64_t offset, std::uint64_t bytes,
              std::uint64_t chunk_stride = 0) {
  return {space, access, DType::kF32, 0, -1, offset, bytes, chunk_stride};
}

Command command_of(CommandKind kind, std::vector<Operand> operands = {}) {
  Command command;
  command.kind = kind;
  command.operands = std::move(operands);
  return command;
}

Command launch(std::int32_t kernel, std::vector<Operand> operands, std::int64_t units = 1,
               std::uint32_t chunks = 1) {
  Command command = command_of(CommandKind::kLaunch, std::move(operands));
  command.kernel = kernel;
  command.sizes = {units};
  command.num_units = units;
  command.num_chunks = chunks;
  return command;
}

/// One entry of one variant with these commands between begin and finish; control row: slot i32, value f32
/// and one device field; one f32 metric.
ArtifactSpec spec_of(std::vector<Command> commands, std::size_t num_kernels) {
  ArtifactSpec spec;
  spec.name = "exec";
  spec.producer = "test";
  spec.target = {"cpu", "any", {}};
  spec.options.set("value", OptionValue(1));
  spec.control = {{"slot", DType::kI32, 1, 0, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
                  {"value", DType::kF32, 1, 4, FieldWriter::kHost, FieldBinding::kOption, "value", 0},
                  {"scale", DType::kF32, 1, 64, FieldWriter::kDevice, FieldBinding::kNone, "", 2.5}};
  spec.metrics = {{"loss", DType::kF32, 1, 0}};
  spec.groups = {{"net", GroupKind::kNet, true}};
  spec.states = {{"w", 0, DType::kF32, {4}, 0, 16, {InitKind::kOnes, 0, -1}, true}};
  spec.memory = {64, 4096, 128, 64, 64, 256};
  for (std::size_t k = 0; k < num_kernels; ++k)
    spec.kernels.push_back({concat("k", k), k * 16, 16, k == 1 ? std::uint64_t{256} : 0, "map", {}, {}, 0});
  Variant variant;
  commands.insert(commands.begin(), command_of(CommandKind::kBeginStep));
  commands.push_back(command_of(CommandKind::kFinishStep));
  variant.commands = std::move(commands);
  spec.entries = {{"step", EntryKind::kStep, {variant}}};
  return spec;
}

std::shared_ptr<const Artifact> artifact_of(ArtifactSpec spec, std::vector<std::byte> code = {}) {
  declare_launches(spec);
  code.resize(std::max<std::size_t>(code.size(), 64), std::byte{0xC3});
  RawSection constants{std::string(kConstantSection), std::vector<std::byte>(16)};
  const float values[4] = {1, 2, 3, 4};
  std::memcpy(constants.bytes.data(), values, sizeof(values));
  const auto bytes = write_artifact(spec, {{std::string(kCodeSection), std::move(code)}, constants});
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return *Artifact::from_bytes(*bytes);
}

std::unique_ptr<CpuExecutor> executor_of(const ArtifactSpec& spec, std::vector<KernelFunction> kernels,
                                         const ExecutorOptions& options = {}) {
  auto executor = CpuExecutor::create_with_kernels(artifact_of(spec), options, std::move(kernels));
  EXPECT_TRUE(executor.ok()) << executor.status().message();
  return *std::move(executor);
}

template <class T>
std::vector<T> values_at(const Executor& executor, Space space, std::uint64_t offset, std::size_t count) {
  const auto bytes = executor.read_operand(place(space, Access::kRead, offset, count * sizeof(T)));
  std::vector<T> values(count);
  std::memcpy(values.data(), bytes->data(), count * sizeof(T));
  return values;
}

void set_control(Executor& executor, std::uint64_t counter, std::int32_t slot, float value) {
  std::memcpy(executor.control_row(counter), &slot, sizeof(slot));
  std::memcpy(executor.control_row(counter) + 4, &value, sizeof(value));
}

/// out[0] += in[0]
void add_kernel(void* const* buffers, const std::int64_t*, std::int64_t, std::int64_t) {
  *static_cast<float*>(buffers[1]) += *static_cast<const float*>(buffers[0]);
}

TEST(CpuExecutor, CopiesFillsAndReadsSlots) {
  ArtifactSpec spec =
      spec_of({command_of(CommandKind::kReadSlot, {place(Space::kSlot, Access::kRead, 64, 8),
                                                   place(Space::kArena, Access::kWrite, 0, 8)}),
               command_of(CommandKind::kCopy, {place(Space::kConstant, Access::kRead, 4, 8),
                                               place(Space::kArena, Access::kWrite, 64, 8)}),
               command_of(CommandKind::kFill, {place(Space::kArena, Access::kWrite, 128, 12)})},
              0);
  spec.entries[0].variants[0].commands[3].fill_word = 0x40000000; // 2.0f
  const auto executor = executor_of(spec, {}, {1, 2, 3});
  const float rows[2] = {5, 6};
  std::memcpy(executor->slot(2) + 64, rows, sizeof(rows));
  set_control(*executor, 0, 2, 0);
  ASSERT_TRUE(executor->run({0, 0}, 1).ok());
  EXPECT_EQ(values_at<float>(*executor, Space::kArena, 0, 2), (std::vector<float>{5, 6}));
  EXPECT_EQ(values_at<float>(*executor, Space::kArena, 64, 2), (std::vector<float>{2, 3}));
  EXPECT_EQ(values_at<float>(*executor, Space::kArena, 128, 4), (std::vector<float>{2, 2, 2, 0}));
}

TEST(CpuExecutor, RefusesASlotOutsideTheSlots) {
  const auto executor = executor_of(spec_of({}, 0), {}, {1, 2, 3});
  for (const std::int32_t slot : {-1, 3, 1 << 30}) {
    set_control(*executor, 0, slot, 0);
    EXPECT_THAT(executor->run({0, 0}, 1).message(), HasSubstr(concat("batch slot ", slot, " of 3")));
  }
  EXPECT_FALSE(executor->run({0, 0}, 3).ok()) << "more steps than ring rows";
  EXPECT_FALSE(executor->run({1, 0}, 1).ok());
}

/// Running sum of the control value into state and metric: one step per row of the ring.
ArtifactSpec summing_spec() {
  return spec_of({launch(0, {place(Space::kControl, Access::kRead, 4, 4),
                             place(Space::kState, Access::kReadWrite, 0, 4)}),
                  command_of(CommandKind::kCopy, {place(Space::kState, Access::kRead, 0, 4),
                                                  place(Space::kMetrics, Access::kWrite, 0, 4)})},
                 1);
}

TEST(CpuExecutor, StepsPerRunDoNotMatter) {
  std::vector<float> expected;
  for (const std::uint32_t launch_size : {1u, 3u, 8u}) {
    const auto executor = executor_of(summing_spec(), {add_kernel}, {1, 8, 8});
    std::vector<float> reported;
    for (std::uint32_t step = 0; step < 24; step += launch_size) {
      const std::uint64_t counter = executor->counter();
      EXPECT_EQ(counter, step);
      for (std::uint32_t i = 0; i < launch_size; ++i)
        set_control(*executor, counter + i, 0, 0.1f * static_cast<float>(step + i));
      ASSERT_TRUE(executor->run({0, 0}, launch_size).ok());
      for (std::uint32_t i = 0; i < launch_size; ++i) {
        float loss = 0;
        std::memcpy(&loss, executor->metrics_row(counter + i), sizeof(loss));
        reported.push_back(loss);
      }
    }
    if (expected.empty()) expected = reported;
    EXPECT_EQ(reported, expected);
  }
  EXPECT_EQ(expected.size(), 24u);
  EXPECT_GT(expected.back(), 27.0f);
}

TEST(CpuExecutor, RepeatsItsBody) {
  Command repeat = command_of(CommandKind::kRepeat);
  repeat.count = 3;
  repeat.body_length = 2;
  Command inner = repeat;
  inner.count = 5;
  inner.body_length = 1;
  const auto executor = executor_of(spec_of({repeat, inner,
                                             launch(0, {place(Space::kConstant, Access::kRead, 0, 4),
                                                        place(Space::kArena, Access::kReadWrite, 0, 4)}),
                                             launch(0, {place(Space::kConstant, Access::kRead, 12, 4),
                                                        place(Space::kArena, Access::kReadWrite, 4, 4)})},
                                            1),
                                    {add_kernel});
  ASSERT_TRUE(executor->run({0, 0}, 1).ok());
  EXPECT_EQ(values_at<float>(*executor, Space::kArena, 0, 2), (std::vector<float>{15, 4}));
}

/// Partial sums by chunk through chunk_stride, per-worker scratch as workspace, then a combining command.
void partial_kernel(void* const* buffers, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  auto* partial = static_cast<float*>(buffers[0]);
  auto* scratch = static_cast<float*>(buffers[1]);
  scratch[0] = 0;
  for (std::int64_t u = begin; u < end; ++u)
    scratch[0] += 1.0f / static_cast<float>(u + 1);
  *partial = scratch[0];
}
void combine_kernel(void* const* buffers, const std::int64_t* sizes, std::int64_t, std::int64_t) {
  float sum = 0;
  for (std::int64_t c = 0; c < sizes[0]; ++c)
    sum += static_cast<const float*>(buffers[0])[c * 16];
  *static_cast<float*>(buffers[1]) = sum;
}

TEST(CpuExecutor, SameBitsForAnyNumberOfThreads) {
  std::vector<Command> commands = {
      launch(1, {place(Space::kArena, Access::kWrite, 0, 7 * 64, 64)}, 1000, 7),
      launch(0,
             {place(Space::kArena, Access::kRead, 0, 7 * 64), place(Space::kMetrics, Access::kWrite, 0, 4)},
             7)};
  const ArtifactSpec spec = spec_of(commands, 2);
  std::vector<std::byte> expected;
  for (const int threads : {1, 2, 3, 8}) {
    const auto executor = executor_of(spec, {combine_kernel, partial_kernel}, {threads, 1, 1});
    for (int round = 0; round < 50; ++round) {
      ASSERT_TRUE(executor->run({0, 0}, 1).ok());
      const std::byte* row = executor->metrics_row(executor->counter() - 1);
      const std::vector<std::byte> bits(row, row + 4);
      if (expected.empty()) expected = bits;
      ASSERT_EQ(bits, expected) << threads << " threads";
    }
  }
}

/// Adds one to the metric at each call; a call for all of five units shows as a hundred.
void count_calls(void* const* buffers, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  *static_cast<float*>(buffers[0]) += begin == 0 && end == 5 ? 100 : 1;
}

TEST(CpuExecutor, CallsForAllUnitsOnlyWhereThereIsOneChunk) {
  for (const std::uint32_t chunks : {1u, 2u, 5u}) {
    const auto executor =
        executor_of(spec_of({launch(0, {place(Space::kState, Access::kReadWrite, 0, 4)}, 5, chunks),
                             command_of(CommandKind::kCopy, {place(Space::kState, Access::kRead, 0, 4),
                                                             place(Space::kMetrics, Access::kWrite, 0, 4)})},
                            1),
                    {count_calls});
    set_control(*executor, 0, 0, 0);
    ASSERT_TRUE(executor->run({0, 0}, 1).ok());
    float calls = 0;
    std::memcpy(&calls, executor->metrics_row(0), sizeof(calls));
    EXPECT_EQ(calls, chunks == 1 ? 100 : 2) << chunks << " chunks";
  }
}

TEST(CpuExecutor, InitialisesAndKeepsState) {
  const auto executor = executor_of(summing_spec(), {add_kernel});
  ASSERT_TRUE(executor->initialise(0).ok());
  std::vector<float> w(4);
  ASSERT_TRUE(executor->read_state(0, std::as_writable_bytes(std::span(w))).ok());
  EXPECT_EQ(w, std::vector<float>(4, 1.0f));
  w = {9, 8, 7, 6};
  ASSERT_TRUE(executor->write_state(0, std::as_bytes(std::span(w))).ok());
  EXPECT_EQ(values_at<float>(*executor, Space::kState, 0, 4), w);
  EXPECT_FALSE(executor->write_state(0, std::as_bytes(std::span(w)).first(12)).ok());
  EXPECT_FALSE(executor->read_state(1, {}).ok());
  float scale = 0;
  std::memcpy(&scale, executor->device_control().data(), sizeof(scale));
  EXPECT_EQ(scale, 2.5f);
}

TEST(CpuExecutor, BeginStepLeavesDeviceFieldsAlone) {
  const auto executor = executor_of(spec_of({launch(0, {place(Space::kConstant, Access::kRead, 0, 4),
                                                        place(Space::kControl, Access::kReadWrite, 64, 4)})},
                                            1),
                                    {add_kernel});
  for (int step = 0; step < 3; ++step)
    ASSERT_TRUE(executor->run({0, 0}, 1).ok());
  EXPECT_EQ(values_at<float>(*executor, Space::kControl, 64, 1)[0], 5.5f);
}

TEST(CpuExecutor, ObserverSeesEveryCommandBeginAndEndAndMayStop) {
  const auto executor = executor_of(summing_spec(), {add_kernel});
  std::vector<std::string> seen;
  ASSERT_TRUE(executor
                  ->set_observer({.begin =
                                      [&](const ObservedCommand& observed) {
                                        seen.push_back("begin " + std::to_string(observed.index));
                                      },
                                  .end = [&](const ObservedCommand& observed) -> Status {
                                    seen.push_back("end " + std::to_string(observed.index));
                                    if (observed.command->kind == CommandKind::kCopy)
                                      return invalid_argument("enough");
                                    return {};
                                  }})
                  .ok());
  EXPECT_THAT(executor->run({0, 0}, 1).message(), HasSubstr("enough"));
  EXPECT_EQ(seen, (std::vector<std::string>{"begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"}));
}

#if defined(__x86_64__)
/// mov rax, [rdi]; mov rcx, [rsi]; mov [rax], rcx; ret   (*buffers[0] = sizes[0])
constexpr unsigned char kStoreRows[] = {0x48, 0x8B, 0x07, 0x48, 0x8B, 0x0E, 0x48, 0x89, 0x08, 0xC3};

TEST(CpuExecutor, RunsMachineCodeOfTheArtifact) {
  const ArtifactSpec spec = spec_of({launch(1, {place(Space::kArena, Access::kWrite, 8, 8)}, 77)}, 2);
  std::vector<std::byte> code(32, std::byte{0xCC});
  std::memcpy(code.data() + 16, kStoreRows, sizeof(kStoreRows));
  const auto executor = CpuExecutor::create(artifact_of(spec, code), {});
  ASSERT_TRUE(executor.ok()) << executor.status().message();
  ASSERT_TRUE((*executor)->run({0, 0}, 1).ok());
  EXPECT_EQ(values_at<std::int64_t>(**executor, Space::kArena, 8, 1)[0], 77);
}

TEST(HostFeatures, AgreeWithTheSystem) {
  std::ifstream file("/proc/cpuinfo");
  std::string flags;
  for (std::string line; std::getline(file, line) && flags.empty();)
    if (line.rfind("flags", 0) == 0) flags = line + " ";
  ASSERT_FALSE(flags.empty());
  for (const auto& [llvm, system] :
       std::vector<std::pair<std::string, std::string>>{{"sse2", "sse2"},
                                                        {"sse4.2", "sse4_2"},
                                                        {"avx", "avx"},
                                                        {"avx2", "avx2"},
                                                        {"fma", "fma"},
                                                        {"bmi2", "bmi2"},
                                                        {"f16c", "f16c"},
                                                        {"avx512f", "avx512f"},
                                                        {"avx512vl", "avx512vl"},
                                                        {"avx512bf16", "avx512_bf16"},
                                                        {"avx512fp16", "avx512_fp16"},
                                                        {"avxvnni", "avx_vnni"},
                                                        {"gfni", "gfni"},
                                                        {"lzcnt", "abm"}})
    EXPECT_EQ(check_host_features({llvm}).ok(), flags.find(" " + system + " ") != std::string::npos) << llvm;
}
#endif

TEST(CpuExecutor, RefusesOtherTargetsClearly) {
  ArtifactSpec spec = spec_of({}, 0);
  spec.target = {"cuda", "sm_90", {}};
  EXPECT_THAT(CpuExecutor::create(artifact_of(spec), {}).status().message(),
              HasSubstr("target 'cuda:sm_90'"));
  spec.target = {"cpu", "future", {"avx9999"}};
  const auto refused = CpuExecutor::create(artifact_of(spec), {});
  EXPECT_EQ(refused.status().code(), StatusCode::kIncompatible);
  EXPECT_THAT(refused.status().message(), HasSubstr("target 'cpu:future'"));
  EXPECT_THAT(refused.status().message(), HasSubstr("'avx9999'"));
}

// The driver reads as many arguments as a kernel's text has, and believes the sizes in code that is no text: before it is opened.
TEST(CudaExecutor, RefusesCodeThatIsNotWhatIsLaunched) {
  const auto refusal = [](std::string ptx, std::size_t code_bytes = 0) {
    ArtifactSpec spec = spec_of({launch(0, {place(Space::kArena, Access::kWrite, 0, 64)})}, 1);
    spec.target = {"cuda", "sm_90", {}};
    spec.kernels[0].code_offset = 0;
    spec.kernels[0].code_bytes = code_bytes > 0 ? code_bytes : ptx.size();
    spec.kernels[0].blocks = 1, spec.kernels[0].threads = 32;
    std::vector<std::byte> code(ptx.size() + 1);
    std::memcpy(code.data(), ptx.data(), ptx.size());
    code.resize(std::max<std::size_t>(code.size(), 64));
    for (std::size_t i = ptx.size(); i + 1 < code.size(); ++i)
      code[i] = std::byte{' '};
    return CudaExecutor::create(artifact_of(spec, code), {}).status().message();
  };
  const std::string one = ".visible .entry k0(\n.param .u64 a\n)\n{ ret; }\n";
  EXPECT_THAT(refusal(one), Not(HasSubstr("code"))) << "only the driver is missing";
  EXPECT_THAT(refusal("\x7F"
                      "ELF and whatever an image has"),
              HasSubstr("its code is no PTX"));
  EXPECT_THAT(refusal(std::string("a\0b, with a zero in the middle of it", 36)),
              HasSubstr("its code is no PTX"));
  EXPECT_THAT(refusal(".visible .entry k0(\n.param .u64 a,\n.param .u64 b\n)\n{ ret; }\n"),
              HasSubstr("kernel 'k0' is launched with 1 arguments, its code takes 2"));
  EXPECT_THAT(refusal(".visible .entry other(\n.param .u64 a\n)\n{ ret; }\n"), HasSubstr("kernel 'k0'"));
  EXPECT_THAT(refusal(one + ".visible .entry k1(\n)\n{ ret; }\n"), HasSubstr("kernel 'k0'"));
}

TEST(CpuExecutor, RefusesWhatItCannotHold) {
  ArtifactSpec spec = spec_of({}, 0);
  spec.memory.arena = std::uint64_t{1} << 45;
  EXPECT_EQ(CpuExecutor::create(artifact_of(spec), {}).status().code(), StatusCode::kResourceExhausted);
  spec = spec_of({}, 0);
  spec.memory.slot = std::uint64_t{1} << 45;
  EXPECT_EQ(CpuExecutor::create(artifact_of(spec), {1, 8, 1u << 19}).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_FALSE(CpuExecutor::create(artifact_of(spec_of({}, 0)), {0, 8, 8}).ok());
  EXPECT_FALSE(CpuExecutor::create(artifact_of(spec_of({}, 0)), {1, 8, 4}).ok());
  Command library = command_of(CommandKind::kLibrary);
  library.plan = 0;
  library.operands = {{Space::kArena, Access::kRead, DType::kF32, 0, -1, 0, 128, 0},
                      {Space::kArena, Access::kRead, DType::kF32, 0, -1, 128, 144, 0},
                      {Space::kArena, Access::kWrite, DType::kF32, 0, -1, 320, 32, 0},
                      {Space::kArena, Access::kReadWrite, DType::kF32, 0, -1, 384, 176, 0}};
  spec = spec_of({library}, 0);
  spec.memory.arena = 576;
  spec.library_plans = {recorded_plan()};
  const auto refused = CpuExecutor::create(artifact_of(spec), {});
  EXPECT_EQ(refused.status().code(), StatusCode::kUnimplemented);
  EXPECT_THAT(refused.status().message(), HasSubstr("library 'cudnn'"));
}

} // namespace
} // namespace tailor::runtime
