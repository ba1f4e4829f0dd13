#pragma once
/// Computes the elements of a kernel's tensors where they are needed.
///
/// A kernel body is a graph of tensor ops. Nothing in it is materialised: asking for a result at a position
/// asks the op's operands at the positions they need, down to loads from the operand buffers. A position has
/// one coordinate per dimension; at most one coordinate runs along the lanes, and then the value is a lane
/// value, else a scalar.
///
/// Every coordinate knows the loop it changes in. A value is emitted in the outermost loop that defines all
/// its coordinates, before the inner loops, and is remembered there. So a bias is loaded and a row maximum is
/// reduced once per row, not once per column, without any analysis of the graph.
///
/// Errors (an op without code) are reported at the op once; afterwards `failed()` is true and values are
/// zero.

#include "backend/codegen/LaneBuilder.h"

#include <map>

namespace tailor::backend {

inline mlir::RankedTensorType tensorTypeOf(mlir::Value v) {
  return mlir::cast<mlir::RankedTensorType>(v.getType());
}

struct Coord {
  mlir::Value index;  ///< i64: the position, with lanes that of lane 0
  bool lanes = false; ///< lane i is at index + i * stride
  int64_t stride = 1;
  mlir::Value gather;   ///< lanes of i64: the position of each lane; `index` is unused
  mlir::Value mask;     ///< lanes that exist; null when all do
  int64_t multiple = 1; ///< of which `index` is one; 0 where it is 0
  unsigned level = 0;   ///< the loop it changes in, 0 outside of all
  unsigned id = 0;      ///< equal ids are equal positions
};
using Coords = llvm::SmallVector<Coord, 4>;

class Evaluator {
public:
  /// What a sum of floats starts from: x + -0 is x for every x.
  static constexpr double kEmptySum = -0.0;

  /// `useLanes` false computes one element at a time (ops that move elements between lanes).
  Evaluator(LaneBuilder& b, bool useLanes);

  LaneBuilder& builder() { return b_; }
  bool useLanes() const { return useLanes_; }
  bool failed() const { return failed_; }
  void fail(mlir::Operation* op, const llvm::Twine& reason);

  /// The memory of a kernel operand, as the builder takes it.
  void bind(mlir::Value tensor, mlir::Value memory) { memory_[tensor] = memory; }
  /// Null for what is computed.
  mlir::Value memoryOf(mlir::Value tensor) const { return memory_.lookup(tensor); }
  /// The run-time extent of dimension 0 wherever it is reduced; without it the static extent counts.
  void setRows(mlir::Value rows) { rows_ = rows; }
  mlir::Value rows() const { return rows_; }
  /// What an element of `tensor` is as a value: LaneBuilder::valueType.
  mlir::Type valueTypeOf(mlir::Value tensor) { return b_.valueType(tensorTypeOf(tensor).getElementType()); }
  /// The extent of a dimension as i64.
  mlir::Value extent(mlir::Value tensor, int64_t dim);

  // --- positions
  Coord coord(mlir::Value index); ///< in the current loop
  /// In the current loop, at an index that is a multiple of `multiple`.
  Coord laneCoord(mlir::Value index, mlir::Value mask = {}, int64_t multiple = 1);
  Coord fixedCoord(int64_t index); ///< outside of all loops
  /// From lanes of i64 or an i64 that is defined in the loop `level`; level() is where the builder
  /// stands.
  Coord gatherCoord(mlir::Value indices, unsigned level);
  Coord indexCoord(mlir::Value scalar, unsigned level);
  unsigned level() const { return static_cast<unsigned>(scopes_.size()) - 1; }
  /// The positions along a dimension of `extent` elements in steps of all lanes, for unrolled code.
  llvm::ArrayRef<Coord> laneGroups(int64_t extent);
  static constexpr int64_t kMaxUnrolledGroups = 8;
  bool unrolls(int64_t extent) const { return extent <= kMaxUnrolledGroups * int64_t(b_.lanes()); }
  static unsigned levelOf(llvm::ArrayRef<Coord> coords);
  static bool hasLanes(llvm::ArrayRef<Coord> coords);
  /// i32, scalar or lanes.
  mlir::Value positionI32(const Coord& coord);

  // --- values
  mlir::Value at(mlir::Value tensor, llvm::ArrayRef<Coord> coords);
  /// Says what `tensor` is at `coords`, instead of computing it.
  void define(mlir::Value tensor, llvm::ArrayRef<Coord> coords, mlir::Value value);
  /// A scalar, or lanes along the last dimension; the mask says which.
  void store(mlir::Value value, mlir::Value memory, mlir::RankedTensorType type,
             llvm::ArrayRef<Coord> coords);
  /// A value that belongs to `owner` and is not a tensor of the graph, such as a row maximum: computed by
  /// `make` in the loop of `coords`, once per (owner, tag, coords).
  mlir::Value remember(const void* owner, uintptr_t tag, llvm::ArrayRef<Coord> coords,
                       llvm::function_ref<mlir::Value()> make);

  // --- loops
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  mlir::scf::ForOp loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange carried, Body body);
  /// Runs `body` where the builder stands, inside loops that others emitted, as a loop of its own as far as
  /// remembered values are concerned.
  void region(llvm::function_ref<void()> body);
  /// Every position of `type` from dimension `firstDim` on, lanes along the last one; `coords` holds the
  /// earlier coordinates. Short last dimensions are unrolled.
  void forEachPosition(mlir::RankedTensorType type, Coords coords,
                       llvm::function_ref<void(llvm::ArrayRef<Coord>)> body);
  /// Folds `step` over all positions of dimensions `dims` (ascending) of `shape`, whose other coordinates are
  /// given. `step(acc, coords)` returns the next accumulator; lanes outside the tensor keep theirs. The
  /// accumulator starts as `identity`; if lanes ran along a folded dimension they are folded with `combine`
  /// at the end.
  mlir::Value fold(mlir::Value shape, llvm::ArrayRef<int64_t> dims, Coords coords, double identity,
                   mlir::Type element,
                   llvm::function_ref<mlir::Value(mlir::Value, llvm::ArrayRef<Coord>)> step,
                   llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);
  /// Sum over `dims` of `element(coords)`, f32 by default.
  mlir::Value sum(mlir::Value shape, llvm::ArrayRef<int64_t> dims, Coords coords,
                  llvm::function_ref<mlir::Value(llvm::ArrayRef<Coord>)> element, mlir::Type type = {});

private:
  struct Scope {
    mlir::Block* block = nullptr;
    mlir::OpBuilder::InsertPoint point; ///< before the next inner loop
    std::map<std::tuple<const void*, uintptr_t, llvm::SmallVector<unsigned, 4>>, mlir::Value> memo;
  };

  void enter();
  void leave() { scopes_.pop_back(); }
  mlir::Value inScope(unsigned level, llvm::function_ref<mlir::Value()> make);
  /// The first `active` lanes, outside of all loops as fixed coordinates are.
  mlir::Value fixedMask(int64_t active);
  mlir::Value foldDims(mlir::Value shape, llvm::ArrayRef<int64_t> dims, Coords& coords, bool lanesLast,
                       mlir::Value acc,
                       llvm::function_ref<mlir::Value(mlir::Value, llvm::ArrayRef<Coord>)> step);
  mlir::Value load(mlir::Value memory, mlir::RankedTensorType type, llvm::ArrayRef<Coord> coords);
  mlir::Value evaluate(mlir::Value tensor, llvm::ArrayRef<Coord> coords);
  friend mlir::Value evaluateOp(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);

  LaneBuilder& b_;
  bool useLanes_, failed_ = false;
  mlir::Value rows_;
  llvm::DenseMap<mlir::Value, mlir::Value> memory_;
  llvm::SmallVector<Scope, 8> scopes_;
  unsigned nextId_ = 1;
  std::map<int64_t, Coords> laneGroups_;
  std::map<int64_t, Coord> fixed_;
  std::map<int64_t, mlir::Value> masks_;
};

/// Where the elements of a position are in the memory of a tensor, counted in elements.
struct Address {
  mlir::Value base;     ///< of lane 0, or the part all lanes share
  int64_t multiple = 1; ///< of which `base` is one
  mlir::Value offsets;  ///< per lane, when the lanes are not neighbours
  mlir::Value mask;
  bool lanes = false;
};
Address addressOf(LaneBuilder& b, mlir::RankedTensorType type, llvm::ArrayRef<Coord> coords);

/// The code of one op result: EvaluateOps.cpp.
mlir::Value evaluateOp(Evaluator& e, mlir::OpResult result, llvm::ArrayRef<Coord> coords);

} // namespace tailor::backend
