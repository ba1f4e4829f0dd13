#pragma once
/// The builder of a machine with one lane, for tests: a lane value is its element, no more and no less.
///
/// It is what one thread of a GPU sees of a warp. Code that tells lane values from scalars by their types, or that reads
/// and writes behind a mask, works with vectors and fails here.

#include "backend/codegen/LaneBuilder.h"

namespace tailor::backend::testing {

/// Memory is an address, as for target cpu, so that the code runs here.
class OneLaneBuilder final : public LaneBuilder {
public:
  OneLaneBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry)
      : LaneBuilder(builder, loc, entry, 1) {}

  llvm::StringRef target() const override { return "a machine with one lane"; }
  mlir::Type lanesOf(mlir::Type element) override { return element; }
  mlir::Value laneNumbers() override { return constant(i32(), 0); }
  mlir::Value prefixMask(int64_t active) override { return constant(i1(), active > 0); }
  mlir::Value prefixMask(mlir::Value active) override;
  mlir::Value splat(mlir::Value scalar) override { return scalar; }
  mlir::Value foldLanes(mlir::Value v, llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>) override {
    return v;
  }

  mlir::Value load(mlir::Value memory, mlir::Type element, mlir::Value index) override;
  mlir::Value loadLanes(mlir::Value memory, mlir::Type element, mlir::Value index, mlir::Value mask = {},
                        int64_t multiple = 1) override;
  mlir::Value gather(mlir::Value memory, mlir::Type element, mlir::Value index, mlir::Value offsets,
                     mlir::Value mask = {}) override;
  void store(mlir::Value scalar, mlir::Value memory, mlir::Type element, mlir::Value index) override;
  void storeLanes(mlir::Value value, mlir::Value memory, mlir::Type element, mlir::Value index,
                  mlir::Value mask = {}, int64_t multiple = 1) override;

  /// Entry `slot` of a table of addresses.
  mlir::Value loadAddress(mlir::Value table, int64_t slot);

private:
  mlir::Value place(mlir::Value memory, mlir::Type stored, mlir::Value index);
};

} // namespace tailor::backend::testing
