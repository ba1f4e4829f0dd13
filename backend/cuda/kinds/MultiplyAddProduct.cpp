#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/kinds/SlabProduct.h"
#include "backend/cuda/thread/ThreadBuilder.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;

namespace {

constexpr int64_t kLanes = ThreadBuilder::kLanes;

class MultiplyAddProduct final : public SlabProduct {
public:
  MultiplyAddProduct(Tile tile, int64_t threadRows, int64_t threadColumns)
      : SlabProduct(tile), threadRows_(threadRows), threadColumns_(threadColumns) {}

  void begin(LaneBuilder& b, Value thread) override {
    auto [down, along] = divideWithRest(b, thread, threadsAcross());
    ownRow_ = b.mul(b.convert(down, b.i64()), b.index(threadRows_));
    ownColumn_ = b.mul(b.convert(along, b.i64()), b.index(kLanes));
  }

  int64_t words(int64_t lines) const override { return stride(lines) * tile().depth; }

  void put(LaneBuilder& b, Value value, Value slab, int64_t lines, Value line, Value depth) const override {
    b.store(value, slab, b.f32(), b.add(b.mul(depth, b.index(stride(lines))), line));
  }

  SmallVector<Value> zeros(LaneBuilder& b) const override {
    return SmallVector<Value>(threadRows_ * numVectors(), b.constant(b.lanesOf(b.f32()), 0));
  }

  void add(LaneBuilder& b, Value lhs, Value rhs, llvm::SmallVectorImpl<Value>& sums) const override {
    for (int64_t depth = 0; depth < tile().depth; ++depth)
      addDepth(b, depth, lhs, rhs, sums);
  }

  SmallVector<Value> vectors(LaneBuilder&, mlir::ValueRange sums) const override {
    return SmallVector<Value>(sums);
  }
  int64_t numLines() const override { return threadRows_; }
  int64_t numVectors() const override { return threadColumns_ / kLanes; }
  Value line(LaneBuilder& b, int64_t which) const override { return b.add(ownRow_, b.index(which)); }
  Value column(LaneBuilder& b, int64_t which) const override {
    return b.add(ownColumn_, b.index(which * threadsAcross() * kLanes));
  }

private:
  int64_t threadsAcross() const { return tile().columns / threadColumns_; }
  /// Elements between two depths of a slab: four more than they hold, so that a warp that writes along the depth finds other
  /// banks at every depth, and vectors stay aligned.
  static int64_t stride(int64_t lines) { return lines + 4; }

  /// One depth of the slabs: a column of lhs times a row of rhs.
  void addDepth(LaneBuilder& b, int64_t depth, Value lhs, Value rhs,
                llvm::SmallVectorImpl<Value>& sums) const {
    const int64_t lhsDepth = depth * stride(tile().rows), rhsDepth = depth * stride(tile().columns);
    SmallVector<Value> columns;
    for (int64_t v = 0; v < numVectors(); ++v) {
      int64_t offset = rhsDepth + v * threadsAcross() * kLanes;
      columns.push_back(b.loadLanes(rhs, b.f32(), b.add(ownColumn_, b.index(offset)), {}, kLanes));
    }
    Value four;
    for (int64_t row = 0; row < threadRows_; ++row) {
      Value at = b.add(ownRow_, b.index(lhsDepth + row)), value;
      if (threadRows_ % kLanes == 0) {
        if (row % kLanes == 0) four = b.loadLanes(lhs, b.f32(), at, {}, kLanes);
        value = mlir::vector::ExtractOp::create(b.builder(), b.loc(), four, row % kLanes);
      } else {
        value = b.load(lhs, b.f32(), at);
      }
      for (int64_t v = 0; v < numVectors(); ++v) {
        Value& sum = sums[row * numVectors() + v];
        sum = b.fma(b.splat(value), columns[v], sum);
      }
    }
  }

  int64_t threadRows_, threadColumns_;
  Value ownRow_, ownColumn_; ///< first of the thread, i64
};

} // namespace

std::unique_ptr<SlabProduct> multiplyAddProduct(Tile tile, int64_t threadRows, int64_t threadColumns) {
  return std::make_unique<MultiplyAddProduct>(tile, threadRows, threadColumns);
}

} // namespace tailor::backend::cuda
