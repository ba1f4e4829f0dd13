#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

namespace tailor::backend::testing {

std::unique_ptr<CompiledKernels> compiled(const std::vector<KernelText>& kernels) {
  return std::make_unique<CompiledKernels>(kernels, nativeTarget());
}

} // namespace tailor::backend::testing
