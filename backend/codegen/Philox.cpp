#include "backend/codegen/Philox.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/STLExtras.h"

namespace tailor::backend {

using mlir::Type;
using mlir::Value;
using mlir::arith::CmpIPredicate;

namespace {

/// The ten rounds on 64-bit numbers, of which the low halves count: what a product leaves in the high half stays there
/// until the next product masks it, so a round moves nothing between lanes.
std::array<Value, 4> philoxRounds(LaneBuilder& b, std::array<Value, 4> counter, std::array<Value, 2> key) {
  auto [c0, c1, c2, c3] = counter;
  Type type = c0.getType();
  auto word = [&](uint32_t value) { return b.constant(type, value); };
  Value low = word(0xFFFFFFFFu), multiplier0 = word(0xD2511F53u), multiplier1 = word(0xCD9E8D57u);
  for (int round = 0; round < 10; ++round) {
    Value product0 = b.mul(b.bitAnd(c0, low), multiplier0), product1 = b.mul(b.bitAnd(c2, low), multiplier1);
    c0 = b.bitXor(b.bitXor(b.shiftRight(product1, 32), c1), key[0]);
    c2 = b.bitXor(b.bitXor(b.shiftRight(product0, 32), c3), key[1]);
    c1 = product1;
    c3 = product0;
    if (round < 9) key = {b.add(key[0], word(0x9E3779B9u)), b.add(key[1], word(0xBB67AE85u))};
  }
  return {c0, c1, c2, c3};
}

} // namespace

std::array<Value, 4> emitPhilox(LaneBuilder& b, llvm::ArrayRef<Value> counter, llvm::ArrayRef<Value> key) {
  Type shape = b.i32(); // of lanes, where one of the counter's words has them
  for (Value word : counter)
    if (word.getType() != b.i32()) shape = word.getType();
  llvm::SmallVector<llvm::SmallVector<Value, 2>, 6> wide; // counter and key, each in parts
  for (Value word : llvm::concat<const Value>(counter, key))
    wide.push_back(b.widenWords(word, shape));
  llvm::SmallVector<std::array<Value, 4>, 2> parts;
  for (size_t part = 0; part < wide.front().size(); ++part)
    parts.push_back(philoxRounds(b, {wide[0][part], wide[1][part], wide[2][part], wide[3][part]},
                                 {wide[4][part], wide[5][part]}));
  std::array<Value, 4> words;
  for (unsigned i = 0; i < 4; ++i)
    words[i] = b.narrowWords(llvm::map_to_vector<2>(parts, [&](const auto& part) { return part[i]; }));
  return words;
}

// 64 neighbours share 16 blocks.

Value blockOf(LaneBuilder& b, Value element) {
  Value within = b.bitAnd(element, b.bits(element.getType(), 15));
  return b.bitOr(b.shiftLeft(b.shiftRight(element, 6), 4), within);
}

Value wordOf(LaneBuilder& b, const std::array<Value, 4>& words, Value element) {
  auto isSet = [&](uint32_t bit) {
    Value set = b.bitAnd(element, b.bits(element.getType(), bit));
    return b.compare(CmpIPredicate::ne, set, b.zeroLike(set));
  };
  auto select = [&](Value condition, Value yes, Value no) {
    return b.select(b.matchShape(condition, b.withElement(yes.getType(), b.i1())), yes, no);
  };
  Value odd = isSet(16);
  return select(isSet(32), select(odd, words[3], words[2]), select(odd, words[1], words[0]));
}

Value emitUniform(LaneBuilder& b, Value word) {
  Value number = b.convert(b.shiftRight(word, 8), b.f32());
  return b.mul(number, b.constant(number.getType(), 0x1p-24));
}

} // namespace tailor::backend
