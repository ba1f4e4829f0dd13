#pragma once
/// Lanes in a vector of the llvm dialect: a register of target cpu, the four elements of a thread of target cuda. Memory is an
/// address.

#include "backend/codegen/LaneBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace tailor::backend {

class VectorBuilder : public LaneBuilder {
public:
  /// Constants go to the start of `entry`, the first block of the function under construction.
  VectorBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry, unsigned lanes)
      : LaneBuilder(builder, loc, entry, lanes) {}

  llvm::StringRef target() const override { return "target cpu"; }
  mlir::Type lanesOf(mlir::Type element) override; ///< vector<lanes x element>
  mlir::Value laneNumbers() override;
  mlir::Value prefixMask(int64_t active) override;
  mlir::Value prefixMask(mlir::Value active) override;
  mlir::Value splat(mlir::Value scalar) override;
  mlir::Value foldLanes(mlir::Value v,
                        llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine) override;
  /// Even lanes and odd ones: multiplication of 32 bits to 64 takes every second lane.
  llvm::SmallVector<mlir::Value, 2> widenWords(mlir::Value words, mlir::Type shape) override;
  mlir::Value narrowWords(llvm::ArrayRef<mlir::Value> parts) override;

  mlir::Value load(mlir::Value base, mlir::Type element, mlir::Value index) override;
  mlir::Value loadLanes(mlir::Value base, mlir::Type element, mlir::Value index, mlir::Value mask = {},
                        int64_t multiple = 1) override;
  mlir::Value gather(mlir::Value base, mlir::Type element, mlir::Value index, mlir::Value offsets,
                     mlir::Value mask = {}) override;
  void store(mlir::Value scalar, mlir::Value base, mlir::Type element, mlir::Value index) override;
  void storeLanes(mlir::Value value, mlir::Value base, mlir::Type element, mlir::Value index,
                  mlir::Value mask = {}, int64_t multiple = 1) override;

  using LaneBuilder::fromStored;
  using LaneBuilder::storedType;

  // --- what loops need beside: addresses, and stores of what has no tensor
  mlir::Type pointer();
  mlir::Value elementPointer(mlir::Value base, mlir::Type element, mlir::Value index);
  mlir::Value loadPointer(mlir::Value buffers, int64_t slot);
  /// Scalar or vector by the type of `value`, elements as they are.
  void store(mlir::Value value, mlir::Value base, mlir::Value index, mlir::Value mask = {});

protected:
  /// Bytes that an access of all lanes at a multiple of `multiple` elements may count on: of one element, unless the machine wants
  /// more.
  virtual unsigned lanesAlignment(mlir::Type stored, int64_t multiple);
};

} // namespace tailor::backend
