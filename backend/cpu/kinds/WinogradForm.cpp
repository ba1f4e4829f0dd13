#include "backend/cpu/kinds/WinogradForm.h"

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::Value;

llvm::SmallVector<Value> LinearTransform::applyTwice(VectorBuilder& b,
                                                     llvm::function_ref<Value(int64_t, int64_t)> in) const {
  llvm::SmallVector<Vectors, 6> columns;
  for (int64_t j = 0; j < from; ++j) {
    Vectors column;
    for (int64_t i = 0; i < from; ++i)
      column.push_back(in(i, j));
    columns.push_back(apply(b, column));
  }
  llvm::SmallVector<Value> results;
  for (int64_t i = 0; i < to; ++i) {
    Vectors row;
    for (const Vectors& column : columns)
      row.push_back(column[i]);
    results.append(apply(b, row));
  }
  return results;
}

namespace {

/// Numbers beside vectors of one type.
struct Scale {
  VectorBuilder& b;
  mlir::Type type;

  Value of(double c) { return b.constant(type, c); }
  Value mul(double c, Value x) { return b.mul(of(c), x); }
  Value fma(double c, Value x, Value y) { return b.fma(of(c), x, y); } ///< c x + y
};

Scale scaleOf(VectorBuilder& b, ArrayRef<Value> in) {
  return {b, in.front().getType()};
}

// --- 4 x 4: points 0, +-kA, +-kB, infinity
constexpr double kA = 5.0 / 8, kB = 3.0 / 2, kA2 = kA * kA, kB2 = kB * kB;
/// 1 / product of the differences of a point to the others, for 0, +-kA and +-kB.
constexpr double kN0 = 1 / (kA2 * kB2), kNA = 1 / (2 * kA2 * (kA2 - kB2)), kNB = 1 / (2 * kB2 * (kB2 - kA2));

Vectors input4(VectorBuilder& b, ArrayRef<Value> d) {
  Scale s = scaleOf(b, d);
  Value evenA = s.fma(-kB2, d[2], d[4]), oddA = s.fma(-kB2, d[1], d[3]);
  Value evenB = s.fma(-kA2, d[2], d[4]), oddB = s.fma(-kA2, d[1], d[3]);
  Value zero = s.fma(-kA2, s.fma(-kB2, d[0], d[2]), evenA);
  Value infinity = s.fma(-kB2, oddB, s.fma(-kA2, d[3], d[5]));
  Value a = s.mul(kA, oddA), c = s.mul(kB, oddB);
  return {zero, b.add(evenA, a), b.sub(evenA, a), b.add(evenB, c), b.sub(evenB, c), infinity};
}

Vectors output4(VectorBuilder& b, ArrayRef<Value> m) {
  Scale s = scaleOf(b, m);
  Value sumA = b.add(m[1], m[2]), differenceA = b.sub(m[1], m[2]);
  Value sumB = b.add(m[3], m[4]), differenceB = b.sub(m[3], m[4]);
  return {b.add(b.add(m[0], sumA), sumB), s.fma(kB, differenceB, s.mul(kA, differenceA)),
          s.fma(kB2, sumB, s.mul(kA2, sumA)),
          s.fma(kB2 * kB, differenceB, s.fma(kA2 * kA, differenceA, m[5]))};
}

Vectors weight4(VectorBuilder& b, ArrayRef<Value> g) {
  Scale s = scaleOf(b, g);
  auto pair = [&](double scale, double point) {
    Value even = s.fma(scale * point * point, g[2], s.mul(scale, g[0])), odd = s.mul(scale * point, g[1]);
    return std::pair(b.add(even, odd), b.sub(even, odd));
  };
  auto [a, minusA] = pair(kNA, kA);
  auto [c, minusC] = pair(kNB, kB);
  return {s.mul(kN0, g[0]), a, minusA, c, minusC, g[2]};
}

Vectors outputGrad4(VectorBuilder& b, ArrayRef<Value> d) {
  Scale s = scaleOf(b, d);
  auto pair = [&](double point) {
    Value even = s.fma(point * point, d[2], d[0]);
    Value odd = s.mul(point, s.fma(point * point, d[3], d[1]));
    return std::pair(b.add(even, odd), b.sub(even, odd));
  };
  auto [a, minusA] = pair(kA);
  auto [c, minusC] = pair(kB);
  return {d[0], a, minusA, c, minusC, d[3]};
}

Vectors weightGrad4(VectorBuilder& b, ArrayRef<Value> m) {
  Scale s = scaleOf(b, m);
  Value sumA = s.mul(kNA, b.add(m[1], m[2])), differenceA = s.mul(kNA * kA, b.sub(m[1], m[2]));
  Value sumB = s.mul(kNB, b.add(m[3], m[4])), differenceB = s.mul(kNB * kB, b.sub(m[3], m[4]));
  return {s.fma(kN0, m[0], b.add(sumA, sumB)), b.add(differenceA, differenceB),
          s.fma(kA2, sumA, s.fma(kB2, sumB, m[5]))};
}

// --- 2 x 2: points 0, +-1, infinity
Vectors input2(VectorBuilder& b, ArrayRef<Value> d) {
  return {b.sub(d[0], d[2]), b.add(d[1], d[2]), b.sub(d[2], d[1]), b.sub(d[3], d[1])};
}

Vectors output2(VectorBuilder& b, ArrayRef<Value> m) {
  return {b.add(m[0], b.add(m[1], m[2])), b.add(b.sub(m[1], m[2]), m[3])};
}

Vectors weight2(VectorBuilder& b, ArrayRef<Value> g) {
  Scale s = scaleOf(b, g);
  Value even = s.mul(0.5, b.add(g[0], g[2])), odd = s.mul(0.5, g[1]);
  return {g[0], b.add(even, odd), b.sub(even, odd), g[2]};
}

Vectors outputGrad2(VectorBuilder& b, ArrayRef<Value> d) {
  return {d[0], b.add(d[0], d[1]), b.sub(d[0], d[1]), d[1]};
}

Vectors weightGrad2(VectorBuilder& b, ArrayRef<Value> m) {
  Scale s = scaleOf(b, m);
  Value sum = b.add(m[1], m[2]);
  return {s.fma(0.5, sum, m[0]), s.mul(0.5, b.sub(m[1], m[2])), s.fma(0.5, sum, m[3])};
}

} // namespace

const WinogradForm& winograd4x4() {
  static const WinogradForm form{
      4, {6, 6, input4}, {3, 6, weight4}, {6, 4, output4}, {4, 6, outputGrad4}, {6, 3, weightGrad4}};
  return form;
}

const WinogradForm& winograd2x2() {
  static const WinogradForm form{
      2, {4, 4, input2}, {3, 4, weight2}, {4, 2, output2}, {2, 4, outputGrad2}, {4, 3, weightGrad2}};
  return form;
}

} // namespace tailor::backend
