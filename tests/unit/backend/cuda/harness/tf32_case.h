#pragma once
/// A conformance case whose products multiply numbers of tf32, as AssignPrecision would have it.

#include "tests/conformance/op_case.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <optional>

namespace tailor::backend::testing {

/// The kernel of the case with its product's operands rounded; none where it is no product of two arguments.
std::optional<KernelText> tf32KernelText(const conformance::OpCase& opCase);

} // namespace tailor::backend::testing
