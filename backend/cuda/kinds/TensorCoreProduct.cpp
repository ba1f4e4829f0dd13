#include "backend/cuda/kinds/SlabProduct.h"
#include "backend/cuda/thread/ThreadBuilder.h"
#include "backend/cuda/thread/WarpBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;
using mlir::arith::CmpIPredicate;
namespace LLVM = mlir::LLVM;
namespace NVVM = mlir::NVVM;

namespace {

constexpr int64_t kRows = 16, kColumns = 8, kWords = 8; ///< of one instruction; its depth in words of 32 bits
constexpr int64_t kWarpsDown = 2, kWarpsAcross = 4;

/// Slabs are [line][depth], for both operands: two depths of bf16 are one word, or one of tf32. Of an instruction a thread has, with
/// group = lane / 4 and pair = lane % 4,
///   A  rows group and group + 8, words pair and pair + 4
///   B  column group, the same words
///   D  rows group and group + 8, columns 2 pair and 2 pair + 1
/// (PTX ISA, matrix fragments for mma.m16n8k16 with bf16 and mma.m16n8k8 with tf32).
class TensorCoreProduct final : public SlabProduct {
public:
  TensorCoreProduct(Tile tile, Factors factors)
      : SlabProduct(tile), isBf16_(factors == Factors::bf16), depthsOfWord_(isBf16_ ? 2 : 1) {}

  void begin(LaneBuilder& b, Value thread) override {
    auto number = [&](int64_t value) { return b.constant(b.i32(), double(value)); };
    Value warp = b.shiftRight(thread, 5), pair = b.bitAnd(thread, number(3));
    Value group = b.shiftRight(b.bitAnd(thread, number(31)), 2);
    Value row = b.add(b.mul(b.shiftRight(warp, 2), number(tile().rows / kWarpsDown)), group);
    Value columns = b.mul(b.bitAnd(warp, number(3)), number(tile().columns / kWarpsAcross));
    isOdd_ = b.compare(CmpIPredicate::ne, b.bitAnd(pair, number(1)), number(0));
    auto wide = [&](Value v) { return b.convert(v, b.i64()); };
    lhsLine_ = wide(row);
    rhsLine_ = wide(b.add(columns, group));
    pair_ = wide(pair);
    ownLine_ = wide(b.add(row, b.select(isOdd_, number(8), number(0))));
    ownColumn_ = wide(b.add(columns, b.mul(b.shiftRight(pair, 1), number(4))));
  }

  int64_t words(int64_t lines) const override { return lines * stride(); }

  void put(LaneBuilder& b, Value value, Value slab, int64_t, Value line, Value depth) const override {
    mlir::Type element = isBf16_ ? mlir::Type(b.builder().getBF16Type()) : b.f32();
    b.store(value, slab, element, b.add(b.mul(line, b.index(depthsOfWord_ * stride())), depth));
  }

  SmallVector<Value> zeros(LaneBuilder& b) const override {
    return SmallVector<Value>(down() * across() * 4, b.constant(b.f32(), 0));
  }

  void add(LaneBuilder& b, Value lhs, Value rhs, llvm::SmallVectorImpl<Value>& sums) const override {
    for (int64_t first = 0; first < tile().depth / depthsOfWord_; first += kWords) {
      auto word = [&](Value slab, Value ownLine, int64_t line, int64_t words) {
        Value own = b.add(b.mul(b.add(ownLine, b.index(line)), b.index(stride())), pair_);
        return b.load(slab, b.i32(), b.add(own, b.index(first + words)));
      };
      SmallVector<SmallVector<Value>> columns;
      for (int64_t j = 0; j < across(); ++j)
        columns.push_back({word(rhs, rhsLine_, j * kColumns, 0), word(rhs, rhsLine_, j * kColumns, 4)});
      for (int64_t i = 0; i < down(); ++i) {
        const int64_t row = i * kRows;
        SmallVector<Value> rows{word(lhs, lhsLine_, row, 0), word(lhs, lhsLine_, row + 8, 0),
                                word(lhs, lhsLine_, row, 4), word(lhs, lhsLine_, row + 8, 4)};
        for (int64_t j = 0; j < across(); ++j)
          multiply(b, rows, columns[j], llvm::MutableArrayRef<Value>(sums).slice((i * across() + j) * 4, 4));
      }
    }
  }

  /// Neighbours of a pair swap halves: the even one gets all four columns of row `group`, the odd one those of row group + 8.
  SmallVector<Value> vectors(LaneBuilder& b, mlir::ValueRange sums) const override {
    SmallVector<Value> result;
    for (size_t at = 0; at < sums.size(); at += 4) {
      SmallVector<Value> c(sums.slice(at, 4));
      Value first = shuffleXor(b, b.select(isOdd_, c[0], c[2]), 1);
      Value second = shuffleXor(b, b.select(isOdd_, c[1], c[3]), 1);
      SmallVector<Value> four{b.select(isOdd_, first, c[0]), b.select(isOdd_, second, c[1]),
                              b.select(isOdd_, c[2], first), b.select(isOdd_, c[3], second)};
      Value vector = b.constant(b.lanesOf(b.f32()), 0);
      for (auto [lane, value] : llvm::enumerate(four))
        vector = LLVM::InsertElementOp::create(b.builder(), b.loc(), vector, value,
                                               b.constant(b.i32(), double(lane)));
      result.push_back(vector);
    }
    return result;
  }
  runtime::TensorCores tensorCores() const override {
    return isBf16_ ? runtime::TensorCores::kBf16 : runtime::TensorCores::kTf32;
  }
  int64_t numLines() const override { return down(); }
  int64_t numVectors() const override { return across(); }
  Value line(LaneBuilder& b, int64_t which) const override { return b.add(ownLine_, b.index(which * kRows)); }
  Value column(LaneBuilder& b, int64_t which) const override {
    return b.add(ownColumn_, b.index(which * kColumns));
  }

private:
  /// Instructions of a warp for its part of the tile.
  int64_t down() const { return tile().rows / kWarpsDown / kRows; }
  int64_t across() const { return tile().columns / kWarpsAcross / kColumns; }
  /// Words between two lines of a slab: four more than they hold, so that the eight groups of a warp find other banks.
  int64_t stride() const { return tile().depth / depthsOfWord_ + 4; }

  void multiply(LaneBuilder& b, llvm::ArrayRef<Value> rows, llvm::ArrayRef<Value> columns,
                llvm::MutableArrayRef<Value> sums) const {
    mlir::OpBuilder& ops = b.builder();
    auto type = LLVM::LLVMStructType::getLiteral(ops.getContext(), SmallVector<mlir::Type>(4, b.f32()));
    const NVVM::MMATypes elements = isBf16_ ? NVVM::MMATypes::bf16 : NVVM::MMATypes::tf32;
    Value product = NVVM::MmaOp::create(ops, b.loc(), type, rows, columns, llvm::ArrayRef<Value>(sums),
                                        {kRows, kColumns, kWords * depthsOfWord_}, std::nullopt, std::nullopt,
                                        std::array{elements, elements},
                                        std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
    for (auto [i, sum] : llvm::enumerate(sums))
      sum = LLVM::ExtractValueOp::create(ops, b.loc(), product, llvm::ArrayRef<int64_t>{int64_t(i)});
  }

  bool isBf16_;
  int64_t depthsOfWord_;
  Value lhsLine_, rhsLine_, pair_;    ///< what a thread reads, i64
  Value ownLine_, ownColumn_, isOdd_; ///< what it has in the end, i64; i1
};

} // namespace

std::unique_ptr<SlabProduct> tensorCoreProduct(Tile tile, Factors factors) {
  return std::make_unique<TensorCoreProduct>(tile, factors);
}

} // namespace tailor::backend::cuda
