#include "tests/unit/runtime/train/toy_program.h"

#include "runtime/artifact/writer.h"
#include "runtime/base/philox.h"
#include "runtime/exec/cpu_executor.h"
#include "tests/unit/runtime/artifact/declare_launches.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

constexpr std::uint32_t kChunks = 4;
constexpr std::int64_t kPartials = 8; // gradients of 4 weights and 2 biases, loss, pad

/// Offsets in the control row.
enum Control : std::uint64_t {
  kValid = 0,
  kSlot = 4,
  kStep = 8,
  kRng = 16,
  kLr = 32,
  kMomentum = 36,
  kDecay = 40
};

template <class T> T read(const void* row, std::uint64_t offset) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(row) + offset, sizeof(T));
  return value;
}

void logits_of(const float* x, const float* w, const float* b, float* z) {
  for (int k = 0; k < 2; ++k)
    z[k] = w[2 * k] * x[0] + w[2 * k + 1] * x[1] + b[k];
}

// x, label, w, b, class table, control -> partials of this chunk
void gradient_kernel(void* const* buffers, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  const auto* x = static_cast<const float*>(buffers[0]);
  const auto* label = static_cast<const std::int32_t*>(buffers[1]);
  const auto* w = static_cast<const float*>(buffers[2]);
  const auto* b = static_cast<const float*>(buffers[3]);
  const auto* table = static_cast<const float*>(buffers[4]);
  const void* control = buffers[5];
  auto* partial = static_cast<float*>(buffers[6]);
  std::memset(partial, 0, kPartials * sizeof(float));
  const std::int64_t valid = read<std::int32_t>(control, kValid);
  const RandomKey key =
      make_random_key({read<std::uint32_t>(control, kRng), read<std::uint32_t>(control, kRng + 4),
                       read<std::uint32_t>(control, kRng + 8), read<std::uint32_t>(control, kRng + 12)},
                      {1, 0, 0, 0, 0});
  for (std::int64_t n = begin; n < std::min(end, valid); ++n) {
    const PhiloxCounter words = key.block(static_cast<std::uint32_t>(n), 0);
    const float noisy[2] = {x[2 * n] + 0.05f * (uniform_from_word(words[0]) - 0.5f),
                            x[2 * n + 1] + 0.05f * (uniform_from_word(words[1]) - 0.5f)};
    float z[2];
    logits_of(noisy, w, b, z);
    const float p1 = 1.0f / (1.0f + std::exp(z[0] - z[1]));
    const float scale = table[label[n]];
    const float dz1 = scale * (p1 - static_cast<float>(label[n]));
    for (int k = 0; k < 2; ++k) {
      const float dz = k ? dz1 : -dz1;
      partial[2 * k] += dz * noisy[0];
      partial[2 * k + 1] += dz * noisy[1];
      partial[4 + k] += dz;
    }
    partial[6] -= scale * std::log(label[n] ? p1 : 1.0f - p1);
  }
}

// partials, control, w, b, momentum [6], average [6] -> loss
void update_kernel(void* const* buffers, const std::int64_t* sizes, std::int64_t, std::int64_t) {
  const auto* partials = static_cast<const float*>(buffers[0]);
  const void* control = buffers[1];
  auto* w = static_cast<float*>(buffers[2]);
  auto* b = static_cast<float*>(buffers[3]);
  auto* momentum = static_cast<float*>(buffers[4]);
  auto* average = static_cast<float*>(buffers[5]);
  auto* loss = static_cast<float*>(buffers[6]);
  const auto valid = static_cast<float>(read<std::int32_t>(control, kValid));
  const float lr = read<float>(control, kLr), mu = read<float>(control, kMomentum),
              d = read<float>(control, kDecay);
  float total[kPartials] = {};
  for (std::int64_t c = 0; c < sizes[1]; ++c)
    for (std::int64_t i = 0; i < kPartials; ++i)
      total[i] += partials[c * 16 + i];
  for (int i = 0; i < 6; ++i) {
    float& parameter = i < 4 ? w[i] : b[i - 4];
    momentum[i] = mu * momentum[i] + total[i] / valid;
    parameter -= lr * momentum[i];
    average[i] = d * average[i] + (1.0f - d) * parameter;
  }
  *loss = total[6] / valid;
}

// x, w, b -> logits
void logits_kernel(void* const* buffers, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  for (std::int64_t n = begin; n < end; ++n)
    logits_of(static_cast<const float*>(buffers[0]) + 2 * n, static_cast<const float*>(buffers[1]),
              static_cast<const float*>(buffers[2]), static_cast<float*>(buffers[3]) + 2 * n);
}

// class_counts -> class table n_max / n_i
void table_kernel(void* const* buffers, const std::int64_t*, std::int64_t, std::int64_t) {
  const auto* counts = static_cast<const float*>(buffers[0]);
  for (int k = 0; k < 2; ++k)
    static_cast<float*>(buffers[1])[k] = std::max(counts[0], counts[1]) / counts[k];
}

Operand operand(Space space, Access access, std::uint64_t offset, std::uint64_t bytes,
                DType dtype = DType::kF32, std::uint64_t chunk_stride = 0) {
  return {space, access, dtype, 0, -1, offset, bytes, chunk_stride};
}

Command command_of(CommandKind kind) {
  Command command;
  command.kind = kind;
  return command;
}

Command launch(std::int32_t kernel, std::vector<Operand> operands, std::int64_t units, std::uint32_t chunks) {
  Command command = command_of(CommandKind::kLaunch);
  command.kernel = kernel;
  command.operands = std::move(operands);
  command.sizes = {units, chunks};
  command.num_units = units;
  command.num_chunks = chunks;
  command.ops = {kernel};
  return command;
}

void set_options(Options& options, const ToyOptions& toy) {
  const auto add = [&](const char* key, OptionValue value, OptionType type,
                       OptionStage stage = OptionStage::kRun) {
    Option option;
    option.value = std::move(value);
    option.type = type;
    option.stage = stage;
    option.origin = "toy.toml";
    options.set(key, option);
  };
  if (toy.csv.empty()) {
    add("data.format", "two_moons", OptionType::kString, OptionStage::kCompile);
    add("data.samples_per_class", OptionValue(toy.rows_per_class), OptionType::kInt);
    add("data.test_per_class", OptionValue(50), OptionType::kInt);
  } else {
    add("data.format", "csv", OptionType::kString, OptionStage::kCompile);
    add("data.train", OptionValue(toy.csv), OptionType::kString);
    add("data.label.column", "label", OptionType::kAny, OptionStage::kCompile);
  }
  add("data.numeric", "none", OptionType::kString, OptionStage::kCompile);
  add("optimizer.lr", OptionValue(0.3), OptionType::kNumber);
  Option lr = *options.find("optimizer.lr");
  lr.limits.min = 0;
  lr.limits.min_exclusive = true;
  options.set("optimizer.lr", lr);
  add("optimizer.momentum", OptionValue(0.9), OptionType::kNumber);
  add("model.weights.file", "", OptionType::kString);
  add("model.weights.names", OptionValue(OptionValue::List{}), OptionType::kList);
  add("model.weights.skip", OptionValue(OptionValue::List{}), OptionType::kList);
  add("method.ema.decay", OptionValue(0.99), OptionType::kNumber);
  add("method.ema.warmup", OptionValue(true), OptionType::kBool);
  add("schedule.name", "warmup_cosine", OptionType::kString);
  add("schedule.warmup_epochs", OptionValue(2), OptionType::kInt);
  add("schedule.per", "step", OptionType::kString);
  add("run.batch", OptionValue(toy.batch), OptionType::kAny, OptionStage::kCompile);
  add("run.epochs", OptionValue(12), OptionType::kInt);
  add("run.steps", OptionValue(0), OptionType::kInt);
  add("run.seed", OptionValue(0), OptionType::kInt);
  add("run.seeds", OptionValue(1), OptionType::kInt);
  add("run.steps_per_launch", OptionValue(1), OptionType::kInt);
  add("run.log_steps", OptionValue(0), OptionType::kInt);
  add("run.checkpoint_minutes", OptionValue(10.0), OptionType::kNumber);
  add("run.checkpoint_every", OptionValue(1), OptionType::kInt);
  add("run.keep.best", "", OptionType::kString);
  add("run.early_stop.on", "", OptionType::kString);
  add("run.early_stop.patience", OptionValue(3), OptionType::kInt);
}

ArtifactSpec toy_spec(const ToyOptions& toy) {
  ArtifactSpec spec;
  spec.name = toy.name;
  spec.producer = "test";
  spec.source_name = "toy.toml";
  spec.target = {"cpu", toy.target, {}};
  set_options(spec.options, toy);

  spec.schema.columns = {{"x0", 0, ColumnRole::kNumeric, 0, false},
                         {"x1", 1, ColumnRole::kNumeric, 0, false}};
  if (!toy.csv.empty()) {
    spec.schema.columns.push_back({"label", 2, ColumnRole::kLabel, 0, false});
    spec.schema.named = true;
  }
  spec.schema.num_classes = 2;
  spec.schema.class_names = {"0", "1"};
  spec.schema.positive_class = 1;

  spec.groups = {{"net", GroupKind::kNet, true},
                 {"sgd", GroupKind::kOptimizer, false},
                 {"ema", GroupKind::kEma, false},
                 {"fitted", GroupKind::kFitted, false}};
  const std::uint64_t ballast = toy.ballast_elements * 4;
  spec.states = {
      {"fc.weight", 0, DType::kF32, {2, 2}, 0, 16, {InitKind::kNormal, 0.1, -1}, true},
      {"fc.bias", 0, DType::kF32, {2}, 64, 8, {InitKind::kZeros, 0, -1}, false},
      {"momentum", 1, DType::kF32, {6}, 128, 24, {InitKind::kZeros, 0, -1}, true},
      {"average", 2, DType::kF32, {6}, 192, 24, {InitKind::kZeros, 0, -1}, true},
      {"class_counts", 3, DType::kF32, {2}, 256, 8, {InitKind::kZeros, 0, -1}, true},
      {"table", 3, DType::kF32, {2}, 320, 8, {InitKind::kOnes, 0, -1}, true},
      {"ballast",
       1,
       DType::kF32,
       {static_cast<std::int64_t>(toy.ballast_elements)},
       384,
       ballast,
       {InitKind::kUniform, 1, -1},
       true},
  };
  spec.control = {
      {"valid", DType::kI32, 1, kValid, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"slot", DType::kI32, 1, kSlot, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"step", DType::kI32, 1, kStep, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"rng", DType::kI32, 4, kRng, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"lr", DType::kF32, 1, kLr, FieldWriter::kHost, FieldBinding::kSchedule, "optimizer.lr", 0, "schedule"},
      {"momentum", DType::kF32, 1, kMomentum, FieldWriter::kHost, FieldBinding::kOption, "optimizer.momentum",
       0},
      {"ema_decay", DType::kF32, 1, kDecay, FieldWriter::kHost, FieldBinding::kAverageDecay,
       "method.ema.decay", 0, "method.ema"},
  };
  spec.control.insert(spec.control.end(), toy.more_fields.begin(), toy.more_fields.end());
  spec.options.merge(toy.more_options);
  spec.metrics = {{"loss", DType::kF32, 1, 0}};
  spec.kernels = {{"gradient", 0, 16, 0, "rows", {}, {}, 0},
                  {"update", 16, 16, 0, "single", {}, {}, 0},
                  {"logits", 32, 16, 0, "gemm", {}, {}, 0},
                  {"table", 48, 16, 0, "scalar", {}, {}, 0}};
  spec.ops = {{0, "tailor.dot", "toy.toml:1:1", -1, ""},
              {1, "tailor.sgd_update", "toy.toml:2:1", -1, ""},
              {2, "tailor.dot", "toy.toml:3:1", -1, ""},
              {3, "tailor.div", "toy.toml:4:1", -1, ""}};

  const auto batch = static_cast<std::uint64_t>(toy.batch);
  const std::uint64_t x_bytes = batch * 8, label_offset = (x_bytes + 63) / 64 * 64, label_bytes = batch * 4;
  const std::uint64_t partials = (label_offset + label_bytes + 63) / 64 * 64, partial_bytes = kChunks * 64;
  const std::uint64_t logits = partials + partial_bytes;
  spec.memory = {384 + ballast, logits + batch * 8, 64, 64, 64, (label_offset + label_bytes + 63) / 64 * 64};

  Variant inputs;
  inputs.batch = toy.batch;
  inputs.slot_fields = {{"numeric", DType::kF32, {toy.batch, 2}, 0, x_bytes},
                        {"label", DType::kI32, {toy.batch}, label_offset, label_bytes}};
  Command read_x = command_of(CommandKind::kReadSlot), read_label = read_x;
  read_x.operands = {operand(Space::kSlot, Access::kRead, 0, x_bytes),
                     operand(Space::kArena, Access::kWrite, 0, x_bytes)};
  read_label.operands = {operand(Space::kSlot, Access::kRead, label_offset, label_bytes, DType::kI32),
                         operand(Space::kArena, Access::kWrite, label_offset, label_bytes, DType::kI32)};
  const Operand x = operand(Space::kArena, Access::kRead, 0, x_bytes);
  const Operand label = operand(Space::kArena, Access::kRead, label_offset, label_bytes, DType::kI32);
  const Operand control = operand(Space::kControl, Access::kRead, 0, 64, DType::kI32);
  const auto state = [](Access access, std::uint64_t offset, std::uint64_t bytes) {
    return operand(Space::kState, access, offset, bytes);
  };

  Variant step = inputs;
  step.metrics = {0};
  step.commands = {command_of(CommandKind::kBeginStep),
                   read_x,
                   read_label,
                   launch(0,
                          {x, label, state(Access::kRead, 0, 16), state(Access::kRead, 64, 8),
                           state(Access::kRead, 320, 8), control,
                           operand(Space::kArena, Access::kWrite, partials, partial_bytes, DType::kF32, 64)},
                          toy.batch, kChunks),
                   launch(1,
                          {operand(Space::kArena, Access::kRead, partials, partial_bytes), control,
                           state(Access::kReadWrite, 0, 16), state(Access::kReadWrite, 64, 8),
                           state(Access::kReadWrite, 128, 24), state(Access::kReadWrite, 192, 24),
                           operand(Space::kMetrics, Access::kWrite, 0, 4)},
                          1, 1),
                   command_of(CommandKind::kFinishStep)};
  step.commands[4].sizes[1] = kChunks;

  Variant eval = inputs;
  eval.outputs = {
      {"logits", DType::kF32, {toy.batch, 2}, operand(Space::kArena, Access::kRead, logits, batch * 8)}};
  eval.commands = {command_of(CommandKind::kBeginStep), read_x,
                   launch(2,
                          {x, state(Access::kRead, 0, 16), state(Access::kRead, 64, 8),
                           operand(Space::kArena, Access::kWrite, logits, batch * 8)},
                          toy.batch, 1),
                   command_of(CommandKind::kFinishStep)};

  Variant fit;
  fit.commands = {command_of(CommandKind::kBeginStep),
                  launch(3, {state(Access::kRead, 256, 8), state(Access::kWrite, 320, 8)}, 1, 1),
                  command_of(CommandKind::kFinishStep)};

  spec.entries = {{"train_step", EntryKind::kStep, {step}, 4},
                  {"eval_step", EntryKind::kEval, {eval}},
                  {"fit", EntryKind::kFit, {fit}}};
  Stage stage;
  stage.name = "main";
  stage.step_entry = 0;
  stage.eval_entry = 1;
  stage.fit_entry = 2;
  spec.stages = {stage};
  if (toy.two_stages) {
    stage.name = "tune";
    spec.options.set("stage.tune.run.epochs", OptionValue(4));
    stage.continues = toy.continues;
    if (toy.starts_slots) stage.initialised_groups = {1, 2};
    if (!toy.continues) {
      spec.options.set("stage.tune.optimizer.lr", OptionValue(0.15));
      spec.options.set("stage.tune.schedule.name", OptionValue("constant"));
      stage.initialised_groups = {1, 2};
    }
    spec.stages.push_back(stage);
  }
  declare_launches(spec);
  return spec;
}

} // namespace

std::shared_ptr<const Artifact> make_toy_artifact(const ToyOptions& options) {
  RawSection code{std::string(kCodeSection), std::vector<std::byte>(64, std::byte{0xC3})};
  Result<std::vector<std::byte>> bytes = write_artifact(toy_spec(options), {code});
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::from_bytes(*std::move(bytes));
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return *std::move(artifact);
}

Result<std::unique_ptr<Executor>> make_toy_executor(std::shared_ptr<const Artifact> artifact,
                                                    const ExecutorOptions& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      std::unique_ptr<CpuExecutor> executor,
      CpuExecutor::create_with_kernels(std::move(artifact), options,
                                       {gradient_kernel, update_kernel, logits_kernel, table_kernel}));
  return std::unique_ptr<Executor>(std::move(executor));
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = testing::TempDir() + "/tailor_XXXXXX";
  path_ = ::mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

} // namespace tailor::runtime
