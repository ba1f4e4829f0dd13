#pragma once

#include "backend/reference/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace tailor::ir {
class BodyOp;
class EntryOp;
class KernelOp;
class ProgramOp;
} // namespace tailor::ir

namespace tailor::backend::reference {

/// Everything an entry sees and leaves behind. The caller fills state, control and inputs.
struct Environment {
  llvm::StringMap<Tensor> state;   ///< key: stateKey("net", "fc0.weight")
  llvm::StringMap<Tensor> control; ///< key: field name; the row does not change while an entry runs
  llvm::StringMap<Tensor> inputs;  ///< key: "numeric", "category", "image", "label", "index"
  llvm::StringMap<Tensor> reports; ///< written by tailor.report
  llvm::StringMap<Tensor> outputs; ///< written by tailor.output
};

[[nodiscard]] inline std::string stateKey(llvm::StringRef group, llvm::StringRef name) {
  return (group + "::" + name).str();
}

struct InterpreterOptions {
  /// Rounds results to the declared f32 or bf16 where a compiled program stores them: after each op, and for
  /// tailor.fused and tailor.launch once at the end. Off: everything stays f64.
  bool roundAtStores = false;
};

/// Runs a program by walking its IR, op by op, in f64: the oracle of every other back end.
///
/// Takes any phase from `traced` to `planned`, except that tailor.value_and_grad must have been
/// differentiated; slow by design. Integer types keep their width. The program must have passed the verifier.
///
/// Errors    emitted on the op: an op without evaluator, an index outside its table, a state, field or
///           input that the environment lacks or that has another shape; then the run fails and the
///           environment is unspecified.
class Interpreter {
public:
  explicit Interpreter(ir::ProgramOp program, InterpreterOptions options = {});

  /// Runs one entry over `environment`.
  llvm::LogicalResult run(ir::EntryOp entry, Environment& environment);

  /// Runs a body as a function.
  llvm::FailureOr<llvm::SmallVector<Tensor>> call(ir::BodyOp body, llvm::ArrayRef<Tensor> arguments);

  /// Runs a kernel on its operands with every operand and every value inside changed by a random part of itself of at
  /// most `noise`, and sums by that part of all that is added up: how far its results move is what rounding may make of
  /// them (Monte Carlo arithmetic, Parker 1997).
  llvm::FailureOr<llvm::SmallVector<Tensor>>
  callWithNoise(ir::KernelOp kernel, llvm::ArrayRef<const Tensor*> operands, double noise);

  /// Runs a kernel on its operands with what it computes and rounds to bf16 or tf32 rounded to either side where it is as near a tie as `width`
  /// times its size: another order of the sums before may round it so.
  llvm::FailureOr<llvm::SmallVector<Tensor>>
  callWithTiesEitherWay(ir::KernelOp kernel, llvm::ArrayRef<const Tensor*> operands, double width);

  /// Called after every op that computes, innermost first, with its results, which it may replace by values of the same
  /// shape and storage; for checks against another back end.
  using Observer = std::function<void(mlir::Operation* op, llvm::ArrayRef<const Tensor*> operands,
                                      llvm::MutableArrayRef<Tensor> results)>;
  void setObserver(Observer observer) { observer_ = std::move(observer); }

private:
  using Values = llvm::DenseMap<mlir::Value, Tensor>;
  using Tensors = llvm::SmallVector<Tensor>;

  /// Runs the ops of a block up to its terminator, whose operands are the result.
  llvm::FailureOr<Tensors> runBlock(mlir::Block& block, Values& values);
  /// Runs the block of a region isolated from above on its arguments.
  llvm::FailureOr<Tensors> runIsolated(mlir::Block& block, Tensors arguments);
  llvm::LogicalResult runOp(mlir::Operation& op, Values& values);
  llvm::FailureOr<Tensors> runRepeat(mlir::Operation& op, Values& values);
  /// Entry ops: load, store, control_read, input, report, output.
  llvm::FailureOr<Tensors> runEntryOp(mlir::Operation& op, llvm::ArrayRef<const Tensor*> operands);
  llvm::FailureOr<Tensors> callKernel(ir::KernelOp kernel, Tensors arguments);
  uint64_t draw();
  void roundTiesEitherWay(mlir::Operation& op, const Tensor& operand, Tensor& result);
  void addNoise(Tensor& tensor);
  void addNoiseOfSums(mlir::Operation& op, llvm::ArrayRef<const Tensor*> operands,
                      llvm::MutableArrayRef<Tensor> results);
  /// Checks what an op computed against its result types, rounds, stores.
  llvm::LogicalResult bind(mlir::Operation& op, llvm::ArrayRef<const Tensor*> operands, Tensors results,
                           Values& values);

  mlir::Operation* program_;
  mlir::SymbolTable symbols_;
  InterpreterOptions options_;
  Observer observer_;
  Environment* environment_ = nullptr;
  double noise_ = 0;
  double tieWidth_ = 0;
  uint64_t draws_ = 0;  ///< of noise, each another number
  int kernelDepth_ = 0; ///< > 0 inside tailor.fused and kernels, where nothing is stored
};

/// The tensor types of the dialect as this library sees them, for callers that build environments.
[[nodiscard]] Tensor zerosOf(mlir::Type tensorType);

} // namespace tailor::backend::reference
