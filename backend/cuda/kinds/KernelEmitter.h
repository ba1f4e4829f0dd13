#pragma once
/// One `tailor.kernel` -> functions of the scf, arith, math, vector, llvm and nvvm dialects.
///
/// The first kind of the table (Kinds.cpp) that fits the kernel decides what a thread or a warp does; what happens at a position
/// is the Evaluator's business.

#include "backend/codegen/Evaluator.h"
#include "backend/codegen/KernelShape.h"
#include "backend/cuda/kinds/KernelInfo.h"
#include "backend/cuda/library/ConvolutionPlans.h"
#include "backend/cuda/target/CudaTarget.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

#include <functional>

namespace tailor::backend::cuda {

/// Everything an emitter of one kind needs.
struct KernelContext {
  ir::KernelOp kernel;
  const CudaTarget& target;
  mlir::ModuleOp module;
  std::string symbol;                ///< of the function, and how those around a library call begin
  KernelInfo info;                   ///< functions, temporaries, `library` and `slow`: from the emitter
  ConvolutionPlans* plans = nullptr; ///< null: no library
};

/// How a convolution may be asked to be computed (ir/Algorithm.h); as tiles where it is not.
inline constexpr llvm::StringLiteral kTilesAlgorithm = "implicit_gemm", kCudnnAlgorithm = "cudnn";

/// Threads of a block where warps have nothing to do with each other: eight blocks fill the 2048 threads of a multiprocessor,
/// and one leaves it as soon as its eight warps are done.
constexpr uint32_t kThreads = 256;

/// A function under construction. Its pointers are those of the kernel, then `context.info.temporaries`, which must be
/// complete.
class KernelFrame {
public:
  /// Creates `context.symbol + suffix` and adds it to `context.info.functions`.
  KernelFrame(KernelContext& context, llvm::StringRef suffix, int64_t blocks, uint32_t threads);

  mlir::OpBuilder opBuilder;
  mlir::LLVM::LLVMFuncOp function;

  mlir::Location loc() const { return loc_; }
  mlir::Block* entry() { return &function.getBody().front(); }
  mlir::Value pointer(int64_t slot) { return entry()->getArgument(static_cast<unsigned>(slot)); }
  mlir::Value temporary(int64_t which) { return pointer(firstTemporary_ + which); }
  mlir::Value thread(); ///< of its block, i32
  mlir::Value block();  ///< i32
  /// The number of this thread, or of its warp, among those of all blocks, i32.
  mlir::Value globalThread();
  mlir::Value globalWarp();
  mlir::Value warp(); ///< of its block, i32
  mlir::Value lane(); ///< of its warp, i32
  /// So many registers at most that `blocks` blocks fit a multiprocessor, which has 65536; without it ptxas chooses, and may spill
  /// rather than take more than 64 a thread.
  void shareMultiprocessor(int32_t blocks);
  /// Says that tensor cores compute its products.
  void useTensorCores(runtime::TensorCores cores);
  /// All threads of the block come here before one goes on, and see what the others have stored.
  void barrier();
  /// Memory of a block, undefined when it begins; a generic pointer.
  mlir::Value sharedMemory(llvm::StringRef suffix, mlir::Type element, int64_t elements);
  /// Blocks come in groups, `blocks` of each of `groups`. Emits `body` for the block that comes here last of its group, `group`
  /// (i32): there everything that the group's blocks have stored before is in memory. All threads of every block must come here,
  /// once. Who is last differs from run to run; what `body` makes of what is stored must not.
  /// It works by a ticket per group, a global variable that is 0 between launches: launches of one kernel may not overlap.
  void inLastBlock(Evaluator& e, mlir::Value group, int64_t groups, int64_t blocks,
                   llvm::function_ref<void()> body);
  /// Emits the return.
  void finish();

private:
  KernelContext& context_;
  size_t number_; ///< among the functions of the kernel
  mlir::Location loc_;
  int64_t firstTemporary_ = 0;
  uint32_t threads_;
};

/// Blocks of `threads` that hold `count` threads; an error at the kernel if a launch cannot have as many.
mlir::FailureOr<int64_t> blocksFor(KernelContext& context, int64_t count, uint32_t threads);

/// True if target cuda has code for `op`; otherwise `reason` is the text of the error a user should see at the op's
/// location.
bool supportsOnCuda(mlir::Operation* op, std::string& reason);

/// The function is called `symbol`, those around a library call `symbol` with a suffix. `plans` makes library calls of the
/// convolutions that ask for one; null: they are errors. Errors are reported.
mlir::FailureOr<KernelInfo> emitKernel(ir::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef symbol,
                                       const CudaTarget& target, ConvolutionPlans* plans = nullptr);

/// One kind: a file that defines it, and a line in the table of Kinds.cpp.
struct KernelKind {
  const char* name;
  bool (*fits)(ir::KernelOp kernel);
  mlir::LogicalResult (*emit)(KernelContext& context); ///< reports its errors
};

/// What is done at each position of one shape.
struct PositionWork {
  mlir::RankedTensorType shape;
  std::function<void(Evaluator& e, KernelFrame& frame, llvm::ArrayRef<Coord> at)> store;
};
struct PositionWay {
  bool lanes = true; ///< four neighbours along the last dimension by one thread
  bool flat = false; ///< all operands have one shape, or are scalars
};
/// A function with a thread for each position, or for four, of the shapes in `work`.
mlir::LogicalResult emitPositionFunction(KernelContext& context, llvm::StringRef suffix, PositionWay way,
                                         llvm::ArrayRef<PositionWork> work);
/// Every position of every result by a thread of its own, whatever the ops. `slow` becomes KernelInfo::slow.
mlir::LogicalResult emitPositions(KernelContext& context, std::string slow);

// --- shared by the emitters
/// Slot of a result's pointer; not of multi_tensor kernels.
inline int64_t resultSlot(ir::KernelOp kernel, unsigned result) {
  return kernel.getBlock().getNumArguments() + result;
}
/// Binds every operand to its pointer.
void bindOperands(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel);
/// Computes the results of a group at a position, then stores them.
void storeAt(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ResultGroup& group,
             llvm::ArrayRef<Coord> at);
/// Unsigned quotient and remainder by a constant; of i32, which a GPU divides in a fraction of the time of i64.
std::pair<mlir::Value, mlir::Value> divideWithRest(LaneBuilder& b, mlir::Value a, int64_t by);

} // namespace tailor::backend::cuda
