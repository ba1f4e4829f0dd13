#pragma once
#include "runtime/artifact/reader.h"
#include "runtime/device/memory.h"

#include <cstring>
#include <functional>
#include <memory>
#include <span>

namespace tailor::runtime {

struct ExecutorOptions {
  int num_threads = 1;
  std::uint32_t ring_length = 8; ///< rows of the control and metrics rings; the most steps one run() may take
  std::uint32_t num_slots = 16;  ///< batch slots; at least ring_length
};

/// Which compiled form of which entry.
struct VariantId {
  std::int32_t entry = -1;
  std::int32_t variant = -1;
};

/// What an observer is called for: a command (its kernel, ops, operands) of a variant.
struct ObservedCommand {
  VariantId variant;
  std::size_t index = 0; ///< position in the variant's command list
  const Command* command = nullptr;
};

/// False for a command of a kernel that a later one finishes: what its results will lie in is not written yet.
bool has_results(const ArtifactSpec& spec, const ObservedCommand& observed);

/// What the training loop drives. Everything that crosses it is in the artifact's own types; a backend that
/// computes otherwise (the f64 reference) converts at this border.
///
/// One step: the host fills slot s, writes the host fields of control_row(counter + i), calls run(). The
/// steps of one run() use rows counter .. counter + k - 1; afterwards metrics_row of the same numbers holds
/// what they reported. Rows and slots are plain host memory with the layout of the artifact: resolve offsets
/// once, then write through.
///
/// Threads   one thread at a time calls into an executor; slots not in use by the steps of a running run()
///           may be filled by others meanwhile.
class Executor {
public:
  virtual ~Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  const Artifact& artifact() const { return *artifact_; }
  const ArtifactSpec& spec() const { return artifact_->spec(); }
  const ExecutorOptions& options() const { return options_; }

  /// Gives every state of `groups` (all groups if empty) its initial value: a function of (seed, state name,
  /// element).
  virtual Status initialise(std::uint64_t seed, std::span<const std::int32_t> groups = {}) = 0;

  /// Copies a state out or in, as exactly state.bytes of its dtype, row-major. `state` indexes spec().states.
  virtual Status read_state(std::int32_t state, std::span<std::byte> destination) const = 0;
  virtual Status write_state(std::int32_t state, std::span<const std::byte> source) = 0;
  /// State `to` gets the value of state `from`, of the same type and shape.
  virtual Status copy_state(std::int32_t from, std::int32_t to) = 0;

  /// Ring row `counter % ring_length`: the host fields of the control row.
  std::byte* control_row(std::uint64_t counter) {
    return control_ring_.get() + (counter % options_.ring_length) * control_stride_;
  }
  const std::byte* control_row(std::uint64_t counter) const {
    return control_ring_.get() + (counter % options_.ring_length) * control_stride_;
  }
  /// Ring row of metrics that step `counter` reported.
  const std::byte* metrics_row(std::uint64_t counter) const {
    return metrics_ring_.get() + (counter % options_.ring_length) * metrics_stride_;
  }
  /// Slot memory, spec().memory.slot bytes, 64-byte aligned, zero at first.
  std::byte* slot(std::uint32_t index) { return slots_.get() + std::size_t{index} * slot_stride_; }
  const std::byte* slot(std::uint32_t index) const {
    return slots_.get() + std::size_t{index} * slot_stride_;
  }

  /// Steps (of any entry) run so far; names the next ring row.
  std::uint64_t counter() const { return counter_; }

  /// Runs `num_steps` steps of a variant; returns when they are done. num_steps <= ring_length.
  virtual Status run(VariantId variant, std::uint32_t num_steps) = 0;

  /// What output `output` of the variant held after its last step. Valid until the next run().
  virtual Result<std::span<const std::byte>> read_output(VariantId variant, std::int32_t output) = 0;

  /// The device part of the current control row: fields that commands write and that persist from step to
  /// step. Belongs into a checkpoint. initialise() of all groups sets it to the fields' `value`.
  std::span<std::byte> device_control() {
    return {control_row_.get() + spec().memory.control_host,
            spec().memory.control - spec().memory.control_host};
  }

  /// Who is told of every command, for checks and profiles; either may be empty.
  struct Observer {
    std::function<void(const ObservedCommand&)> begin = {}; ///< before it runs
    std::function<Status(const ObservedCommand&)> end =
        {}; ///< after it; a failure stops the step, run() returns it
  };
  /// One that is empty turns it off; nothing is paid then.
  virtual Status set_observer(Observer observer) = 0;

  /// Bytes an operand holds now (all chunks), for observers.
  virtual Result<std::span<const std::byte>> read_operand(const Operand& operand) const = 0;

protected:
  Executor(std::shared_ptr<const Artifact> artifact, ExecutorOptions options)
      : artifact_(std::move(artifact)), options_(options) {}
  /// Makes rings, rows and slots; to be called first by a backend's factory.
  /// Errors: kInvalidArgument for impossible options, kResourceExhausted with the size that could not be had.
  /// Rings and slots begin at multiples of `alignment`.
  Status allocate(std::size_t alignment = 64);
  /// Refuses a run() that could not be right: no such variant, too many steps, a slot number outside the
  /// slots.
  Status check_run(VariantId variant, std::uint32_t num_steps) const;
  /// Refuses a state that is not there or has another size.
  Status check_state(std::int32_t state, std::size_t bytes) const;
  /// Refuses a copy_state() between states that are not there or of different types or shapes.
  Status check_copy(std::int32_t from, std::int32_t to) const;
  /// Host part of the control row <- ring row of counter().
  void begin_step() { std::memcpy(control_row_.get(), control_row(counter_), spec().memory.control_host); }
  /// Metrics ring row of counter() <- metrics row; counter() += 1.
  void finish_step() {
    std::memcpy(metrics_ring_.get() + (counter_ % options_.ring_length) * metrics_stride_, metrics_row_.get(),
                spec().memory.metrics);
    ++counter_;
  }
  void initialise_device_control();

  std::shared_ptr<const Artifact> artifact_;
  ExecutorOptions options_;
  std::uint64_t counter_ = 0;
  AlignedBytes control_row_, metrics_row_; ///< the current ones
  std::uint64_t slot_stride_ = 0, control_stride_ = 0, metrics_stride_ = 0;
  std::span<std::byte> control_ring_bytes() {
    return {control_ring_.get(), control_stride_ * options_.ring_length};
  }
  std::span<std::byte> metrics_ring_bytes() {
    return {metrics_ring_.get(), metrics_stride_ * options_.ring_length};
  }
  std::span<std::byte> slot_bytes() { return {slots_.get(), slot_stride_ * options_.num_slots}; }

private:
  std::int64_t slot_field_offset_ = -1; ///< of control field `slot`
  AlignedBytes control_ring_, metrics_ring_, slots_;
};

} // namespace tailor::runtime
