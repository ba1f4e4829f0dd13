#pragma once
/// From `tailor.kernel` symbols to one blob of x86-64 machine code.
///
///   KernelCompiler compiler(context, target);
///   for (ir::KernelOp kernel : ...) infos.push_back(*compiler.add(kernel));   // equal structures share code
///   CodeBlob blob = *compiler.finish();   // text + rodata, no relocations left
///
/// What the functions take: backend/cpu/kinds/KernelInfo.h.

#include "backend/cpu/kinds/KernelInfo.h"
#include "backend/cpu/target/CpuTarget.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mlir {
class MLIRContext;
class Operation;
} // namespace mlir

namespace tailor::ir {
class KernelOp;
}

namespace tailor::backend {

/// A function inside the blob.
struct CodeFunction {
  std::string symbol;
  uint64_t offset = 0;     ///< of the entry point, 64-byte aligned
  uint64_t size = 0;       ///< of the instructions, without constants
  unsigned vectorBits = 0; ///< of the vectors it was written with, 0 = scalar code
};

/// Position-independent machine code: map it read + execute at any page and call base + offset.
struct CodeBlob {
  std::string target; ///< "cpu:znver4", with native resolved
  std::vector<uint8_t> bytes;
  std::vector<CodeFunction> functions; ///< in the order in which kernels were added
  std::string loweredText; ///< the `lowered` phase: scf, arith, vector and llvm dialects (if asked for)
  std::string llvmText;    ///< optimised LLVM IR (if asked for)

  const CodeFunction* find(llvm::StringRef symbol) const;
};

/// Where the time of a compilation went.
struct CompileTimes {
  double emitSeconds = 0, lowerSeconds = 0, optimizeSeconds = 0, codegenSeconds = 0, linkSeconds = 0;
};

struct CpuCompileOptions {
  bool keepLoweredText = false;
  bool keepLlvmText = false;
};

/// The instructions of one function as text (AT&T syntax), with the offset of each line. Never executes
/// anything.
std::string disassemble(const CodeBlob& blob, const CodeFunction& function);

/// Collects kernels, then compiles them together. Not thread-safe; one per program.
class KernelCompiler {
public:
  KernelCompiler(mlir::MLIRContext* context, CpuTarget target, CpuCompileOptions options = {});
  ~KernelCompiler();
  KernelCompiler(const KernelCompiler&) = delete;
  KernelCompiler& operator=(const KernelCompiler&) = delete;

  /// Emits vector code for the kernel, or finds the equal one that was added before (names, locations and the
  /// number of rows do not count). Fails with an error at the op that has no code.
  mlir::FailureOr<KernelInfo> add(ir::KernelOp kernel);

  /// Lowers, optimises, emits and links everything added. Call once.
  mlir::FailureOr<CodeBlob> finish();

  const CompileTimes& times() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace tailor::backend
