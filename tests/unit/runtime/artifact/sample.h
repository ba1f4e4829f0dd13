#pragma once
#include "runtime/artifact/spec.h"
#include "runtime/base/philox.h"
#include "tests/unit/runtime/artifact/declare_launches.h"
#include "tests/unit/runtime/artifact/recorded_cudnn_plan.h"

namespace tailor::runtime {

/// A small artifact that sets every field of the format to something other than its default. Not executable.
inline ArtifactSpec sample_spec() {
  ArtifactSpec spec;
  spec.name = "sample";
  spec.producer = "tailor 0.1.0";
  spec.source_name = "sample.toml";
  spec.source_text = "[model]\nname = \"mlp\"\n";
  spec.meaning = 0x0123456789abcdefu;
  spec.random_version = kRandomVersion;
  spec.compile_flags = {"--set-kernel", "layer1.*=implicit_gemm"};
  spec.target = {"cpu", "x86-64-v3", {"avx2", "fma"}};
  Option lr;
  lr.value = 0.1;
  lr.type = OptionType::kNumber;
  lr.origin = "sample.toml:4:3";
  lr.limits.min = 0;
  lr.limits.min_exclusive = true;
  spec.options.set("optimizer.lr", lr);
  spec.options.set("control.drw", OptionValue(OptionValue::List{OptionValue(160)}));
  spec.options.set("stage.main.run.epochs", OptionValue(3));
  Option name;
  name.value = "mlp";
  name.type = OptionType::kString;
  name.stage = OptionStage::kCompile;
  name.limits.choices = {"mlp", "resnet8"};
  spec.options.set("model.name", name);

  spec.schema.columns = {{"age", 0, ColumnRole::kNumeric, 0, true},
                         {"job", 1, ColumnRole::kCategorical, 9, false}};
  spec.schema.named = true;
  spec.schema.num_classes = 2;
  spec.schema.class_names = {"no", "yes"};
  spec.schema.positive_class = 1;
  spec.schema.label_strip = ".";
  spec.schema.missing = "flag";
  spec.schema.numeric = "quantile";
  spec.schema.image_height = 8;
  spec.schema.image_width = 6;
  spec.schema.image_channels = 3;
  spec.schema.image_mean = {0.5, 0.25, 0.125};
  spec.schema.image_deviation = {1, 2, 3};

  spec.groups = {{"net", GroupKind::kNet, true}, {"ema", GroupKind::kEma, false}};
  spec.states = {
      {"fc0.weight", 0, DType::kF32, {2, 3}, 0, 24, {InitKind::kUniform, 0.5, -1}, true},
      {"fc0.bias", 0, DType::kF32, {2}, 64, 8, {InitKind::kConstant, 0.25, -1}, false},
      {"fc0.weight", 1, DType::kF32, {2, 3}, 128, 24, {InitKind::kCopyOf, 0, 0}, true},
  };
  spec.control = {
      {"valid", DType::kI32, 1, 0, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"slot", DType::kI32, 1, 4, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"rng", DType::kI32, 4, 8, FieldWriter::kHost, FieldBinding::kBuiltin, "", 0},
      {"lr", DType::kF32, 1, 24, FieldWriter::kHost, FieldBinding::kSchedule, "optimizer.lr", 0, "schedule"},
      {"table_row", DType::kI32, 1, 28, FieldWriter::kHost, FieldBinding::kEpochRow, "control.drw", 0},
      {"loss_scale", DType::kF32, 2, 32, FieldWriter::kDevice, FieldBinding::kNone, "", 1024},
  };
  spec.metrics = {{"loss", DType::kF32, 1, 0}, {"per_class", DType::kF64, 2, 8}};
  spec.kernels = {{"map_64_1a2b", 0, 32, 0, "map", {1, 2}, {}, 0},
                  {"gemm_8x2_3c4d", 64, 64, 4096, "gemm", {3}, {}, 256}};
  spec.library_plans = {recorded_plan()};
  spec.memory = {256, 1024, 64, 32, 64, 256};

  Variant step;
  step.batch = 8;
  step.symbol = "train_step_b8";
  step.slot_fields = {{"numeric", DType::kF32, {8, 3}, 0, 96}, {"label", DType::kI32, {8}, 128, 32}};
  step.outputs = {
      {"logits", DType::kF32, {8, 2}, {Space::kArena, Access::kRead, DType::kF32, 1, 3, 256, 64, 0}}};
  step.metrics = {0, 1};
  Command begin;
  begin.kind = CommandKind::kBeginStep;
  Command read;
  read.kind = CommandKind::kReadSlot;
  read.operands = {{Space::kSlot, Access::kRead, DType::kF32, 0, -1, 0, 96, 0},
                   {Space::kArena, Access::kWrite, DType::kF32, 0, 1, 0, 96, 0}};
  Command launch;
  launch.kind = CommandKind::kLaunch;
  launch.kernel = 1;
  launch.operands = {{Space::kArena, Access::kRead, DType::kF32, 0, 1, 0, 96, 0},
                     {Space::kState, Access::kReadWrite, DType::kF32, 0, -1, 0, 24, 0},
                     {Space::kArena, Access::kWrite, DType::kF32, 1, 3, 512, 256, 64}};
  launch.sizes = {8, 3, 2};
  launch.num_units = 8;
  launch.num_chunks = 4;
  launch.ops = {3};
  launch.flops = 96;
  launch.bytes_moved = 184;
  Command repeat;
  repeat.kind = CommandKind::kRepeat;
  repeat.count = 3;
  repeat.body_length = 1;
  Command fill;
  fill.kind = CommandKind::kFill;
  fill.operands = {{Space::kArena, Access::kWrite, DType::kF32, 0, -1, 768, 64, 0}};
  fill.fill_word = 0x3f800000;
  Command copy;
  copy.kind = CommandKind::kCopy;
  copy.operands = {{Space::kConstant, Access::kRead, DType::kF32, 0, -1, 4, 8, 0},
                   {Space::kMetrics, Access::kWrite, DType::kF32, 0, -1, 0, 8, 0}};
  Command library;
  library.kind = CommandKind::kLibrary;
  library.plan = 0;
  library.operands = {{Space::kArena, Access::kRead, DType::kF32, 0, -1, 0, 128, 0},
                      {Space::kArena, Access::kRead, DType::kF32, 0, -1, 128, 144, 0},
                      {Space::kArena, Access::kWrite, DType::kF32, 0, -1, 320, 32, 0},
                      {Space::kArena, Access::kReadWrite, DType::kF32, 0, -1, 384, 176, 0}};
  Command finish;
  finish.kind = CommandKind::kFinishStep;
  step.commands = {begin, read, launch, repeat, fill, copy, library, finish};

  spec.entries = {{"train_step", EntryKind::kStep, {step}},
                  {"eval_step", EntryKind::kEval, {step}},
                  {"fit", EntryKind::kFit, {Variant{}}}};
  Stage stage;
  stage.name = "main";
  stage.step_entry = 0;
  stage.fit_entry = 2;
  stage.eval_entry = 1;
  stage.initialised_groups = {0, 1};
  Stage second = stage;
  second.name = "second";
  second.continues = true;
  second.copies = {{1, 1}};
  second.initialised_groups = {};
  spec.stages = {stage, second};

  spec.memory_plan = {{"z1", Space::kArena, 256, 64, 0, 0, 2, 7}};
  spec.ops = {{1, "tailor.input", "sample.toml:1:1", -1, ""},
              {2, "tailor.relu", "sample.toml:2:1", 1, "folded"},
              {3, "tailor.dot", "sample.toml:3:1", -1, ""}};
  spec.remarks = {{RemarkKind::kMissed,
                   "fuse-class-weights",
                   "used-elsewhere",
                   "the unweighted loss is reported",
                   "sample.toml:2:1",
                   {1, 2},
                   -512}};
  declare_launches(spec);
  return spec;
}

inline std::vector<RawSection> sample_sections() {
  std::vector<RawSection> sections = {{"code", {}}, {"constants", {}}, {"ir.traced", {}}};
  sections[0].bytes.resize(200, std::byte{0xC3});
  sections[1].bytes.resize(16, std::byte{1});
  sections[2].bytes.resize(5000, std::byte{'m'});
  return sections;
}

} // namespace tailor::runtime
