#include "backend/cpu/vector/TransposeBlock.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;

namespace {

Value shuffle(VectorBuilder& b, Value low, Value high, llvm::ArrayRef<int64_t> mask) {
  return mlir::vector::ShuffleOp::create(b.builder(), b.loc(), low, high, mask);
}

Value loadQuad(VectorBuilder& b, Value base, mlir::Type element, Value index, int64_t active) {
  mlir::Type stored = b.storedType(element);
  auto type = mlir::VectorType::get({4}, stored);
  unsigned bytes = stored.getIntOrFloatBitWidth() / 8;
  Value place = b.elementPointer(base, element, index);
  if (active == 4)
    return b.fromStored(mlir::LLVM::LoadOp::create(b.builder(), b.loc(), type, place, bytes), element);
  SmallVector<bool> lanes(4);
  for (int64_t i = 0; i < 4; ++i)
    lanes[i] = i < active;
  auto maskType = mlir::VectorType::get({4}, b.i1());
  Value mask = mlir::arith::ConstantOp::create(
      b.builder(), b.loc(), mlir::DenseElementsAttr::get(maskType, llvm::ArrayRef<bool>(lanes)));
  Value loaded = mlir::LLVM::MaskedLoadOp::create(b.builder(), b.loc(), type, place, mask,
                                                  b.constant(type, 0), b.builder().getI32IntegerAttr(bytes));
  return b.fromStored(loaded, element);
}

Value concatenate(VectorBuilder& b, SmallVector<Value> parts) {
  while (parts.size() > 1) {
    SmallVector<Value> wider;
    for (size_t i = 0; i < parts.size(); i += 2) {
      int64_t length = mlir::cast<mlir::VectorType>(parts[i].getType()).getDimSize(0);
      SmallVector<int64_t> identity;
      for (int64_t lane = 0; lane < 2 * length; ++lane)
        identity.push_back(lane);
      wider.push_back(shuffle(b, parts[i], parts[i + 1], identity));
    }
    parts = std::move(wider);
  }
  return parts[0];
}

/// The same shuffle in each 128-bit lane; 0..3 are elements of `low`, 4..7 of `high`.
Value inLanes(VectorBuilder& b, Value low, Value high, llvm::ArrayRef<int64_t> pattern) {
  int64_t lanes = b.lanes();
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < lanes; lane += 4)
    for (int64_t p : pattern)
      mask.push_back(p < 4 ? lane + p : lanes + lane + p - 4);
  return shuffle(b, low, high, mask);
}

/// Four vectors whose 128-bit lanes hold 4 x 4 matrices -> their transposes.
SmallVector<Value> transposeQuads(VectorBuilder& b, llvm::ArrayRef<Value> r) {
  Value low01 = inLanes(b, r[0], r[1], {0, 4, 1, 5}), high01 = inLanes(b, r[0], r[1], {2, 6, 3, 7});
  Value low23 = inLanes(b, r[2], r[3], {0, 4, 1, 5}), high23 = inLanes(b, r[2], r[3], {2, 6, 3, 7});
  return {inLanes(b, low01, low23, {0, 1, 4, 5}), inLanes(b, low01, low23, {2, 3, 6, 7}),
          inLanes(b, high01, high23, {0, 1, 4, 5}), inLanes(b, high01, high23, {2, 3, 6, 7})};
}

} // namespace

// Quarters of rows 4q + g are gathered into 128-bit lane q by the loads, so only the transposition inside the 128-bit
// lanes is left to shuffles.
void transposeBlock(VectorBuilder& b, const TransposedMemory& memory, Value at, int64_t rows, int64_t columns,
                    bool keepsRest) {
  int64_t lanes = b.lanes(), quads = lanes / 4;
  mlir::Type element = memory.element ? memory.element : b.f32();
  Value zero = b.constant(mlir::VectorType::get({4}, b.f32()), 0);
  Value mask = keepsRest && rows < lanes ? b.prefixMask(rows) : Value();
  for (int64_t j = 0; j * 4 < columns; ++j) {
    int64_t activeInQuad = std::min<int64_t>(4, columns - j * 4);
    Value from = b.add(at, b.index(j * 4));
    SmallVector<Value> gathered;
    for (int64_t g = 0; g < 4; ++g) {
      SmallVector<Value> parts;
      for (int64_t q = 0; q < quads; ++q) {
        int64_t row = 4 * q + g;
        parts.push_back(row < rows ? loadQuad(b, memory.source, element,
                                              b.add(from, b.index(row * memory.sourceStride)), activeInQuad)
                                   : zero);
      }
      gathered.push_back(concatenate(b, parts));
    }
    SmallVector<Value> transposed = transposeQuads(b, gathered);
    for (int64_t i = 0; i < activeInQuad; ++i)
      b.store(transposed[i], memory.target, b.mul(b.add(from, b.index(i)), b.index(memory.targetStride)),
              mask);
  }
}

} // namespace tailor::backend
