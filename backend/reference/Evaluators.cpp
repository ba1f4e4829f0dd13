#include "backend/reference/Evaluators.h"

namespace tailor::backend::reference {

const Evaluators& Evaluators::all() {
  static const Evaluators evaluators = [] {
    Evaluators all;
    addElementwise(all);
    addShape(all);
    addReduction(all);
    addLinearAlgebra(all);
    addIndex(all);
    addConvolution(all);
    addNormalization(all);
    addLoss(all);
    addRandom(all);
    addOptimizer(all);
    return all;
  }();
  return evaluators;
}

const Tensor* operandOf(mlir::Operation* op, Operands operands, mlir::Value value) {
  if (!value) return nullptr;
  for (auto [index, operand] : llvm::enumerate(op->getOperands()))
    if (operand == value) return operands[index];
  llvm_unreachable("not an operand of this op");
}

Operands operandsOf(Operands operands, mlir::OperandRange range) {
  return range.empty() ? Operands() : operands.slice(range.getBeginOperandIndex(), range.size());
}

int64_t countOf(mlir::Operation* op, Operands operands, mlir::Value value, int64_t absent) {
  const Tensor* tensor = operandOf(op, operands, value);
  return tensor ? tensor->integerAt(0) : absent;
}

Element elementOf(mlir::Type tensorType) {
  const mlir::Type type = llvm::cast<mlir::RankedTensorType>(tensorType).getElementType();
  if (type.isF64()) return Element::f64;
  if (type.isF32()) return Element::f32;
  if (type.isBF16()) return Element::bf16;
  if (type.isInteger(64)) return Element::i64;
  if (type.isInteger(32)) return Element::i32;
  if (type.isUnsignedInteger(8)) return Element::u8;
  assert(type.isInteger(1) && "the dialect has seven element types");
  return Element::i1;
}

Shape shapeOf(mlir::Type tensorType) {
  return toShape(llvm::cast<mlir::RankedTensorType>(tensorType).getShape());
}

Tensor toTensor(mlir::ElementsAttr elements) {
  Tensor tensor(elementOf(elements.getType()), shapeOf(elements.getType()));
  int64_t flat = 0;
  if (tensor.isReal()) {
    for (llvm::APFloat value : elements.getValues<llvm::APFloat>())
      tensor.reals()[flat++] = value.convertToDouble();
  } else {
    const bool isBool = tensor.element() == Element::i1;
    for (const llvm::APInt& value : elements.getValues<llvm::APInt>())
      tensor.integers()[flat++] = isBool ? value.getZExtValue() : value.getSExtValue();
  }
  return tensor;
}

} // namespace tailor::backend::reference
