#pragma once
/// Lanes that are the 32 threads of a warp: neighbouring elements in neighbouring threads, which one access reads together.
///
/// All threads of a warp must come to foldLanes together, so no code may branch on what differs between them except the
/// accesses here; what LaneBuilder calls a scalar is the same in all of them.

#include "backend/codegen/LaneBuilder.h"

namespace tailor::backend::cuda {

/// The 32 bits of the thread of the warp whose number differs in the bits of `distance`; all its threads come here together.
mlir::Value shuffleXor(LaneBuilder& b, mlir::Value v, int64_t distance);

class WarpBuilder final : public LaneBuilder {
public:
  static constexpr unsigned kLanes = 32;

  /// `lane` is the number of the thread in its warp, i32.
  WarpBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry, mlir::Value lane)
      : LaneBuilder(builder, loc, entry, kLanes), lane_(lane) {}

  llvm::StringRef target() const override { return "target cuda"; }
  mlir::Type lanesOf(mlir::Type element) override { return element; }
  mlir::Value laneNumbers() override { return lane_; }
  mlir::Value prefixMask(int64_t active) override { return prefixMask(index(active)); }
  mlir::Value prefixMask(mlir::Value active) override;
  mlir::Value splat(mlir::Value scalar) override { return scalar; }
  /// Xor shuffles: every thread holds the same result.
  mlir::Value foldLanes(mlir::Value v,
                        llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine) override;

  mlir::Value load(mlir::Value memory, mlir::Type element, mlir::Value index) override;
  mlir::Value loadLanes(mlir::Value memory, mlir::Type element, mlir::Value index, mlir::Value mask = {},
                        int64_t multiple = 1) override;
  mlir::Value gather(mlir::Value memory, mlir::Type element, mlir::Value index, mlir::Value offsets,
                     mlir::Value mask = {}) override;
  /// By lane 0.
  void store(mlir::Value scalar, mlir::Value memory, mlir::Type element, mlir::Value index) override;
  void storeLanes(mlir::Value value, mlir::Value memory, mlir::Type element, mlir::Value index,
                  mlir::Value mask = {}, int64_t multiple = 1) override;

private:
  mlir::Value place(mlir::Value memory, mlir::Type stored, mlir::Value index);
  mlir::Value loadWhere(mlir::Value mask, mlir::Value memory, mlir::Type element, mlir::Value index);
  void storeOne(mlir::Value value, mlir::Value memory, mlir::Type element, mlir::Value index);
  /// The value of the thread whose number differs in the bits of `distance`.
  mlir::Value fromLane(mlir::Value v, int64_t distance);

  mlir::Value lane_;
};

} // namespace tailor::backend::cuda
