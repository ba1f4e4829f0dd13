#pragma once
/// Kernels given as text, compiled for target cuda and run by the simulator, beside the same ops on the f64 reference.

#include "backend/cuda/kinds/KernelInfo.h"
#include "tests/cuda_double/retarget.h"
#include "tests/cuda_double/simulator.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <string>

namespace tailor::backend::testing {

class SimulatedKernels final : public CompiledKernels {
public:
  /// Throws std::runtime_error with the diagnostics when a kernel does not parse, verify or compile.
  /// `watched`: launches throw where an access is outside of an operand or a race (tests/cuda_double/watch.h).
  SimulatedKernels(const std::vector<KernelText>& kernels, const std::string& target, bool watched = false);

  const cuda::KernelInfo& gpuInfo(size_t kernel) const { return infos_[kernel]; }
  const std::string& ptx() const { return ptx_; }
  const std::string& llvmText() const { return llvmText_; }

  /// For the launches that follow.
  void setOrder(Order order) { order_ = order; }
  void launch(size_t kernel, std::vector<void*> buffers, std::vector<int64_t> sizes,
              int64_t chunks = 1) const override;

private:
  std::vector<cuda::KernelInfo> infos_;
  std::string ptx_, llvmText_;
  std::unique_ptr<HostKernels> host_;
  Order order_ = Order::forward;
};

} // namespace tailor::backend::testing
