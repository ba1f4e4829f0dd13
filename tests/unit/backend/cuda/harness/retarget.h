#pragma once
/// Optimised LLVM IR of GPU kernels, made to run on the host: what only a GPU has becomes calls of the simulator (simulator.h).

#include <memory>
#include <string>

namespace tailor::backend::testing {

/// Kernels as host code.
class HostKernels {
public:
  /// Throws std::runtime_error with LLVM's message, or with the name of an intrinsic that the simulator does not know.
  explicit HostKernels(const std::string& llvmText);
  ~HostKernels();

  /// Takes the pointers of the kernel from a table.
  using Function = void (*)(void* const* pointers);
  Function function(const std::string& symbol) const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace tailor::backend::testing
