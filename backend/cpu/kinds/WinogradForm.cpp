#include "backend/cpu/kinds/WinogradForm.h"

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::Value;

llvm::SmallVector<Value> LinearTransform::applyTwice(VectorBuilder& b,
                                                     llvm::function_ref<Value(int64_t, int64_t)> in) const {
  llvm::SmallVector<Vectors, 9> columns;
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

// --- stride 2: m products of the middle weight, then F(4, 2) at points +-kC, +-kD, infinity
constexpr double kC = 1.0 / 2, kD = 5.0 / 4, kC2 = kC * kC, kD2 = kD * kD;
/// As kNA, for kC and kD; for -kC and -kD the same with the other sign.
constexpr double kNC = 1 / (2 * kC * (kC2 - kD2)), kND = 1 / (2 * kD * (kD2 - kC2));

/// B^T of F(4, 2): five numbers.
Vectors inputOfTwo(VectorBuilder& b, ArrayRef<Value> d) {
  Scale s = scaleOf(b, d);
  Value evenC = s.fma(-kD2, d[0], d[2]), oddC = s.fma(-kD2, d[1], d[3]);
  Value evenD = s.fma(-kC2, d[0], d[2]), oddD = s.fma(-kC2, d[1], d[3]);
  Value c = s.mul(kC, evenC), e = s.mul(kD, evenD);
  Value infinity = s.fma(-kD2, evenD, s.fma(-kC2, d[2], d[4]));
  return {b.add(oddC, c), b.sub(oddC, c), b.add(oddD, e), b.sub(oddD, e), infinity};
}

/// A^T of F(4, 2).
Vectors outputOfTwo(VectorBuilder& b, ArrayRef<Value> m) {
  Scale s = scaleOf(b, m);
  Value sumC = b.add(m[0], m[1]), differenceC = b.sub(m[0], m[1]);
  Value sumD = b.add(m[2], m[3]), differenceD = b.sub(m[2], m[3]);
  return {b.add(sumC, sumD), s.fma(kD, differenceD, s.mul(kC, differenceC)),
          s.fma(kD2, sumD, s.mul(kC2, sumC)),
          s.fma(kD2 * kD, differenceD, s.fma(kC2 * kC, differenceC, m[4]))};
}

Vectors joined(Vectors first, ArrayRef<Value> second) {
  first.append(second.begin(), second.end());
  return first;
}

Vectors inputStride2(VectorBuilder& b, ArrayRef<Value> d) {
  return joined({d[1], d[3], d[5], d[7]}, inputOfTwo(b, {d[0], d[2], d[4], d[6], d[8]}));
}

Vectors weightStride2(VectorBuilder& b, ArrayRef<Value> g) {
  Scale s = scaleOf(b, g);
  auto pair = [&](double scale, double point) {
    Value first = s.mul(scale, g[0]), second = s.mul(scale * point, g[2]);
    return std::pair(b.add(second, first), b.sub(second, first));
  };
  auto [c, minusC] = pair(kNC, kC);
  auto [d, minusD] = pair(kND, kD);
  return {g[1], c, minusC, d, minusD, g[2]};
}

Vectors outputStride2(VectorBuilder& b, ArrayRef<Value> m) {
  Vectors y = outputOfTwo(b, m.drop_front(4));
  for (unsigned i = 0; i < 4; ++i)
    y[i] = b.add(m[i], y[i]);
  return y;
}

Vectors outputGradStride2(VectorBuilder& b, ArrayRef<Value> d) {
  Scale s = scaleOf(b, d);
  auto pair = [&](double point) {
    Value even = s.fma(point * point, d[2], d[0]);
    Value odd = s.mul(point, s.fma(point * point, d[3], d[1]));
    return std::pair(b.add(even, odd), b.sub(even, odd));
  };
  auto [c, minusC] = pair(kC);
  auto [e, minusE] = pair(kD);
  return {d[0], d[1], d[2], d[3], c, minusC, e, minusE, d[3]};
}

Vectors weightGradStride2(VectorBuilder& b, ArrayRef<Value> m) {
  Scale s = scaleOf(b, m);
  Value first = s.fma(kND, b.sub(m[6], m[7]), s.mul(kNC, b.sub(m[4], m[5])));
  Value second = s.fma(kND * kD, b.add(m[6], m[7]), s.fma(kNC * kC, b.add(m[4], m[5]), m[8]));
  return {first, b.add(b.add(m[0], m[1]), b.add(m[2], m[3])), second};
}

Vectors inputDataGradient2(VectorBuilder& b, ArrayRef<Value> d) {
  return joined({d[0], d[1], d[2], d[3]}, inputOfTwo(b, d));
}

Vectors outputDataGradient2(VectorBuilder& b, ArrayRef<Value> m) {
  Vectors odd = outputOfTwo(b, m.drop_front(4));
  return {m[0], odd[0], m[1], odd[1], m[2], odd[2], m[3], odd[3]};
}

} // namespace

Value WinogradForm::weightPlane(VectorBuilder& b, Value point) const {
  if (shared == 0) return point;
  Value row = b.div(point, b.index(pointsOfDim()));
  Value column = b.sub(point, b.mul(row, b.index(pointsOfDim())));
  auto weightOf = [&](Value p) { return b.max(b.sub(p, b.index(shared)), b.index(0)); };
  return b.add(b.mul(weightOf(row), b.index(weight.to)), weightOf(column));
}

const WinogradForm& winograd4x4() {
  static const WinogradForm form{
      4, 4, {6, 6, input4}, {3, 6, weight4}, {6, 4, output4}, {4, 6, outputGrad4}, {6, 3, weightGrad4}};
  return form;
}

const WinogradForm& winograd2x2() {
  static const WinogradForm form{
      2, 2, {4, 4, input2}, {3, 4, weight2}, {4, 2, output2}, {2, 4, outputGrad2}, {4, 3, weightGrad2}};
  return form;
}

const WinogradForm& winogradStride2() {
  static const WinogradForm form{4,
                                 8,
                                 {9, 9, inputStride2},
                                 {3, 6, weightStride2},
                                 {9, 4, outputStride2},
                                 {4, 9, outputGradStride2},
                                 {9, 3, weightGradStride2},
                                 3};
  return form;
}

const WinogradForm& winogradStride2DataGradient() {
  static const WinogradForm form{
      8, 4, {5, 9, inputDataGradient2}, {3, 6, weightStride2}, {9, 8, outputDataGradient2}, {}, {}, 3};
  return form;
}

} // namespace tailor::backend
