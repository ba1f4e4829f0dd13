#pragma once
/// Compiles a function written with the code generator's own builders: for tests below the level of kernels.

#include "tests/unit/backend/cpu/harness/mapped_code.h"

#include <functional>
#include <memory>
#include <string>

namespace mlir {
class Value;
}

namespace tailor::backend {
class VectorBuilder;
}

namespace tailor::backend::testing {

/// buffers, sizes, begin, end of the kernel ABI, as values.
struct AbiValues;

/// Throws std::runtime_error with LLVM's or MLIR's message.
std::unique_ptr<MappedCode>
compileFunction(const CpuTarget& target, const std::string& symbol,
                const std::function<void(VectorBuilder&, const AbiValues&)>& body);

CpuTarget nativeTarget();
CpuTarget targetNamed(const std::string& text);
/// True if this machine can run code for `target`.
bool canRun(const CpuTarget& target);

} // namespace tailor::backend::testing
