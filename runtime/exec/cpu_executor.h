#pragma once
#include "runtime/device/code_memory.h"
#include "runtime/exec/executor.h"
#include "runtime/exec/pool.h"
#include "runtime/kernels/abi.h"

#include <memory>
#include <vector>

namespace tailor::runtime {

/// Runs the command lists of an artifact compiled for "cpu". Everything a command needs is resolved when the
/// executor is made: pointers per chunk and worker, kernel addresses, sizes. A step is one pass over a flat
/// list: no lookup, no allocation, no lock. Commands of one chunk run on the calling thread; others on the
/// pool.
///
/// Same bits for any number of threads and any number of steps per run().
class CpuExecutor final : public Executor {
public:
  /// Errors   kIncompatible: the artifact is for another target or this CPU lacks an instruction set it uses.
  ///          kUnimplemented: a library command. kResourceExhausted: no memory for state, arena or scratch.
  static Result<std::unique_ptr<CpuExecutor>> create(std::shared_ptr<const Artifact> artifact,
                                                     const ExecutorOptions& options);
  /// The same with functions of this process in place of the code section, one per kernel of the spec. For
  /// tests of the runtime, which have no compiler.
  static Result<std::unique_ptr<CpuExecutor>> create_with_kernels(std::shared_ptr<const Artifact> artifact,
                                                                  const ExecutorOptions& options,
                                                                  std::vector<KernelFunction> kernels);

  Status initialise(std::uint64_t seed, std::span<const std::int32_t> groups = {}) override;
  Status read_state(std::int32_t state, std::span<std::byte> destination) const override;
  Status write_state(std::int32_t state, std::span<const std::byte> source) override;
  Status copy_state(std::int32_t from, std::int32_t to) override;
  Status run(VariantId variant, std::uint32_t num_steps) override;
  Result<std::span<const std::byte>> read_output(VariantId variant, std::int32_t output) override;
  Status set_observer(Observer observer) override;
  Result<std::span<const std::byte>> read_operand(const Operand& operand) const override;

private:
  /// A command with everything resolved.
  struct Prepared {
    CommandKind kind = CommandKind::kLaunch;
    std::uint32_t num_chunks = 1;
    KernelFunction function = nullptr;
    void* const* buffers = nullptr;      ///< table of chunk 0, worker 0
    std::uint32_t chunk_pitch = 0;       ///< table entries from one chunk's table to the next; 0 = shared
    std::uint32_t worker_pitch = 0;      ///< and from one worker's to the next; 0 = shared
    const std::int64_t* sizes = nullptr; ///< owned by the artifact's spec
    std::int64_t num_units = 0;
    std::byte* destination = nullptr;  ///< copy, fill, read_slot
    const std::byte* source = nullptr; ///< copy
    std::uint64_t slot_offset = 0;     ///< read_slot: of the source within a slot
    std::uint64_t bytes = 0;
    std::uint32_t fill_word = 0;
    std::uint32_t count = 0, body_length = 0; ///< repeat
  };
  struct CommandList {
    std::vector<Prepared> commands;
    std::vector<void*> pointers; ///< tables that `buffers` points into
  };

  CpuExecutor(std::shared_ptr<const Artifact> artifact, const ExecutorOptions& options)
      : Executor(std::move(artifact), options) {}
  Status prepare(std::vector<KernelFunction> kernels);
  Status prepare_list(const Variant& variant, CommandList& list);
  Status prepare_launch(const Command& command, Prepared& prepared, CommandList& list);
  std::byte* space(Space space) const;
  void execute(const Prepared* commands, std::size_t count);
  Status execute_observed(VariantId id, std::size_t begin, std::size_t end);
  void execute_one(const Prepared& command);
  static void run_chunks(void* command, std::uint32_t first, std::uint32_t last, std::uint32_t worker);

  CodeMemory code_;
  std::vector<KernelFunction> kernels_;
  AlignedBytes state_, arena_, constants_, scratch_;
  std::uint64_t scratch_stride_ = 0;            ///< per worker
  std::uint64_t slot_field_ = 0;                ///< offset of control field `slot`
  std::vector<std::vector<CommandList>> lists_; ///< [entry][variant]
  std::unique_ptr<Pool> pool_;
  Observer observer_;
};

} // namespace tailor::runtime
