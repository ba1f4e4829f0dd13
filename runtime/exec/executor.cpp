#include "runtime/exec/executor.h"

#include "runtime/artifact/layout.h"

namespace tailor::runtime {
namespace {

/// Rows and slots are padded so that two of them never share a cache line.
constexpr std::uint64_t kLine = 64;

template <class T> void store_all(std::byte* place, const ControlField& field) {
  const T value = static_cast<T>(field.value);
  for (std::uint32_t i = 0; i < field.count; ++i)
    std::memcpy(place + i * sizeof(T), &value, sizeof(T));
}

} // namespace

bool has_results(const ArtifactSpec& spec, const ObservedCommand& observed) {
  const auto is_of = [&](const Command& command, std::string_view family) {
    return command.kind == CommandKind::kLaunch &&
           spec.kernels[static_cast<std::size_t>(command.kernel)].family == family;
  };
  const std::vector<Command>& commands = spec.entries[static_cast<std::size_t>(observed.variant.entry)]
                                             .variants[static_cast<std::size_t>(observed.variant.variant)]
                                             .commands;
  if (is_of(*observed.command, "prepare")) return false;
  return observed.index + 1 >= commands.size() || !is_of(commands[observed.index + 1], "combine");
}

Status Executor::allocate(std::size_t alignment) {
  const MemorySizes& memory = spec().memory;
  if (options_.num_threads < 1 || options_.num_threads > 1024)
    return invalid_argument(options_.num_threads, " threads: use 1 to 1024");
  if (options_.ring_length < 1 || options_.ring_length > (1u << 16) ||
      options_.num_slots < options_.ring_length || options_.num_slots > (1u << 20))
    return invalid_argument("a ring of ", options_.ring_length, " steps over ", options_.num_slots,
                            " batch slots");
  control_stride_ = align_up(memory.control_host, kLine);
  metrics_stride_ = align_up(memory.metrics, kLine);
  slot_stride_ = align_up(memory.slot, kLine);
  control_row_ = allocate_zeroed(memory.control);
  metrics_row_ = allocate_zeroed(memory.metrics);
  // The spec's sizes are at most 2^46 and the counts at most 2^20, so allocate_zeroed sees no wrapped
  // product.
  static_assert(sizeof(std::uint64_t) == 8);
  std::uint64_t slot_bytes = 0;
  if (__builtin_mul_overflow(slot_stride_, std::uint64_t{options_.num_slots}, &slot_bytes))
    slot_bytes = ~0ull;
  control_ring_ = allocate_zeroed(control_stride_ * options_.ring_length, alignment);
  metrics_ring_ = allocate_zeroed(metrics_stride_ * options_.ring_length, alignment);
  slots_ = allocate_zeroed(slot_bytes, alignment);
  if (!control_row_ || !metrics_row_ || !control_ring_ || !metrics_ring_ || !slots_)
    return resource_exhausted("no memory for ", options_.num_slots, " batch slots of ", memory.slot,
                              " bytes");
  const std::int32_t slot = find_control(spec(), "slot");
  if (slot >= 0)
    slot_field_offset_ = static_cast<std::int64_t>(spec().control[static_cast<std::size_t>(slot)].offset);
  initialise_device_control();
  return {};
}

void Executor::initialise_device_control() {
  for (const ControlField& field : spec().control) {
    if (field.writer != FieldWriter::kDevice) continue;
    std::byte* place = control_row_.get() + field.offset;
    switch (field.dtype) {
    case DType::kF32:
      store_all<float>(place, field);
      break;
    case DType::kF64:
      store_all<double>(place, field);
      break;
    case DType::kI32:
      store_all<std::int32_t>(place, field);
      break;
    default:
      store_all<std::int64_t>(place, field);
    }
  }
}

Status Executor::check_state(std::int32_t index, std::size_t bytes) const {
  if (index < 0 || static_cast<std::size_t>(index) >= spec().states.size())
    return internal_error("no state ", index);
  const State& state = spec().states[static_cast<std::size_t>(index)];
  if (bytes != state.bytes)
    return internal_error("state '", state.name, "' has ", state.bytes, " bytes, not ", bytes);
  return {};
}

Status Executor::check_copy(std::int32_t from, std::int32_t to) const {
  for (const std::int32_t index : {from, to})
    if (index < 0 || static_cast<std::size_t>(index) >= spec().states.size())
      return internal_error("no state ", index);
  const State& source = spec().states[static_cast<std::size_t>(from)];
  const State& target = spec().states[static_cast<std::size_t>(to)];
  if (source.dtype != target.dtype || source.shape != target.shape)
    return internal_error("state '", source.name, "' is no copy for '", target.name, "'");
  return {};
}

Status Executor::check_run(VariantId id, std::uint32_t num_steps) const {
  if (id.entry < 0 || static_cast<std::size_t>(id.entry) >= spec().entries.size() || id.variant < 0 ||
      static_cast<std::size_t>(id.variant) >=
          spec().entries[static_cast<std::size_t>(id.entry)].variants.size())
    return internal_error("no variant ", id.variant, " of entry ", id.entry);
  if (num_steps > options_.ring_length)
    return internal_error(num_steps, " steps in one run, the rings hold ", options_.ring_length);
  if (slot_field_offset_ < 0) return {};
  for (std::uint32_t step = 0; step < num_steps; ++step) {
    std::int32_t slot = 0;
    std::memcpy(&slot, control_row(counter_ + step) + slot_field_offset_, sizeof(slot));
    if (slot < 0 || static_cast<std::uint32_t>(slot) >= options_.num_slots)
      return internal_error("batch slot ", slot, " of ", options_.num_slots);
  }
  return {};
}

} // namespace tailor::runtime
