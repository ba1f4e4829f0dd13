#pragma once
/// A conformance case with its matrices and images stored in bf16, as AssignPrecision would have it.

#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <optional>

namespace tailor::backend::testing {

/// A kernel of the kind of the case's op, with casts before and behind it; none where nothing would be stored in bf16: no matrix
/// or image, or an op beside which no casts stand.
std::optional<KernelText> bf16KernelText(const conformance::OpCase& opCase);

/// The arguments of the case for that kernel: rounded where they are stored in bf16.
std::vector<Tensor> bf16KernelArguments(const conformance::OpCase& opCase);

} // namespace tailor::backend::testing
