#pragma once
/// Where sort_perm and random_permutation put an element: its rank, the number of elements that come before it.

#include "backend/codegen/Evaluator.h"

#include "ir/Tailor.h"

namespace tailor::backend {

/// An element of the line that is sorted, and its position in it.
struct Sorted {
  mlir::Value value, position;
};

/// i1: `x` comes before `y`. Equal ones keep their order; NaN comes last in both directions.
mlir::Value sortsBefore(LaneBuilder& b, ir::SortPermOp op, const Sorted& x, const Sorted& y);

/// The word that is drawn for a row (an i64).
mlir::Value permutationWord(Evaluator& e, ir::RandomPermutationOp op, mlir::Value row);
/// i1: the row with the word `x.value` comes before that with `y.value`. Equal words keep their order.
mlir::Value permutesBefore(LaneBuilder& b, const Sorted& x, const Sorted& y);

/// How many of [0, count) satisfy `before`, which is evaluated in a loop over them.
mlir::Value rankOf(Evaluator& e, mlir::Value count, llvm::function_ref<mlir::Value(mlir::Value)> before);

} // namespace tailor::backend
