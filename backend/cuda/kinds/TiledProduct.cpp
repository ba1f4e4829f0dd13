#include "backend/cuda/kinds/TiledProduct.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;
namespace LLVM = mlir::LLVM;
namespace NVVM = mlir::NVVM;

namespace {

constexpr int64_t kLanes = ThreadBuilder::kLanes;

/// All of 256 threads. The largest reads each operand of a multiply-add an eighth of a time from shared memory, which feeds the
/// multiply-adds of a multiprocessor at a quarter; smaller ones are for results that would leave multiprocessors without a block.
constexpr Tile kTiles[] = {{128, 128, 8, 8, 8}, {64, 64, 16, 4, 4}, {32, 32, 32, 1, 4}};
/// From so many sums a thread needs nearly 128 registers, of which a multiprocessor has them for two blocks. The smaller tiles do
/// with 80, three blocks, whatever is fused into their loads and stores; 64 would spill in some.
constexpr int64_t kManySums = 64;
/// Blocks that give each multiprocessor of a large GPU one.
constexpr int64_t kWantedBlocks = 128;

Tile tileFor(int64_t lines, int64_t columns, int64_t parts) {
  auto ceilDiv = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  for (const Tile& tile : kTiles)
    // A tile that is mostly beyond the result computes nothing.
    if (2 * columns > tile.columns && 2 * lines > tile.rows &&
        ceilDiv(lines, tile.rows) * ceilDiv(columns, tile.columns) * parts >= kWantedBlocks)
      return tile;
  return kTiles[std::size(kTiles) - 1];
}

} // namespace

TiledProduct::TiledProduct(int64_t lines, int64_t columns, int64_t depth, int64_t parts)
    : lines_(lines), columns_(columns), depth_(depth), parts_(parts), tile_(tileFor(lines, columns, parts)) {}

/// slab[depth, i] = operand at (first line + i, first depth + depth), zero outside of it, by all threads. Neighbouring threads
/// take what neighbours in memory.
void TiledProduct::bringIn(Evaluator& e, const TiledOperand& operand, Value slab, int64_t stride,
                           int64_t width, Value firstLine, int64_t lines, Value firstDepth) {
  LaneBuilder& b = e.builder();
  for (int64_t round = 0; round < width * tile_.depth / kThreads; ++round) {
    Value number = b.add(thread_, b.constant(b.i32(), double(round * kThreads)));
    auto [outer, inner] = divideWithRest(b, number, operand.linesContiguous ? width : tile_.depth);
    Value i = b.convert(operand.linesContiguous ? inner : outer, b.i64());
    Value depth = b.convert(operand.linesContiguous ? outer : inner, b.i64());
    Value exists;
    auto within = [&](Value position, int64_t size, int64_t step) { // clamped, so that what is read is there
      if (size % step == 0) return position;
      Value inside = b.compare(CmpIPredicate::slt, position, b.index(size));
      exists = exists ? b.bitAnd(exists, inside) : inside;
      return b.min(position, b.index(size - 1));
    };
    Value line = within(b.add(firstLine, i), lines, width);
    Value at = within(b.add(firstDepth, depth), depth_, tile_.depth);
    Value value = operand.load(line, at);
    if (exists) value = b.select(exists, value, b.zeroLike(value));
    b.store(value, slab, b.f32(), b.add(b.mul(depth, b.index(stride)), i));
  }
}

/// One depth of the slabs: a column of lhs times a row of rhs.
void TiledProduct::addProducts(LaneBuilder& b, int64_t depth, Value lhs, Value rhs, Value ownRow,
                               Value ownColumn, llvm::SmallVectorImpl<Value>& sums) {
  SmallVector<Value> columns;
  for (int64_t v = 0; v < tile_.vectors(); ++v) {
    int64_t offset = depth * rhsStride() + v * tile_.threadsAcross() * kLanes;
    columns.push_back(shared_->loadLanes(rhs, b.f32(), b.add(ownColumn, b.index(offset))));
  }
  Value four;
  for (int64_t row = 0; row < tile_.threadRows; ++row) {
    Value value;
    if (tile_.threadRows % kLanes == 0) {
      Value first = b.add(ownRow, b.index(depth * lhsStride() + row));
      if (row % kLanes == 0) four = shared_->loadLanes(lhs, b.f32(), first);
      value = mlir::vector::ExtractOp::create(b.builder(), b.loc(), four, row % kLanes);
    } else {
      value = b.load(lhs, b.f32(), b.add(ownRow, b.index(depth * lhsStride() + row)));
    }
    for (int64_t v = 0; v < tile_.vectors(); ++v) {
      Value& sum = sums[row * tile_.vectors() + v];
      sum = b.fma(b.splat(value), columns[v], sum);
    }
  }
}

void TiledProduct::emit(KernelFrame& frame, Evaluator& e, llvm::function_ref<void(Value)> part,
                        const TiledOperand& lhs, const TiledOperand& rhs,
                        llvm::function_ref<void(Value, Value, Value, Value)> finish) {
  LaneBuilder& b = e.builder();
  frame.shareMultiprocessor(tile_.threadRows * tile_.threadColumns >= kManySums ? 2 : 3);
  ThreadBuilder shared(frame.opBuilder, frame.loc(), frame.entry(), /*aligned=*/true);
  shared_ = &shared;
  auto wide = [&](Value v) { return b.convert(v, b.i64()); };
  thread_ = frame.thread();
  auto [number, tile] = divideWithRest(b, frame.block(), tilesPerPart());
  part(wide(number));
  auto [tileRow, tileColumn] = divideWithRest(b, tile, tilesAcross());
  Value firstRow = b.mul(wide(tileRow), b.index(tile_.rows));
  Value firstColumn = b.mul(wide(tileColumn), b.index(tile_.columns));
  auto [down, along] = divideWithRest(b, thread_, tile_.threadsAcross());
  Value ownRow = b.mul(wide(down), b.index(tile_.threadRows)),
        ownColumn = b.mul(wide(along), b.index(kLanes));
  Value lhsSlab = frame.sharedMemory("_lhs", b.f32(), lhsStride() * tile_.depth);
  Value rhsSlab = frame.sharedMemory("_rhs", b.f32(), rhsStride() * tile_.depth);
  auto barrier = [&] { NVVM::BarrierOp::create(b.builder(), b.loc()); };

  SmallVector<Value> zeros(tile_.threadRows * tile_.vectors(), b.constant(b.lanesOf(b.f32()), 0));
  auto slabs = e.loop(b.index(0), b.index(depth_), tile_.depth, zeros, [&](Value first, ValueRange sums) {
    bringIn(e, lhs, lhsSlab, lhsStride(), tile_.rows, firstRow, lines_, first);
    bringIn(e, rhs, rhsSlab, rhsStride(), tile_.columns, firstColumn, columns_, first);
    barrier();
    SmallVector<Value> next(sums);
    for (int64_t depth = 0; depth < tile_.depth; ++depth)
      addProducts(b, depth, lhsSlab, rhsSlab, ownRow, ownColumn, next);
    barrier();
    return next;
  });

  firstLine_ = b.add(firstRow, ownRow), firstColumn_ = b.add(firstColumn, ownColumn), tileNumber_ = tile;
  forEachOwnVector(e, [&](int64_t number, Value line, Value column, Value mask) {
    finish(line, column, mask, slabs.getResult(unsigned(number)));
  });
}

void TiledProduct::forEachOwn(Evaluator& e, llvm::function_ref<void(Value, Value, Value)> body) {
  forEachOwnVector(e, [&](int64_t, Value line, Value column, Value mask) { body(line, column, mask); });
}

void TiledProduct::forEachOwnVector(Evaluator& e, OwnVector body) {
  LaneBuilder& b = e.builder();
  const int64_t whole = columns_ / kLanes * kLanes;
  for (int64_t row = 0; row < tile_.threadRows; ++row) {
    Value line = b.add(firstLine_, b.index(row));
    b.ifThen(b.compare(CmpIPredicate::slt, line, b.index(lines_)), [&] {
      e.region([&] {
        for (int64_t v = 0; v < tile_.vectors(); ++v) {
          Value column = b.add(firstColumn_, b.index(v * tile_.threadsAcross() * kLanes));
          const int64_t number = row * tile_.vectors() + v;
          if (whole > 0)
            b.ifThen(b.compare(CmpIPredicate::slt, column, b.index(whole)),
                     [&] { e.region([&] { body(number, line, column, Value()); }); });
          if (whole < columns_)
            b.ifThen(b.compare(CmpIPredicate::eq, column, b.index(whole)),
                     [&] { e.region([&] { body(number, line, column, b.prefixMask(columns_ - whole)); }); });
        }
      });
    });
  }
}

} // namespace tailor::backend::cuda
