#pragma once
/// Elementary functions as f32 polynomials on scalars and lane values (same bits for both).
///
/// Errors are measured in tests/unit/backend/codegen/elementary_functions_test.cpp against f64, in units of the last place:
///   exp 1, log 1, expm1 2, log1p 2, tanh 2, sigmoid 3, erf 2, sin and cos 2 (|x| < 1e6), pow 2.
/// Infinities and NaN behave as in the C library; denormal results of exp are kept.
/// Sources   exp, log: Cephes-style reduction; erf: N. Juffa's two-interval minimax fit; pow: f64 log2 and exp2.

#include "backend/codegen/LaneBuilder.h"

namespace tailor::backend {

mlir::Value emitExp(LaneBuilder& b, mlir::Value x);
mlir::Value emitExpm1(LaneBuilder& b, mlir::Value x);
mlir::Value emitLog(LaneBuilder& b, mlir::Value x);
mlir::Value emitLog1p(LaneBuilder& b, mlir::Value x);
mlir::Value emitTanh(LaneBuilder& b, mlir::Value x);
mlir::Value emitSigmoid(LaneBuilder& b, mlir::Value x);
mlir::Value emitErf(LaneBuilder& b, mlir::Value x);
mlir::Value emitSin(LaneBuilder& b, mlir::Value x);
mlir::Value emitCos(LaneBuilder& b, mlir::Value x);
mlir::Value emitPow(LaneBuilder& b, mlir::Value base, mlir::Value exponent);
/// 1 - base^exponent for base in [0, 1) and a positive i32 exponent, without cancellation: Adam's bias
/// correction.
mlir::Value emitOneMinusPower(LaneBuilder& b, mlir::Value base, mlir::Value exponent);
/// log(1 + e^-|x|): what softplus(x) = log(1 + e^x) has beyond max(x, 0).
mlir::Value emitSoftplusRest(LaneBuilder& b, mlir::Value x);

} // namespace tailor::backend
