#pragma once
/// Elementary functions as f32 polynomials on scalars and vectors (same bits for both).
///
/// Errors are measured in tests/unit/backend/cpu/vector_math_test.cpp against f64, in units of the last place:
///   exp 1, log 1, expm1 2, log1p 2, tanh 2, sigmoid 3, erf 2, sin and cos 2 (|x| < 1e6), pow 2.
/// Infinities and NaN behave as in the C library; denormal results of exp are kept.
/// Sources   exp, log: Cephes-style reduction; erf: N. Juffa's two-interval minimax fit; pow: f64 log2 and exp2.

#include "backend/cpu/evaluate/VectorBuilder.h"

namespace tailor::backend {

mlir::Value emitExp(VectorBuilder& b, mlir::Value x);
mlir::Value emitExpm1(VectorBuilder& b, mlir::Value x);
mlir::Value emitLog(VectorBuilder& b, mlir::Value x);
mlir::Value emitLog1p(VectorBuilder& b, mlir::Value x);
mlir::Value emitTanh(VectorBuilder& b, mlir::Value x);
mlir::Value emitSigmoid(VectorBuilder& b, mlir::Value x);
mlir::Value emitErf(VectorBuilder& b, mlir::Value x);
mlir::Value emitSin(VectorBuilder& b, mlir::Value x);
mlir::Value emitCos(VectorBuilder& b, mlir::Value x);
mlir::Value emitPow(VectorBuilder& b, mlir::Value base, mlir::Value exponent);
/// 1 - base^exponent for base in [0, 1) and a positive i32 exponent, without cancellation: Adam's bias
/// correction.
mlir::Value emitOneMinusPower(VectorBuilder& b, mlir::Value base, mlir::Value exponent);
/// log(1 + e^-|x|): what softplus(x) = log(1 + e^x) has beyond max(x, 0).
mlir::Value emitSoftplusRest(VectorBuilder& b, mlir::Value x);

/// Word 0 and, if asked for, word 1 of Philox4x32-10 (runtime/base/philox.h). `counter` and `key` hold i32
/// scalars or vectors, all of one shape.
struct PhiloxWords {
  mlir::Value word0, word1;
};
PhiloxWords emitPhilox(VectorBuilder& b, llvm::ArrayRef<mlir::Value> counter,
                       llvm::ArrayRef<mlir::Value> key);
/// (word >> 8) * 2^-24
mlir::Value emitUniform(VectorBuilder& b, mlir::Value word);

} // namespace tailor::backend
