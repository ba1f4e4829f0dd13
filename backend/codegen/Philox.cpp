#include "backend/codegen/Philox.h"

namespace tailor::backend {

using mlir::Type;
using mlir::Value;

PhiloxWords emitPhilox(LaneBuilder& b, llvm::ArrayRef<Value> counter, llvm::ArrayRef<Value> key) {
  Type type = counter[0].getType();
  Value c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  Value multiplier0 = b.bits(type, 0xD2511F53u), multiplier1 = b.bits(type, 0xCD9E8D57u);
  for (int round = 0; round < 10; ++round) {
    auto [low0, high0] = b.mulWide(c0, multiplier0);
    auto [low1, high1] = b.mulWide(c2, multiplier1);
    c0 = b.bitXor(b.bitXor(high1, c1), k0);
    c2 = b.bitXor(b.bitXor(high0, c3), k1);
    c1 = low1;
    c3 = low0;
    if (round < 9) {
      k0 = b.add(k0, b.bits(type, 0x9E3779B9u));
      k1 = b.add(k1, b.bits(type, 0xBB67AE85u));
    }
  }
  return {c0, c1};
}

Value emitUniform(LaneBuilder& b, Value word) {
  Value number = b.convert(b.shiftRight(word, 8), b.f32());
  return b.mul(number, b.constant(number.getType(), 0x1p-24));
}

} // namespace tailor::backend
