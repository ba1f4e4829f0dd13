// What the driver asks of a target: a name, what it can run, and machine code for a planned program.
#pragma once

#include "passes/Pipelines.h"
#include "runtime/artifact/spec.h"
#include "runtime/base/result.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlir {
class MLIRContext;
class ModuleOp;
class Operation;
} // namespace mlir

namespace tailor::backend {

/// Where a kernel's function lies in the code section, and what it asks for.
struct KernelPlace {
  std::string symbol;        ///< stable name: equal structures share it whatever their batch
  uint64_t offset = 0;       ///< of the entry point in the section
  uint64_t bytes = 0;        ///< of its instructions
  uint64_t scratchBytes = 0; ///< per worker, 0 = none
  unsigned vectorBits = 0;   ///< of the vectors in its loops, 0 = scalar code
  uint32_t blocks = 0;       ///< of a launch on a GPU; 0: not launched by commands
  uint32_t threads = 0;      ///< of a block; 0: no GPU
  uint32_t resident = 0; ///< blocks that a multiprocessor has threads for, and registers where the code asks
  uint32_t sharedBytes = 0; ///< of a block
  runtime::TensorCores tensorCores = runtime::TensorCores::kNone;
};

/// One function over work units of its own.
struct KernelRun {
  size_t function = 0;     ///< index into KernelCode::functions
  int64_t numUnits = 1;    ///< splittable at any unit
  uint32_t numChunks = 1;  ///< into which they are split
  uint64_t flops = 0;      ///< of one run
  uint64_t bytesMoved = 0; ///< what it reads, once, and writes
};

/// A call of a library on some of the buffers of a launch.
struct LibraryRun {
  size_t plan = 0; ///< index into KernelCode::plans
  /// By runtime::ConvOperand, counted over operands, results and temporaries; -1: none.
  std::array<int64_t, runtime::kNumConvOperands> buffers{};
  uint64_t flops = 0;
  uint64_t bytesMoved = 0;
};

/// The commands behind one `tailor.kernel` symbol, all on operands, results and temporaries, in this order.
struct KernelLaunch {
  llvm::SmallVector<int64_t, 2> sizes; ///< sizes of the commands
  std::optional<KernelRun> prepare;    ///< before
  KernelRun run;
  std::optional<LibraryRun> library; ///< instead of `run`
  std::optional<KernelRun> combine;  ///< after
};

/// The kernels of a program: position-independent code without relocations, or what a driver finishes when it loads it.
struct KernelCode {
  std::vector<std::byte> bytes;
  std::vector<KernelPlace> functions;
  llvm::StringMap<KernelLaunch> launches;                   ///< by `tailor.kernel` symbol
  std::vector<runtime::LibraryPlan> plans;                  ///< of the libraries that launches call
  std::string loweredText;                                  ///< the `lowered` phase, if asked for
  std::string llvmText;                                     ///< optimised LLVM IR, if asked for
  std::vector<std::pair<std::string, double>> milliseconds; ///< step of the code generator -> time
};

struct CodeOptions {
  bool keepLoweredText = false;
  bool keepLlvmText = false;
};

/// The kernels of one program on their way to machine code.
class CodeGenerator {
public:
  virtual ~CodeGenerator() = default;

  /// For a module of phase `kernels`: finds out what the launches of each `tailor.kernel` need beside operands and
  /// results, and writes it there (`temporaries`, and a `grid` where launches are grids, replacing what came with the text).
  /// Kernels with ops the target does not support are left alone.
  virtual llvm::LogicalResult describe(mlir::ModuleOp kernels) = 0;

  /// Code for every `tailor.kernel` of a planned module; describe() need not have seen it. Call once. Errors are
  /// diagnostics at the op without code, or at a launch planned for other temporaries than its code needs.
  virtual mlir::FailureOr<KernelCode> generate(mlir::ModuleOp planned) = 0;
};

class Backend {
public:
  virtual ~Backend() = default;

  /// The part of `--target` before the colon.
  virtual llvm::StringRef name() const = 0;

  /// How to write the target: "cpu:PROCESSOR (cpu:native, ...)".
  virtual llvm::StringRef spelling() const = 0;

  /// Reads the part after the colon ("znver4", "native"; may be empty). `native` is resolved, so that the answer
  /// names the machine and the artifact says what it needs.
  virtual runtime::Result<std::string> resolveProcessor(llvm::StringRef processor) const = 0;

  /// Instruction sets the code may use, LLVM names; the runtime refuses a host that lacks one.
  virtual std::vector<std::string> features(llvm::StringRef processor) const = 0;

  /// The phase this target runs from: `planned` for command lists, `placed` for an interpreter.
  virtual passes::Phase lastPhase() const = 0;

  /// Names that the attribute `algorithm` of an op may have (ir/Algorithm.h); empty where there is nothing to choose.
  virtual std::vector<std::string> algorithms() const { return {}; }

  /// Values of run.precision that it has code for.
  virtual std::vector<std::string> precisions() const { return {"f32", "bf16"}; }

  /// True if it has units that multiply narrow numbers, for which operands of products are rounded that are computed where they
  /// are read.
  virtual bool multipliesNarrow() const { return false; }

  /// False if the target cannot run `op`; `reason` then is the sentence for the user.
  virtual bool supports(mlir::Operation* op, std::string& reason) const = 0;

  /// nullptr for an interpreter.
  virtual std::unique_ptr<CodeGenerator> codeGenerator(mlir::MLIRContext* context, llvm::StringRef processor,
                                                       const CodeOptions& options) const = 0;
};

} // namespace tailor::backend
