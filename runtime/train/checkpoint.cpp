#include "runtime/train/checkpoint.h"

#include "runtime/train/program_identity.h"
#include "runtime/train/safetensors.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <xxhash.h>

namespace tailor::runtime {
namespace {

constexpr std::string_view kFormat = "6"; ///< raised by changes an older reader would misread

constexpr char kFormatKey[] = "tailor.format", kRecordKey[] = "tailor.record", kFittedKey[] = "tailor.fitted",
               kProgramKey[] = "tailor.program", kTargetKey[] = "tailor.target",
               kDeviceKey[] = "tailor.device_control", kChecksumKey[] = "tailor.checksum";
constexpr std::string_view kTextPrefix = "tailor."; ///< of all of them, and of no state

/// A longer text is a tensor of its own. No record, and no fitted state of ordinary tables, is longer; what
/// remains in the header is far below what the format allows.
constexpr std::size_t kMaxHeaderText = std::size_t{1} << 20;

std::string hex(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    text += kDigits[static_cast<unsigned>(b) >> 4];
    text += kDigits[static_cast<unsigned>(b) & 15];
  }
  return text;
}

std::string hex(std::uint64_t number) {
  char buffer[17] = {};
  for (int i = 15; i >= 0; --i, number >>= 4)
    buffer[i] = "0123456789abcdef"[number & 15];
  return buffer;
}

Result<std::vector<std::byte>> bytes_of_hex(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() % 2) return data_loss("an odd number of hexadecimal digits");
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (digit(text[i]) < 0 || digit(text[i + 1]) < 0) return data_loss("not hexadecimal digits");
    bytes.push_back(static_cast<std::byte>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return bytes;
}

/// Over every text of the header but the checksum itself, with lengths so that nothing can move between them,
/// and the data.
std::uint64_t checksum_of(const TextMetadata& metadata, std::span<const std::span<const std::byte>> data) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  const auto add = [&](std::string_view text) {
    const std::uint64_t size = text.size();
    XXH3_64bits_update(&state, &size, sizeof(size));
    XXH3_64bits_update(&state, text.data(), text.size());
  };
  for (const auto& [key, value] : metadata) {
    if (key == kChecksumKey) continue;
    add(key);
    add(value);
  }
  for (const std::span<const std::byte> part : data)
    XXH3_64bits_update(&state, part.data(), part.size());
  return XXH3_64bits_digest(&state);
}

// --- the record as JSON: integers as they are, doubles in shortest form that reads back the same

OptionValue json_of(const MetricValues& metrics) {
  OptionValue::Table table;
  for (const auto& [name, value] : metrics)
    table.emplace_back(name, value && std::isfinite(*value) ? OptionValue(*value) : OptionValue());
  return OptionValue(std::move(table));
}

OptionValue json_of(const BestSoFar& best) {
  return OptionValue(OptionValue::Table{{"epoch", OptionValue(best.epoch)},
                                        {"value", OptionValue(best.value)},
                                        {"metric", OptionValue(best.by.metric)},
                                        {"higher", OptionValue(best.by.higher)},
                                        {"groups", OptionValue(best.by.groups)}});
}

/// Takes members out of a table and remembers the first that is missing or of another type.
class Members {
public:
  explicit Members(const OptionValue& table) : table_(table) {}

  void take(const char* key, std::int64_t& out, std::int64_t min) {
    const OptionValue* value = table_.find(key);
    if (value && value->as_int() && *value->as_int() >= min)
      out = *value->as_int();
    else
      fail(key);
  }
  void take(const char* key, std::uint64_t& out) {
    const OptionValue* value = table_.find(key);
    const std::string* text = value ? value->as_string() : nullptr;
    if (!text ||
        std::from_chars(text->data(), text->data() + text->size(), out).ptr != text->data() + text->size() ||
        text->empty())
      fail(key);
  }
  void take(const char* key, bool& out) {
    const OptionValue* value = table_.find(key);
    if (value && value->as_bool())
      out = *value->as_bool();
    else
      fail(key);
  }
  void take(const char* key, double& out) {
    const OptionValue* value = table_.find(key);
    if (value && value->as_number())
      out = *value->as_number();
    else
      fail(key);
  }
  void take(const char* key, std::string& out) {
    const OptionValue* value = table_.find(key);
    if (value && value->as_string())
      out = *value->as_string();
    else
      fail(key);
  }
  void take(const char* key, BestSoFar& out) {
    const OptionValue* value = table_.find(key);
    if (!value) return fail(key);
    Members members(*value);
    members.take("epoch", out.epoch, -1);
    members.take("value", out.value);
    members.take("metric", out.by.metric);
    members.take("higher", out.by.higher);
    members.take("groups", out.by.groups);
    if (!members.status().ok()) fail(key);
  }
  void take(const char* key, MetricValues& out) {
    const OptionValue* value = table_.find(key);
    const OptionValue::Table* table = value ? value->as_table() : nullptr;
    if (!table) return fail(key);
    for (const auto& [name, number] : *table)
      out.emplace_back(name, number.as_number());
  }
  Status status() const { return status_; }

private:
  void fail(const char* key) {
    if (status_.ok()) status_ = data_loss("damaged training record: member '", key, "'");
  }
  const OptionValue& table_;
  Status status_;
};

TextMetadata metadata_of(const Artifact& artifact, const Checkpoint& checkpoint) {
  const Target& target = artifact.spec().target;
  return {{kFormatKey, std::string(kFormat)},
          {kRecordKey, record_to_json(checkpoint.record)},
          {kFittedKey, checkpoint.fitted.to_json()},
          {kProgramKey, program_identity(artifact.spec())},
          {kTargetKey, target.backend + ":" + target.name},
          {kDeviceKey, hex(checkpoint.device_control)}};
}

Result<std::string> text_of(const SafetensorsView& view, const char* key) {
  if (const std::string* text = view.find_metadata(key)) return *text;
  if (const TensorView* text = view.find(key); text && !text->dtype && !text->is_half)
    return std::string(reinterpret_cast<const char*>(text->bytes.data()), text->bytes.size());
  return data_loss("no '", key, "' in it: not a checkpoint of a tailor program, or a damaged one");
}

/// Before anything else of the file is read: another format may call everything else another way.
Status check_format(const SafetensorsView& view) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string format, text_of(view, kFormatKey));
  if (format != kFormat)
    return incompatible("it has checkpoint format '", format, "', this runtime reads '", kFormat, "'");
  return {};
}

std::string shape_text(TensorType dtype, const std::vector<std::int64_t>& shape) {
  std::string text = concat(dtype ? to_string(*dtype) : "u8", " [");
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += concat(i ? ", " : "", shape[i]);
  return text + "]";
}

/// Every state of the program is there with its shape, and nothing else.
Status check_states(const ArtifactSpec& spec, const SafetensorsView& view) {
  for (const State& state : spec.states) {
    const std::string name = checkpoint_name(spec, state);
    const TensorView* tensor = view.find(name);
    if (!tensor) return incompatible("it has no '", name, "', which the program keeps");
    if (tensor->dtype != state.dtype || tensor->shape != state.shape)
      return incompatible("'", name, "' is ", shape_text(tensor->dtype, tensor->shape), ", the program has ",
                          shape_text(state.dtype, state.shape));
  }
  const auto num_texts =
      std::count_if(view.tensors.begin(), view.tensors.end(), [](const TensorView& tensor) {
        return !tensor.dtype && !tensor.is_half && tensor.name.starts_with(kTextPrefix);
      });
  if (const auto num_tensors = std::ssize(view.tensors) - num_texts; num_tensors != std::ssize(spec.states))
    return incompatible("it has ", num_tensors, " tensors, the program keeps ", spec.states.size());
  return {};
}

} // namespace

std::string record_to_json(const TrainingRecord& record) {
  return OptionValue(OptionValue::Table{
                         {"seed", OptionValue(concat(record.seed))},
                         {"stage", OptionValue(record.stage)},
                         {"epoch", OptionValue(record.epoch)},
                         {"stage_epoch", OptionValue(record.stage_epoch)},
                         {"stage_begun", OptionValue(record.stage_begun)},
                         {"batch", OptionValue(record.batch)},
                         {"step", OptionValue(record.step)},
                         {"batch_size", OptionValue(record.batch_size)},
                         {"steps_per_epoch", OptionValue(record.steps_per_epoch)},
                         {"stage_first_step", OptionValue(record.stage_first_step)},
                         {"clock_first_step", OptionValue(record.clock_first_step)},
                         {"slots_first_step", OptionValue(record.slots_first_step)},
                         {"averages_first_step", OptionValue(record.averages_first_step)},
                         {"statistics_step", OptionValue(record.statistics_step)},
                         {"train_hash", OptionValue(concat(record.train_hash))},
                         {"val_hash", OptionValue(concat(record.val_hash))},
                         {"test_hash", OptionValue(concat(record.test_hash))},
                         {"epoch_sums", json_of(record.epoch_sums)},
                         {"epoch_rows", OptionValue(record.epoch_rows)},
                         {"last_train", json_of(record.last_train)},
                         {"best", json_of(record.best)},
                         {"stop_best", json_of(record.stop_best)},
                         {"epochs_without_gain", OptionValue(record.epochs_without_gain)},
                         {"best_val", json_of(record.best_val)},
                         {"best_test", json_of(record.best_test)},
                         {"last_val", json_of(record.last_val)},
                         {"last_test", json_of(record.last_test)},
                         {"log_bytes", OptionValue(record.log_bytes)},
                         {"train_seconds", OptionValue(record.train_seconds)},
                         {"outcome", OptionValue(record.outcome)},
                     })
      .to_json();
}

Result<TrainingRecord> record_from_json(std::string_view json) {
  TAILOR_ASSIGN_OR_RETURN(const OptionValue table, OptionValue::from_json(json), "damaged training record");
  TrainingRecord record;
  Members members(table);
  members.take("seed", record.seed);
  members.take("stage", record.stage, 0);
  members.take("epoch", record.epoch, 0);
  members.take("stage_epoch", record.stage_epoch, 0);
  members.take("stage_begun", record.stage_begun);
  members.take("batch", record.batch, 0);
  members.take("step", record.step, 0);
  members.take("batch_size", record.batch_size, 0);
  members.take("steps_per_epoch", record.steps_per_epoch, 0);
  members.take("stage_first_step", record.stage_first_step, 0);
  members.take("clock_first_step", record.clock_first_step, 0);
  members.take("slots_first_step", record.slots_first_step, 0);
  members.take("averages_first_step", record.averages_first_step, 0);
  members.take("statistics_step", record.statistics_step, -1);
  members.take("train_hash", record.train_hash);
  members.take("val_hash", record.val_hash);
  members.take("test_hash", record.test_hash);
  members.take("epoch_sums", record.epoch_sums);
  members.take("epoch_rows", record.epoch_rows, 0);
  members.take("last_train", record.last_train);
  members.take("best", record.best);
  members.take("stop_best", record.stop_best);
  members.take("epochs_without_gain", record.epochs_without_gain, 0);
  members.take("best_val", record.best_val);
  members.take("best_test", record.best_test);
  members.take("last_val", record.last_val);
  members.take("last_test", record.last_test);
  members.take("log_bytes", record.log_bytes, 0);
  members.take("train_seconds", record.train_seconds);
  members.take("outcome", record.outcome);
  TAILOR_RETURN_IF_ERROR_AS_IS(members.status());
  // No run counts further; products of two counters then fit 64 bits.
  for (const auto& [name, value] :
       {std::pair("epoch", record.epoch), std::pair("stage_epoch", record.stage_epoch),
        std::pair("batch", record.batch), std::pair("step", record.step),
        std::pair("steps_per_epoch", record.steps_per_epoch),
        std::pair("stage_first_step", record.stage_first_step),
        std::pair("clock_first_step", record.clock_first_step),
        std::pair("slots_first_step", record.slots_first_step),
        std::pair("averages_first_step", record.averages_first_step),
        std::pair("statistics_step", record.statistics_step),
        std::pair("epochs_without_gain", record.epochs_without_gain)})
    if (value > INT32_MAX) return data_loss("damaged training record: '", name, "' is ", value);
  if (record.epoch_rows > (std::int64_t{1} << 62)) return data_loss("damaged training record: 'epoch_rows'");
  return record;
}

Result<Checkpoint> take_checkpoint(Executor& executor, TrainingRecord record, FittedState fitted) {
  Checkpoint checkpoint;
  checkpoint.record = std::move(record);
  checkpoint.fitted = std::move(fitted);
  std::size_t bytes = 0;
  for (const State& state : executor.spec().states)
    bytes += state.bytes;
  checkpoint.states.resize(bytes);
  std::span<std::byte> rest = checkpoint.states;
  for (std::size_t i = 0; i < executor.spec().states.size(); ++i) {
    const std::size_t size = executor.spec().states[i].bytes;
    TAILOR_RETURN_IF_ERROR_AS_IS(executor.read_state(static_cast<std::int32_t>(i), rest.first(size)));
    rest = rest.subspan(size);
  }
  const std::span<std::byte> device = executor.device_control();
  checkpoint.device_control.assign(device.begin(), device.end());
  return checkpoint;
}

Status restore(Executor& executor, const Checkpoint& checkpoint) {
  std::span<const std::byte> rest = checkpoint.states;
  for (std::size_t i = 0; i < executor.spec().states.size(); ++i) {
    const std::size_t size = executor.spec().states[i].bytes;
    TAILOR_RETURN_IF_ERROR_AS_IS(executor.write_state(static_cast<std::int32_t>(i), rest.first(size)));
    rest = rest.subspan(size);
  }
  const std::span<std::byte> device = executor.device_control();
  if (device.size() == checkpoint.device_control.size() && !device.empty())
    std::memcpy(device.data(), checkpoint.device_control.data(), device.size());
  return {};
}

Status save_checkpoint(const Executor& executor, const Checkpoint& checkpoint, const std::string& path) {
  const ArtifactSpec& spec = executor.spec();
  std::vector<TensorToWrite> tensors;
  std::span<const std::byte> rest = checkpoint.states;
  for (const State& state : spec.states) {
    tensors.push_back({checkpoint_name(spec, state), state.dtype, state.shape, rest.first(state.bytes)});
    rest = rest.subspan(state.bytes);
  }
  const TextMetadata texts = metadata_of(executor.artifact(), checkpoint);
  TextMetadata metadata;
  std::vector<std::span<const std::byte>> data = {checkpoint.states};
  for (const auto& [key, text] : texts) {
    if (text.size() <= kMaxHeaderText) {
      metadata.emplace_back(key, text);
      continue;
    }
    data.push_back(as_bytes(text));
    tensors.push_back({key, std::nullopt, {std::ssize(text)}, as_bytes(text)});
  }
  metadata.emplace_back(kChecksumKey, hex(checksum_of(metadata, data)));
  TAILOR_ASSIGN_OR_RETURN(const std::string header, safetensors_header(tensors, metadata),
                          concat("cannot write '", path, "'"));
  data.insert(data.begin(), as_bytes(header));
  return write_file_atomic(path, data);
}

std::string checkpoint_checksum(const TextMetadata& metadata, std::span<const std::byte> data) {
  return hex(checksum_of(metadata, std::span(&data, 1)));
}

namespace {
Status check_checksum(const SafetensorsView& view) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string checksum, text_of(view, kChecksumKey));
  if (checksum != checkpoint_checksum(view.metadata, view.data))
    return data_loss("damaged: its checksum does not match");
  return {};
}
} // namespace

bool is_checkpoint_text(std::string_view name) {
  return name.starts_with(kTextPrefix);
}

Result<bool> is_checkpoint(const SafetensorsView& view) {
  if (!view.find_metadata(kFormatKey)) return false;
  TAILOR_RETURN_IF_ERROR_AS_IS(check_checksum(view));
  return true;
}

Result<Checkpoint> parse_checkpoint(const Artifact& artifact, std::span<const std::byte> file,
                                    CheckpointUse use) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const SafetensorsView view, SafetensorsView::parse(file));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_format(view));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_checksum(view));

  Checkpoint checkpoint;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string record, text_of(view, kRecordKey));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(checkpoint.record, record_from_json(record));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string fitted, text_of(view, kFittedKey));
  TAILOR_ASSIGN_OR_RETURN(checkpoint.fitted, FittedState::from_json(fitted), "damaged fitted state");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string device, text_of(view, kDeviceKey));
  TAILOR_ASSIGN_OR_RETURN(checkpoint.device_control, bytes_of_hex(device), "damaged device control");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(checkpoint.program, text_of(view, kProgramKey));

  const ArtifactSpec& spec = artifact.spec();
  if (use == CheckpointUse::kResume) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string target, text_of(view, kTargetKey));
    if (target != spec.target.backend + ":" + spec.target.name)
      return incompatible("it was trained on target '", target, "', this program is for '",
                          spec.target.backend, ":", spec.target.name, "'");
    TAILOR_RETURN_IF_ERROR_AS_IS(check_program_identity(spec, checkpoint.program));
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(check_states(spec, view));
  TAILOR_RETURN_IF_ERROR(checkpoint.fitted.check(spec.schema), "its data schema differs from the program's");
  if (use == CheckpointUse::kResume) {
    if (checkpoint.device_control.size() != spec.memory.control - spec.memory.control_host)
      return incompatible("its device control has ", checkpoint.device_control.size(), " bytes");
    // A finished run stands behind its last stage.
    const auto num_stages = static_cast<std::int64_t>(spec.stages.size());
    if (checkpoint.record.stage > num_stages ||
        (checkpoint.record.stage == num_stages) == checkpoint.record.outcome.empty())
      return data_loss("it is in stage ", checkpoint.record.stage, " of ", spec.stages.size());
    if (checkpoint.record.stage_first_step > checkpoint.record.step)
      return data_loss("its stage began at step ", checkpoint.record.stage_first_step, ", it is at step ",
                       checkpoint.record.step);
    if (checkpoint.record.clock_first_step > checkpoint.record.stage_first_step)
      return data_loss("its clock started at step ", checkpoint.record.clock_first_step,
                       ", its stage at step ", checkpoint.record.stage_first_step);
    for (const auto& [what, first_step] : {std::pair("slots", checkpoint.record.slots_first_step),
                                           std::pair("averages", checkpoint.record.averages_first_step)})
      if (first_step < checkpoint.record.clock_first_step || first_step > checkpoint.record.stage_first_step)
        return data_loss("its ", what, " started at step ", first_step, ", its clock at step ",
                         checkpoint.record.clock_first_step, ", its stage at step ",
                         checkpoint.record.stage_first_step);
  }
  for (const State& state : spec.states) {
    const std::span<const std::byte> bytes = view.find(checkpoint_name(spec, state))->bytes;
    checkpoint.states.insert(checkpoint.states.end(), bytes.begin(), bytes.end());
  }
  return checkpoint;
}

Result<Checkpoint> load_checkpoint(const Executor& executor, const std::string& path, CheckpointUse use) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::byte> file, read_bytes(path));
  TAILOR_ASSIGN_OR_RETURN(Checkpoint checkpoint, parse_checkpoint(executor.artifact(), file, use),
                          concat("checkpoint '", path, "'"));
  return checkpoint;
}

Result<TrainingRecord> read_record(const std::string& path) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::byte> file, read_bytes(path));
  const std::string context = concat("checkpoint '", path, "'");
  TAILOR_ASSIGN_OR_RETURN(const SafetensorsView view, SafetensorsView::parse(file), context);
  TAILOR_RETURN_IF_ERROR(check_format(view), context);
  TAILOR_ASSIGN_OR_RETURN(const std::string text, text_of(view, kRecordKey), context);
  TAILOR_ASSIGN_OR_RETURN(TrainingRecord record, record_from_json(text), context);
  return record;
}

} // namespace tailor::runtime
