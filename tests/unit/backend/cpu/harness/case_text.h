#pragma once
/// A conformance case as a kernel of its own, in f32.

#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

namespace tailor::backend::testing {

/// Of kind `single`, also where the case is a chain of ops.
KernelText kernelText(const conformance::OpCase& opCase);

/// Its arguments, as f32 holds them.
std::vector<Tensor> kernelArguments(const conformance::OpCase& opCase);

} // namespace tailor::backend::testing
