#pragma once
/// Optimised LLVM IR of GPU kernels, made to run on the host: what only a GPU has becomes calls of the simulator (simulator.h).

#include "tests/cuda_double/simulator.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tailor::backend::testing {

/// Kernels as host code.
class HostKernels {
public:
  /// Throws std::runtime_error with LLVM's message, or with the name of an intrinsic that the simulator does not know.
  /// `watched`: every access is told to the watch (watch.h), for launch().
  explicit HostKernels(const std::string& llvmText, bool watched = false);
  ~HostKernels();

  /// A kernel that takes its arguments, all of 64 bits, from a table.
  struct Kernel {
    void (*run)(const std::uint64_t* arguments) = nullptr;
    unsigned numArguments = 0;
    unsigned threads = 0;               ///< of a block, which a launch must have; 0: any
    bool meets = false;                 ///< its threads wait for each other
    std::vector<std::uint64_t> extents; ///< bytes behind each argument; 0: not known
  };
  /// Shared memory begins with what nobody wrote: no numbers.
  void poisonShared() const;
  /// Throws std::out_of_range for a name that is no kernel.
  const Kernel& kernel(const std::string& symbol) const;
  /// One launch, all blocks in `order`. Throws std::runtime_error where the simulator or the watch finds something wrong.
  void launch(const std::string& symbol, uint32_t blocks, uint32_t threads, Order order,
              const std::vector<std::uint64_t>& arguments) const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace tailor::backend::testing
