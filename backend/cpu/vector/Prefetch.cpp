#include "backend/cpu/vector/Prefetch.h"

#include "ir/Fusion.h"
#include "ir/Tailor.h"

#include "llvm/ADT/SetVector.h"

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::RankedTensorType;
using mlir::Value;

namespace {

void prefetchLine(VectorBuilder& b, Value pointer, bool forWrite) {
  constexpr int64_t kSecondLevel = 2, kFirstLevel = 3, kData = 1;
  mlir::LLVM::Prefetch::create(b.builder(), b.loc(), pointer, forWrite ? 1 : 0,
                               forWrite ? kFirstLevel : kSecondLevel, kData);
}

Value placeOf(VectorBuilder& b, Value pointer, RankedTensorType type, ArrayRef<Coord> coords) {
  return b.elementPointer(pointer, type.getElementType(), addressOf(b, type, coords).base);
}

/// The operands in memory that `tensor` is computed from at the same position.
void collectMemory(const Evaluator& e, Value tensor, llvm::SmallSetVector<Value, 4>& memory) {
  if (e.memoryOf(tensor)) {
    memory.insert(tensor);
    return;
  }
  mlir::Operation* op = tensor.getDefiningOp();
  if (!ir::isMapClass(ir::fusionClassOf(op))) return;
  auto shapeOf = [](Value v) { return mlir::cast<RankedTensorType>(v.getType()).getShape(); };
  for (Value operand : op->getOperands())
    if (shapeOf(operand) == shapeOf(tensor)) collectMemory(e, operand, memory);
}

} // namespace

void prefetch(VectorBuilder& b, const Evaluator& e, Value tensor, ArrayRef<Coord> coords) {
  llvm::SmallSetVector<Value, 4> memory;
  collectMemory(e, tensor, memory);
  for (Value operand : memory)
    prefetchLine(b, placeOf(b, e.memoryOf(operand), tensorTypeOf(operand), coords), /*forWrite=*/false);
}

void prefetchForWrite(VectorBuilder& b, Value pointer, RankedTensorType type, ArrayRef<Coord> coords) {
  prefetchForWrite(b, placeOf(b, pointer, type, coords));
}

void prefetchForWrite(VectorBuilder& b, Value pointer) {
  prefetchLine(b, pointer, /*forWrite=*/true);
}

} // namespace tailor::backend
