#pragma once
#include "runtime/device/cuda_driver.h"
#include "runtime/device/cudnn_call.h"
#include "runtime/exec/executor.h"

#include <memory>
#include <vector>

namespace tailor::runtime {

/// Runs the command lists of an artifact compiled for "cuda" on the first device of the machine.
///
/// State, arena, constants and rows lie in one allocation of device memory; rings and slots are host memory that the device
/// reads and writes. A step is captured once per variant as a graph, whose first and last kernels take the step's row of the
/// control ring and give its row of the metrics ring (runtime/kernels/cuda_abi.h): the steps of a run() are launches of that
/// graph with nothing between them. Same bits for any number of steps per run().
class CudaExecutor final : public Executor {
public:
  /// Errors   kIncompatible: the artifact is for another target, there is no driver or device, or one that is too old.
  ///          kDataLoss: the code is no PTX, or takes other arguments. The same of cuDNN, for a program with library commands. kResourceExhausted: the device has not the memory, with both numbers.
  static Result<std::unique_ptr<CudaExecutor>> create(std::shared_ptr<const Artifact> artifact,
                                                      const ExecutorOptions& options);
  ~CudaExecutor() override;

  Status initialise(std::uint64_t seed, std::span<const std::int32_t> groups = {}) override;
  Status read_state(std::int32_t state, std::span<std::byte> destination) const override;
  Status write_state(std::int32_t state, std::span<const std::byte> source) override;
  Status copy_state(std::int32_t from, std::int32_t to) override;
  Status run(VariantId variant, std::uint32_t num_steps) override;
  Result<std::span<const std::byte>> read_output(VariantId variant, std::int32_t output) override;
  Status set_observer(Observer observer) override;
  Result<std::span<const std::byte>> read_operand(const Operand& operand) const override;

private:
  using Address = CudaDriver::Address;
  /// A command with everything resolved.
  struct Prepared {
    CommandKind kind = CommandKind::kLaunch;
    std::string name; ///< "kernel 'map_16'", "copy": as errors call it
    CudaDriver::FunctionHandle* function = nullptr;
    std::uint32_t blocks = 0, threads = 0;
    const CudnnCall* call = nullptr;      ///< library
    std::vector<std::uint64_t> arguments; ///< of the kernel, or the pointers of the call
    Address destination = 0, source = 0;  ///< copy, fill
    std::uint64_t bytes = 0;
    std::uint32_t fill_word = 0;
  };
  struct CommandList {
    std::vector<Prepared> commands;
    CudaDriver::GraphExecHandle* graph = nullptr; ///< of one step; made by its first run
  };

  CudaExecutor(std::shared_ptr<const Artifact> artifact, const ExecutorOptions& options)
      : Executor(std::move(artifact), options) {}
  Status start_device();
  Status load_code();
  Status load_plans();
  Status allocate_device();
  Status map_host(std::span<std::byte> host, Address& device);
  Status prepare_list(const Variant& variant, CommandList& list);
  Status prepare_copy_kernel(std::string_view kernel, std::uint64_t bytes,
                             std::vector<std::uint64_t> arguments, Prepared& prepared);
  Address space(Space space) const;
  const CommandList& list_of(VariantId id) const;
  Status issue(const Prepared& command);
  Status capture(CommandList& list);
  Status run_observed(VariantId id, const CommandList& list);
  Status run_steps(VariantId id, std::uint32_t num_steps);
  Status wait(const char* what) const;
  /// All on stream_, one behind the other: what the driver's plain copies do is in no order with it.
  Status send(Address to, std::span<const std::byte> bytes, const char* what);
  Status receive(std::span<std::byte> bytes, Address from, const char* what) const;
  Status send_device_control();
  Status fetch_device_control();
  /// Bytes of the device in host memory that stays until the next run().
  Result<std::span<const std::byte>> fetch(Address from, std::uint64_t bytes) const;

  const CudaDriver* driver_ = nullptr;
  CudaDriver::Device device_ = -1;
  CudaDriver::ContextHandle* context_ = nullptr;
  CudaDriver::ModuleHandle* module_ = nullptr;
  CudaDriver::StreamHandle* stream_ = nullptr;
  const CudnnLibrary* cudnn_ = nullptr; ///< null: no command asks for it
  CudnnLibrary::HandleType* cudnn_handle_ = nullptr;
  std::vector<CudnnCall> calls_; ///< by library plan
  std::string device_name_;
  Address memory_ = 0;    ///< the allocation
  Address workspace_ = 0; ///< another, of the plans that were made anew and want more than theirs had
  std::vector<std::int32_t> needs_workspace_;                                                ///< those plans
  Address state_ = 0, arena_ = 0, constants_ = 0, control_ = 0, metrics_ = 0, counters_ = 0; ///< parts of it
  Address control_ring_device_ = 0, metrics_ring_device_ = 0, slots_device_ = 0;
  std::vector<void*> registered_; ///< host memory
  std::vector<CudaDriver::FunctionHandle*> kernels_;
  std::vector<std::vector<CommandList>> lists_; ///< [entry][variant]
  mutable std::vector<std::unique_ptr<std::byte[]>> fetched_;
  Observer observer_;
  bool failed_ = false; ///< a step did: nothing is right any more
};

} // namespace tailor::runtime
