#pragma once
/// One `tailor.kernel` -> one function in the scf, arith, math, vector and llvm dialects.
///
/// The first kind of the table (Kinds.cpp) that fits the kernel makes the loops; what happens at a position is the
/// Evaluator's business. Kernels of kind `single` take the loops that fit their op.

#include "backend/codegen/Evaluator.h"
#include "backend/codegen/KernelShape.h"
#include "backend/cpu/kinds/KernelInfo.h"
#include "backend/cpu/target/CpuTarget.h"
#include "backend/llvm/VectorBuilder.h"

#include "ir/Fusion.h"
#include "ir/Tailor.h"

#include "mlir/IR/BuiltinOps.h"

namespace tailor::backend {

/// A function under construction: the ABI's arguments and the pointers of the kernel.
class KernelFrame {
public:
  /// Creates `symbol` in `module`.
  KernelFrame(mlir::ModuleOp module, llvm::StringRef symbol, ir::KernelOp kernel, const CpuTarget& target);

  mlir::LLVM::LLVMFuncOp function;
  mlir::OpBuilder opBuilder;
  mlir::Value buffers, sizes, begin, end;
  std::unique_ptr<VectorBuilder> builder;

  VectorBuilder& b() { return *builder; }
  mlir::Value size(int64_t slot);
  mlir::Value buffer(int64_t slot) { return b().loadPointer(buffers, slot); }
  /// Emits the return.
  void finish();
};

/// Everything an emitter of one kind needs.
struct KernelContext {
  ir::KernelOp kernel;
  const CpuTarget& target;
  mlir::ModuleOp module;
  std::string symbol, prepareSymbol, combineSymbol; ///< what to call the functions it needs
  KernelInfo
      info; ///< symbols of prepare and combine, units, temporaries, scratchBytes, rows: from the emitter
};

/// True if the cpu backend has code for `op`; otherwise `reason` is the text of the error a user should see
/// at the op's location: "element type f64 is not available for target cpu yet".
bool supportsOnCpu(mlir::Operation* op, std::string& reason);

/// Functions are called `symbol` and, if there are any, `symbol + "_prepare"` and `symbol + "_combine"`.
mlir::FailureOr<KernelInfo> emitKernel(ir::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef symbol,
                                       const CpuTarget& target);

/// One kind of loops: a file that defines it, and a line in the table of Kinds.cpp.
struct KernelKind {
  const char* name;
  bool (*fits)(ir::KernelOp kernel);
  mlir::LogicalResult (*emit)(KernelContext& context); ///< reports its errors
};

/// Static shapes, one unit, any op: for a kind that finds out that a kernel does not fit its loops after all. `why`
/// becomes KernelInfo::oneUnit.
mlir::LogicalResult emitGeneric(KernelContext& context, std::string why);
// --- shared by the emitters
/// Slot of a result's buffer.
inline int64_t resultSlot(ir::KernelOp kernel, unsigned result) {
  return kernel.getBlock().getNumArguments() + result;
}
/// Slot behind operands and results: temporaries, then scratch.
int64_t firstExtraSlot(ir::KernelOp kernel);
/// Binds every operand to its buffer.
void bindOperands(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel);
void storeGroup(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ResultGroup& group,
                Coords coords);
/// Ends the function; failure if the evaluator reported an error.
mlir::LogicalResult outcome(Evaluator& e, KernelFrame& frame);
/// Computes all results at a position, then stores them.
void storeAt(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, llvm::ArrayRef<mlir::Value> pointers,
             llvm::ArrayRef<Coord> at);
/// [begin, end) in units of `block` rows, as rows; the end limited to `rows`.
std::pair<mlir::Value, mlir::Value> rowRange(VectorBuilder& b, mlir::Value begin, mlir::Value end,
                                             int64_t block, mlir::Value rows);
/// Rough number of instructions per element, for deciding what to unroll.
unsigned costOf(ir::KernelOp kernel);

} // namespace tailor::backend
