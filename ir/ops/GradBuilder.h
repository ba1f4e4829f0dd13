#pragma once

/// The few ops VJP rules are made of, with types inferred.

#include "ir/ops/Support.h"

namespace tailor::ir {

class GradBuilder {
public:
  GradBuilder(mlir::OpBuilder& builder, mlir::Operation* primal)
      : builder_(builder), loc_(primal->getLoc()) {}

  template <typename ConcreteOp, typename... Args> ConcreteOp create(Args&&... args) {
    return ConcreteOp::create(builder_, loc_, std::forward<Args>(args)...);
  }

  mlir::Value fill(mlir::RankedTensorType type, double number) { return create<ConstantOp>(type, number); }
  mlir::Value fillLike(mlir::Value value, double number) { return fill(tensorType(value), number); }
  mlir::Value neg(mlir::Value a) { return create<NegOp>(a); }
  mlir::Value add(mlir::Value a, mlir::Value b) { return create<AddOp>(a, b); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return create<SubOp>(a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return create<MulOp>(a, b); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return create<DivOp>(a, b); }
  mlir::Value scale(mlir::Value a, double number) { return mul(a, fillLike(a, number)); }
  mlir::Value shift(mlir::Value a, double number) { return add(a, fillLike(a, number)); }
  mlir::Value square(mlir::Value a) { return create<SquareOp>(a); }
  mlir::Value exp(mlir::Value a) { return create<ExpOp>(a); }
  mlir::Value compare(mlir::Value a, Direction direction, mlir::Value b) {
    return create<CompareOp>(a, b, direction);
  }
  mlir::Value where(mlir::Value condition, mlir::Value onTrue, mlir::Value onFalse) {
    return create<WhereOp>(onTrue.getType(), condition, onTrue, onFalse);
  }
  /// `value` where the condition holds, else 0.
  mlir::Value keep(mlir::Value condition, mlir::Value value) {
    return where(condition, value, fillLike(value, 0.0));
  }

  /// The value with its element type changed, if it differs.
  mlir::Value cast(mlir::Value value, mlir::Type elementType);
  mlir::Value reshape(mlir::Value value, mlir::RankedTensorType type);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value sum(mlir::Value value, llvm::ArrayRef<int64_t> dims);
  /// Sum over all dimensions but the last: the gradient of a [C] vector.
  mlir::Value sumToChannels(mlir::Value value);
  /// Repeats a value along the dimensions a reduction over `dims` removed, giving `shape`.
  mlir::Value unreduce(mlir::Value value, llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<int64_t> shape);
  /// Repeats a [C] vector over all dimensions but the last.
  mlir::Value overChannels(mlir::Value vector, llvm::ArrayRef<int64_t> shape);

private:
  mlir::OpBuilder& builder_;
  mlir::Location loc_;
};

/// Numbers in [0, rank) that are not in `dims`, in order.
llvm::SmallVector<int64_t> otherDims(llvm::ArrayRef<int64_t> dims, int64_t rank);

} // namespace tailor::ir
