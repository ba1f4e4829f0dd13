#pragma once
/// What evaluators write code with: arithmetic on scalars and on *lane values*, whatever machine runs it.
///
/// A machine computes several elements at once, one in each of its lanes. A lane value holds one element per lane, and how
/// it does is the builder's alone:
///
///   target cpu   the lanes of a vector register   vector<16xf32>
///   one lane     the element itself               f32
///   a warp       one thread of a GPU for each     f32
///   a thread     four neighbours in one           vector<4xf32>
///
/// So a lane value may have the type of a scalar, and no code may tell them apart by their types: who stores says whether
/// it stores a scalar or lanes, and lanes meet in foldLanes only. Arithmetic takes either and keeps the shape.
///
/// No operation carries a fast-math flag and nothing is contracted behind our back: `fma` is a fused multiply-add, `mul`
/// then `add` are two roundings. So an expression has the same bits wherever it is emitted.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

namespace tailor::backend {

class LaneBuilder {
public:
  virtual ~LaneBuilder() = default;
  LaneBuilder(const LaneBuilder&) = delete;
  LaneBuilder& operator=(const LaneBuilder&) = delete;

  mlir::OpBuilder& builder() { return builder_; }
  mlir::Location loc() const { return loc_; }
  /// A power of two.
  unsigned lanes() const { return lanes_; }
  /// "target cpu": who cannot, in errors.
  virtual llvm::StringRef target() const = 0;

  // --- types and constants
  mlir::Type f32() { return builder_.getF32Type(); }
  mlir::Type i1() { return builder_.getI1Type(); }
  mlir::Type i32() { return builder_.getI32Type(); }
  mlir::Type i64() { return builder_.getI64Type(); }
  /// The type with `element` for the elements: scalar stays scalar, vector stays vector.
  mlir::Type withElement(mlir::Type shape, mlir::Type element);
  /// Of any scalar or vector type, integer or float. A double holds integers to 2^53: beyond that `integer`.
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value integer(mlir::Type type, int64_t value);
  mlir::Value bits(mlir::Type type, uint32_t pattern); ///< a 32-bit constant given by its bits
  mlir::Value index(int64_t value) { return integer(i64(), value); }
  mlir::Value zeroLike(mlir::Value v) { return constant(v.getType(), 0); }

  // --- lanes
  /// The type of a lane value.
  virtual mlir::Type lanesOf(mlir::Type element) = 0;
  /// i32: 0, 1, 2, ...
  virtual mlir::Value laneNumbers() = 0;
  /// i1: the first `active` lanes.
  virtual mlir::Value prefixMask(int64_t active) = 0;
  virtual mlir::Value prefixMask(mlir::Value active) = 0;
  /// The scalar in every lane.
  virtual mlir::Value splat(mlir::Value scalar) = 0;
  /// Combines the lanes to a scalar: lane i with lane i + n/2 first, so the order depends on the number of lanes only.
  virtual mlir::Value foldLanes(mlir::Value v,
                                llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine) = 0;
  /// i32 words of `shape` (a scalar is the same in all lanes) as i64 numbers that hold them in their low halves, while the
  /// high ones hold anything: in one value, or in parts that the machine multiplies faster.
  virtual llvm::SmallVector<mlir::Value, 2> widenWords(mlir::Value words, mlir::Type shape);
  /// Its inverse: the low halves.
  virtual mlir::Value narrowWords(llvm::ArrayRef<mlir::Value> parts);
  /// `v`, in as many elements as a value of type `shape` has: splat where that is a vector and `v` is not. Where a lane
  /// value has the type of its element there is nothing to do.
  mlir::Value matchShape(mlir::Value v, mlir::Type shape);
  /// Both, of which the scalar is splat if the other is a vector.
  std::pair<mlir::Value, mlir::Value> matchShapes(mlir::Value a, mlir::Value b);

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
  mlir::Value shiftRight(mlir::Value a, int amount);       ///< logical
  mlir::Value shiftRightSigned(mlir::Value a, int amount); ///< arithmetic
  /// Of integers that are not negative, by a positive constant.
  mlir::Value divUnsigned(mlir::Value a, int64_t by);
  mlir::Value remUnsigned(mlir::Value a, int64_t by);
  mlir::Value bitcast(mlir::Value a, mlir::Type element);
  mlir::Value toFloat(mlir::Value a); ///< i1 or i32 or i64 -> f32
  /// Value conversion; float to int truncates and saturates.
  mlir::Value convert(mlir::Value a, mlir::Type element);

  // --- memory: `memory` is what the back end bound a tensor to, `index` an i64 that counts elements from its start
  /// What an element of a tensor is as a value. What is narrow in memory is widened where it is read: bytes (ui8) to
  /// i32, bf16 to f32, which then holds a number of bf16.
  mlir::Type valueType(mlir::Type element);
  /// The nearest number of bf16 or tf32, ties to even, as f32. NaN stays NaN.
  mlir::Value roundToBf16(mlir::Value a);
  mlir::Value roundToTf32(mlir::Value a);
  virtual mlir::Value load(mlir::Value memory, mlir::Type element, mlir::Value index) = 0;
  /// Lane i from index + i. Lanes outside `mask` are zero and not read. `index` is a multiple of `multiple`: four lanes of f32 at a
  /// multiple of four are 16 aligned bytes.
  virtual mlir::Value loadLanes(mlir::Value memory, mlir::Type element, mlir::Value index,
                                mlir::Value mask = {}, int64_t multiple = 1) = 0;
  /// Lane i from index + offsets[i]; `offsets` is lanes of i64.
  virtual mlir::Value gather(mlir::Value memory, mlir::Type element, mlir::Value index, mlir::Value offsets,
                             mlir::Value mask = {}) = 0;
  virtual void store(mlir::Value scalar, mlir::Value memory, mlir::Type element, mlir::Value index) = 0;
  /// Lane i to index + i, a multiple of `multiple`. Lanes outside `mask` are not written.
  virtual void storeLanes(mlir::Value value, mlir::Value memory, mlir::Type element, mlir::Value index,
                          mlir::Value mask = {}, int64_t multiple = 1) = 0;

  // --- control flow; what is compared or counted is a scalar
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  /// for (i = from; i < to; i += step) carrying values; the builder stands behind the loop afterwards.
  mlir::scf::ForOp loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange carried, Body body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);

protected:
  /// Constants go to the start of `entry`, the first block of the function under construction.
  LaneBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry, unsigned lanes);

  mlir::Value cached(mlir::Type type, mlir::TypedAttr value);
  /// What an element of a tensor is in memory: i1 a byte that holds 0 or 1, bf16 the upper half of an f32 as i16, the
  /// others as they are.
  mlir::Type storedType(mlir::Type element);
  /// From storedType to valueType, and back.
  mlir::Value fromStored(mlir::Value stored, mlir::Type element);
  mlir::Value toStored(mlir::Value value, mlir::Type element);

private:
  mlir::Value inEveryLane(mlir::Type type, mlir::TypedAttr element);

  mlir::OpBuilder& builder_;
  mlir::Location loc_;
  mlir::Block* entry_;
  unsigned lanes_;
  llvm::DenseMap<mlir::Attribute, mlir::Value> constants_;
};

} // namespace tailor::backend
