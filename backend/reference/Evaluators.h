#pragma once

#include "backend/reference/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

/// From an op of the dialect to the loops that define it. One file per family registers its ops; the
/// interpreter looks them up. Evaluators are pure: results depend on operands and attributes only.
namespace tailor::backend::reference {

/// One entry per operand, in order.
using Operands = llvm::ArrayRef<const Tensor*>;
/// An evaluator appends one tensor per result, in order.
using Results = llvm::SmallVectorImpl<Tensor>;

class Evaluators {
public:
  /// Fails after emitting an error on the op (an index out of range); otherwise appends all results.
  using Function = llvm::LogicalResult (*)(mlir::Operation* op, Operands operands, Results& results);

  /// evaluators.add<ir::DotOp>([](ir::DotOp op, Operands in, Results& out) { ...; return success(); });
  template <typename OpT, typename Callable> void add(Callable) {
    static_assert(std::is_empty_v<Callable>, "an evaluator has no state");
    functions_[OpT::getOperationName()] = [](mlir::Operation* op, Operands operands, Results& results) {
      return Callable{}(llvm::cast<OpT>(op), operands, results);
    };
  }
  /// The evaluator of an op name, or null.
  [[nodiscard]] Function find(llvm::StringRef opName) const { return functions_.lookup(opName); }
  /// All ops of the dialect that compute (structure ops are the interpreter's own).
  [[nodiscard]] static const Evaluators& all();

private:
  llvm::StringMap<Function> functions_;
};

void addElementwise(Evaluators& evaluators);
void addShape(Evaluators& evaluators);
void addReduction(Evaluators& evaluators);
void addLinearAlgebra(Evaluators& evaluators);
void addIndex(Evaluators& evaluators);
void addConvolution(Evaluators& evaluators);
void addNormalization(Evaluators& evaluators);
void addLoss(Evaluators& evaluators);
void addRandom(Evaluators& evaluators);
void addOptimizer(Evaluators& evaluators);

/// The tensor of one operand value of `op`; null for an absent optional operand.
[[nodiscard]] const Tensor* operandOf(mlir::Operation* op, Operands operands, mlir::Value value);
/// The tensors of a variadic operand.
[[nodiscard]] Operands operandsOf(Operands operands, mlir::OperandRange range);
/// The integer in the scalar `value` of `op`, or `absent`: how an optional valid count is read.
[[nodiscard]] int64_t countOf(mlir::Operation* op, Operands operands, mlir::Value value, int64_t absent);

/// Element type and static shape of a builtin tensor type of the dialect.
[[nodiscard]] Element elementOf(mlir::Type tensorType);
[[nodiscard]] Shape shapeOf(mlir::Type tensorType);
[[nodiscard]] inline Shape toShape(llvm::ArrayRef<int64_t> list) {
  return {list.begin(), list.end()};
}
/// A constant's elements.
[[nodiscard]] Tensor toTensor(mlir::ElementsAttr elements);

} // namespace tailor::backend::reference
