#pragma once
/// Lanes of one thread: four elements, so that an access takes 16 bytes of f32.

#include "backend/llvm/VectorBuilder.h"

namespace tailor::backend::cuda {

class ThreadBuilder final : public VectorBuilder {
public:
  static constexpr unsigned kLanes = 4;

  /// `aligned`: lanes begin at multiples of four elements wherever they are loaded and stored without a mask.
  ThreadBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry, bool aligned)
      : VectorBuilder(builder, loc, entry, kLanes), aligned_(aligned) {}

  llvm::StringRef target() const override { return "target cuda"; }
  /// A GPU multiplies words to twice their width one by one.
  llvm::SmallVector<mlir::Value, 2> widenWords(mlir::Value words, mlir::Type shape) override {
    return LaneBuilder::widenWords(words, shape);
  }
  mlir::Value narrowWords(llvm::ArrayRef<mlir::Value> parts) override {
    return LaneBuilder::narrowWords(parts);
  }

protected:
  unsigned lanesAlignment(mlir::Type stored) override {
    unsigned bytes = VectorBuilder::lanesAlignment(stored);
    return aligned_ ? std::min(16u, kLanes * bytes) : bytes;
  }

private:
  bool aligned_;
};

} // namespace tailor::backend::cuda
