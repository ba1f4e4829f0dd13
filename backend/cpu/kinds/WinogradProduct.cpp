#include "backend/cpu/kinds/WinogradProduct.h"

namespace tailor::backend {

using mlir::Value;

void storeTile(VectorBuilder& b, mlir::ValueRange sums, Value to, unsigned vectors, int64_t stride,
               Value isFirst) {
  auto store = [&](bool adds) {
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value place = b.index(int64_t(i / vectors) * stride + int64_t(i % vectors) * b.lanes());
      b.store(adds ? b.add(b.loadLanes(to, b.f32(), place), sum) : Value(sum), to, place);
    }
  };
  if (!isFirst) return store(false);
  b.ifThen(isFirst, [&] { store(false); });
  b.ifThen(b.bitXor(isFirst, b.constant(b.i1(), 1)), [&] { store(true); });
}

unsigned nextTileRows(unsigned rows) {
  return rows > 4 ? 4 : rows / 2;
}

WinogradTile winogradTile(const CpuTarget& target, int64_t width) {
  bool wide = target.registers >= 32;
  if (width <= target.lanes) return {wide ? 16u : 8u, 1};
  return {wide ? 8u : 6u, 2};
}

} // namespace tailor::backend
