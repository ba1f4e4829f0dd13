#pragma once
/// Optimised LLVM IR of GPU kernels, made to run on the host: what only a GPU has becomes calls of the simulator (simulator.h).

#include <cstdint>
#include <memory>
#include <string>

namespace tailor::backend::testing {

/// Kernels as host code.
class HostKernels {
public:
  /// Throws std::runtime_error with LLVM's message, or with the name of an intrinsic that the simulator does not know.
  explicit HostKernels(const std::string& llvmText);
  ~HostKernels();

  /// A kernel that takes its arguments, all of 64 bits, from a table.
  struct Kernel {
    void (*run)(const std::uint64_t* arguments) = nullptr;
    unsigned numArguments = 0;
    unsigned threads = 0; ///< of a block, which a launch must have; 0: any
    bool meets = false;   ///< its threads wait for each other
  };
  /// Shared memory begins with what nobody wrote: no numbers.
  void poisonShared() const;
  /// Throws std::out_of_range for a name that is no kernel.
  const Kernel& kernel(const std::string& symbol) const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace tailor::backend::testing
