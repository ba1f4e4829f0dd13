#pragma once
/// Builds arithmetic on scalars and vectors alike: every function takes `T` or `vector<lanes x T>` and keeps
/// the shape.
///
/// No operation carries a fast-math flag and nothing is contracted behind our back: `fma` is a fused
/// multiply-add, `mul` then `add` are two roundings. So an expression has the same bits wherever it is
/// emitted.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

#include <functional>

namespace tailor::backend {

class VectorBuilder {
public:
  /// Constants go to the start of `entry`, the first block of the function under construction.
  VectorBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry, unsigned lanes);

  mlir::OpBuilder& builder() { return builder_; }
  mlir::Location loc() const { return loc_; }
  void setLoc(mlir::Location loc) { loc_ = loc; }
  unsigned lanes() const { return lanes_; }

  // --- types and constants
  mlir::Type f32() { return builder_.getF32Type(); }
  mlir::Type i1() { return builder_.getI1Type(); }
  mlir::Type i32() { return builder_.getI32Type(); }
  mlir::Type i64() { return builder_.getI64Type(); }
  mlir::Type pointer();
  mlir::Type vectorOf(mlir::Type element) { return mlir::VectorType::get({int64_t(lanes_)}, element); }
  /// The type with `element` for the elements: scalar stays scalar, vector stays vector.
  mlir::Type withElement(mlir::Type shape, mlir::Type element);
  mlir::Value constant(mlir::Type type, double value); ///< any scalar or vector type, integer or float
  mlir::Value bits(mlir::Type type, uint32_t pattern); ///< a 32-bit constant given by its bits
  mlir::Value index(int64_t value) { return constant(i64(), double(value)); }
  mlir::Value zeroLike(mlir::Value v) { return constant(v.getType(), 0); }
  mlir::Value iotaI32(); ///< vector<lanes x i32> 0, 1, 2, ...
  /// vector<lanes x i1>: the first `active` lanes.
  mlir::Value prefixMask(int64_t active);
  mlir::Value prefixMask(mlir::Value active);

  mlir::Value splat(mlir::Value scalar);
  /// `v` itself, or splat if `shape` is a vector type and `v` is not.
  mlir::Value matchShape(mlir::Value v, mlir::Type shape);

  // --- arithmetic: float or integer by type
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b); ///< integers: toward zero; x / 0 = 0, no trap
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value neg(mlir::Value a);
  mlir::Value abs(mlir::Value a);
  mlir::Value max(mlir::Value a, mlir::Value b); ///< NaN if either is NaN
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value sqrt(mlir::Value a);
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value a, mlir::Value b);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no);
  mlir::Value bitAnd(mlir::Value a, mlir::Value b);
  mlir::Value bitOr(mlir::Value a, mlir::Value b);
  mlir::Value bitXor(mlir::Value a, mlir::Value b);
  mlir::Value shiftLeft(mlir::Value a, int amount);
  mlir::Value shiftRight(mlir::Value a, int amount); ///< logical
  mlir::Value bitcast(mlir::Value a, mlir::Type element);
  mlir::Value toFloat(mlir::Value a); ///< i1 or i32 or i64 -> f32
  mlir::Value convert(mlir::Value a,
                      mlir::Type element); ///< value conversion; float to int truncates and saturates
  /// Low and high half of the 64-bit product of unsigned 32-bit numbers.
  std::pair<mlir::Value, mlir::Value> mulWide(mlir::Value a, mlir::Value b);
  /// vector -> scalar by halving: lane i meets lane i + n/2 first. The order depends on the number of lanes
  /// only.
  mlir::Value foldLanes(mlir::Value v, llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

  // --- memory; i1 tensors are bytes in memory, bytes (ui8) are widened to i32 where they are read
  /// What an element of a tensor is as a value.
  mlir::Type valueType(mlir::Type element) { return element.isUnsignedInteger(8) ? i32() : element; }
  mlir::Value elementPointer(mlir::Value base, mlir::Type element, mlir::Value index);
  mlir::Value loadPointer(mlir::Value buffers, int64_t slot);
  mlir::Value load(mlir::Value base, mlir::Type element, mlir::Value index);
  mlir::Value loadVector(mlir::Value base, mlir::Type element, mlir::Value index, mlir::Value mask = {});
  /// Element base[index[lane]] of every lane; `index` is vector<lanes x i64>.
  mlir::Value gather(mlir::Value base, mlir::Type element, mlir::Value index, mlir::Value mask = {});
  /// Scalar or vector by the type of `value`.
  void store(mlir::Value value, mlir::Value base, mlir::Value index, mlir::Value mask = {});

  // --- control flow
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  /// for (i = from; i < to; i += step) carrying values; the builder stands behind the loop afterwards.
  mlir::scf::ForOp loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange carried, Body body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);

private:
  mlir::Value binary(mlir::Value a, mlir::Value b, llvm::StringRef floatName, llvm::StringRef intName);
  mlir::Value cached(mlir::Type type, mlir::TypedAttr value);
  mlir::Type memoryType(mlir::Type element);
  mlir::Value fromMemory(mlir::Value stored, mlir::Type element);

  mlir::OpBuilder& builder_;
  mlir::Location loc_;
  mlir::Block* entry_;
  unsigned lanes_;
  llvm::DenseMap<mlir::Attribute, mlir::Value> constants_;
};

} // namespace tailor::backend
