#pragma once
/// From `tailor.kernel` symbols to one blob of x86-64 machine code.
///
///   KernelCompiler compiler(context, target);
///   for (ir::KernelOp kernel : ...) infos.push_back(*compiler.add(kernel));   // equal structures share code
///   CodeBlob blob = *compiler.finish();   // text + rodata, no relocations left
///
/// A kernel is a function of the ABI of runtime/kernels/abi.h:
///
///   void kernel(void *const *buffers, const int64_t *sizes, int64_t begin, int64_t end)
///
/// buffers: the operands of the kernel in order, then its results, then its temporaries in order, then the worker's
/// scratch memory if scratchBytes > 0. A multi_tensor kernel has one buffer per role
/// instead of one per tensor: a region of sizes[0] elements (a multiple of 16, padding zero); the other sizes say where
/// its segments and their decaying parts end (passes::regionSizes). Otherwise sizes[0] is `KernelInfo::rows` of the launch and every other extent is
/// part of the code. Element types in memory: f32, i32, i64 as they are, i1 as one byte holding 0 or 1.
/// Buffers are 64-byte aligned. A result may share its buffer with an operand of the same type in `map` and
/// `multi_tensor` kernels only.
///
/// Chunks. Units [0, units.count(sizes[0])) may be split into any contiguous chunks; no bit of a result
/// depends on the split.
///
/// Prepare, launch, combine. Up to three functions, with the same buffers and sizes, each over units of its own that
/// may be split like those of the launch: `prepareSymbol` fills temporaries before the launch (packs weights);
/// `combineSymbol` makes results of them after it, in the order of the units, whatever the chunks were. Where
/// `combinesItself`, a launch that covers every unit has done so already and no combine may follow. Temporaries belong
/// to units, not chunks: all chunks share them, and each unit writes its own part.
///
/// Numerics: f32 with explicit fused multiply-adds and no fast-math flag: LLVM may not regroup anything, so a
/// row's bits are the same in every tile, chunk and batch size. exp, log, tanh, erf are polynomials
/// (backend/cpu/VectorMath.h).

#include "backend/cpu/CpuTarget.h"

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

/// Work units of a kernel: perBlock * ceil(rows / rowsPerBlock), or perBlock when rowsPerBlock is 0.
struct UnitRule {
  int64_t perBlock = 1;
  int64_t rowsPerBlock = 0;

  int64_t count(int64_t rows) const {
    return rowsPerBlock == 0 ? perBlock : perBlock * ((rows + rowsPerBlock - 1) / rowsPerBlock);
  }
  bool operator==(const UnitRule&) const = default;
};

/// Memory that a launch, its prepare and its combine share, beside operands and results: one buffer of bytes *
/// per.count(rows). No initial content expected.
struct Temporary {
  std::string purpose; ///< "transformed weights", "partial sums": what `inspect --memory` calls it
  UnitRule per;        ///< how many times `bytes`; once by default
  uint64_t bytes = 0;
};

/// What the driver must know to launch a kernel.
struct KernelInfo {
  std::string symbol;        ///< key into CodeBlob::functions; equal structures share it
  std::string prepareSymbol; ///< empty, or the function to run before every launch
  std::string combineSymbol; ///< empty, or the function to run after a launch
  int64_t rows = 1;          ///< sizes[0] of this launch: static in the IR, run time in the code
  UnitRule units, prepareUnits, combineUnits;
  bool combinesItself = false; ///< a launch of all units in one chunk needs no combine
  llvm::SmallVector<Temporary, 1> temporaries;
  uint64_t scratchBytes = 0; ///< per worker, a multiple of 64, of all functions; no initial content expected
  uint64_t prepareBytes = 0; ///< that prepare reads and writes
  uint64_t flops = 0;        ///< of one launch with `rows` rows; transcendental functions count once
  uint64_t bytes = 0;        ///< operands read once plus results written once
  bool reused = false;       ///< true when an earlier kernel had the same structure
};

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

/// True if the cpu backend has code for `op`; otherwise `reason` is the text of the error a user should see
/// at the op's location: "element type bf16 is not available for target cpu yet".
bool supportsOnCpu(mlir::Operation* op, std::string& reason);

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
