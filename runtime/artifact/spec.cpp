#include "runtime/artifact/spec.h"

#include "runtime/artifact/layout.h"

#include <algorithm>

namespace tailor::runtime {

namespace {
/// The word for an enumerator; the enums here are dense and start at 0.
template <std::size_t N, class Enum> const char* word(const char* const (&words)[N], Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? words[index] : "unknown";
}
} // namespace

const char* to_string(GroupKind kind) {
  static constexpr const char* kWords[] = {"net",       "projector", "optimizer", "ema",
                                           "batchnorm", "fitted",    "generator"};
  return word(kWords, kind);
}

const char* to_string(InitKind kind) {
  static constexpr const char* kWords[] = {
      "zeros", "ones", "constant", "uniform", "normal", "truncated_normal", "copy_of"};
  return word(kWords, kind);
}

const char* to_string(FieldBinding binding) {
  static constexpr const char* kWords[] = {"builtin",       "constant",  "option",       "schedule",
                                           "average_decay", "epoch_row", "fraction_row", "random_uniform",
                                           "random_beta",   "none"};
  return word(kWords, binding);
}

bool has_key(FieldBinding binding) {
  return binding == FieldBinding::kOption || has_options_prefix(binding) || is_row(binding) ||
         binding == FieldBinding::kRandomBeta;
}

bool has_options_prefix(FieldBinding binding) {
  return binding == FieldBinding::kSchedule || binding == FieldBinding::kAverageDecay;
}

bool is_row(FieldBinding binding) {
  return binding == FieldBinding::kEpochRow || binding == FieldBinding::kFractionRow;
}

const char* to_string(Space space) {
  static constexpr const char* kWords[] = {"state", "arena", "control", "metrics", "slot", "constant"};
  return word(kWords, space);
}

const char* to_string(CommandKind kind) {
  static constexpr const char* kWords[] = {"begin_step", "read_slot", "launch",  "copy",
                                           "fill",       "repeat",    "library", "finish_step"};
  return word(kWords, kind);
}

const char* to_string(EntryKind kind) {
  static constexpr const char* kWords[] = {
      "init", "fit", "step", "eval", "predict", "features", "batchnorm_recompute"};
  return word(kWords, kind);
}

std::string checkpoint_name(const ArtifactSpec& spec, const State& state) {
  const StateGroup& group = spec.groups[static_cast<std::size_t>(state.group)];
  if (group.name == "net" || group.name == "net_batchnorm") return state.name;
  return group.name + "/" + state.name;
}

std::int32_t find_state(const ArtifactSpec& spec, std::string_view group, std::string_view name) {
  for (std::size_t i = 0; i < spec.states.size(); ++i)
    if (spec.states[i].name == name &&
        spec.groups[static_cast<std::size_t>(spec.states[i].group)].name == group)
      return static_cast<std::int32_t>(i);
  return -1;
}

namespace {
template <class Records> std::int32_t find_by_name(const Records& records, std::string_view name) {
  const auto found =
      std::find_if(records.begin(), records.end(), [&](const auto& record) { return record.name == name; });
  return found == records.end() ? -1 : static_cast<std::int32_t>(found - records.begin());
}
} // namespace

std::int32_t find_control(const ArtifactSpec& spec, std::string_view name) {
  return find_by_name(spec.control, name);
}
std::int32_t find_metric(const ArtifactSpec& spec, std::string_view name) {
  return find_by_name(spec.metrics, name);
}
std::int32_t find_entry(const ArtifactSpec& spec, std::string_view name) {
  return find_by_name(spec.entries, name);
}

std::uint64_t scratch_bytes_per_worker(const ArtifactSpec& spec) {
  std::uint64_t most = 0;
  for (const Kernel& kernel : spec.kernels)
    most = std::max(most, align_up(kernel.scratch_bytes, kPageBytes));
  return most;
}

bool num_elements(const std::vector<std::int64_t>& shape, std::uint64_t& elements) {
  elements = 1;
  for (const std::int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(elements, static_cast<std::uint64_t>(size), &elements))
      return false;
  return true;
}

} // namespace tailor::runtime
