#pragma once
/// Lanes of one thread: four elements, so that an access takes 16 bytes of f32.

#include "backend/llvm/VectorBuilder.h"

#include <numeric>

namespace tailor::backend::cuda {

class ThreadBuilder final : public VectorBuilder {
public:
  static constexpr unsigned kLanes = 4;

  ThreadBuilder(mlir::OpBuilder& builder, mlir::Location loc, mlir::Block* entry)
      : VectorBuilder(builder, loc, entry, kLanes) {}

  llvm::StringRef target() const override { return "target cuda"; }
  /// A GPU multiplies words to twice their width one by one.
  llvm::SmallVector<mlir::Value, 2> widenWords(mlir::Value words, mlir::Type shape) override {
    return LaneBuilder::widenWords(words, shape);
  }
  mlir::Value narrowWords(llvm::ArrayRef<mlir::Value> parts) override {
    return LaneBuilder::narrowWords(parts);
  }

protected:
  /// Up to the bytes of one access: every tensor begins at 64.
  unsigned lanesAlignment(mlir::Type stored, int64_t multiple) override {
    const auto aligned = static_cast<unsigned>(std::gcd(int64_t(kLanes), multiple));
    return std::min(16u, aligned * VectorBuilder::lanesAlignment(stored, multiple));
  }
};

} // namespace tailor::backend::cuda
