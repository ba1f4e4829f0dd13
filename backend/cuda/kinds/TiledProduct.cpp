#include "backend/cuda/kinds/TiledProduct.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

constexpr int64_t kLanes = ThreadBuilder::kLanes;

/// All of 256 threads, the largest first; smaller ones are for results that would leave multiprocessors without a block.
constexpr Tile kTiles[] = {{128, 128, 8}, {64, 64, 16}, {32, 32, 32}};
/// Rows and columns of a thread. The largest tile reads each operand of a multiply-add an eighth of a time from shared memory, which
/// feeds the multiply-adds of a multiprocessor at a quarter.
constexpr std::pair<int64_t, int64_t> kThreadTiles[] = {{8, 8}, {4, 4}, {1, 4}};
/// Of tensor cores: one of their instructions on bf16 deep, two where that leaves a thread few loads; of tf32 an instruction takes half as
/// much. The places that a thread loads from stay
/// in registers, and 16 a slab beside 64 sums would spill.
constexpr Tile kTensorTiles[] = {{128, 128, 16}, {64, 64, 16}, {32, 32, 32}};
/// From so many sums a thread needs nearly 128 registers, of which a multiprocessor has them for two blocks. The smaller tiles do
/// with 80, three blocks, whatever is fused into their loads and stores; 64 would spill in some.
constexpr int64_t kManySums = 64;
/// Blocks that give each multiprocessor of a large GPU one.
constexpr int64_t kWantedBlocks = 128;

size_t tileFor(int64_t lines, int64_t columns, int64_t parts) {
  auto ceilDiv = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  for (auto [i, tile] : llvm::enumerate(kTiles))
    // A tile that is mostly beyond the result computes nothing.
    if (2 * columns > tile.columns && 2 * lines > tile.rows &&
        ceilDiv(lines, tile.rows) * ceilDiv(columns, tile.columns) * parts >= kWantedBlocks)
      return i;
  return std::size(kTiles) - 1;
}

} // namespace

Factors factorsOf(llvm::ArrayRef<Value> operands) {
  if (llvm::all_of(operands, isNumberOfBf16)) return Factors::bf16;
  return llvm::all_of(operands, isRoundedToTf32) ? Factors::tf32 : Factors::f32;
}

TiledProduct::TiledProduct(int64_t lines, int64_t columns, int64_t depth, int64_t parts, Factors factors)
    : lines_(lines), columns_(columns), depth_(depth), parts_(parts) {
  const size_t size = tileFor(lines, columns, parts);
  slabs_ = factors != Factors::f32
               ? tensorCoreProduct(kTensorTiles[size], factors)
               : multiplyAddProduct(kTiles[size], kThreadTiles[size].first, kThreadTiles[size].second);
}

/// A slab gets the operand at (first line + i, first depth + depth), zero outside of it, by all threads. Neighbouring threads
/// take what neighbours in memory.
void TiledProduct::bringIn(Evaluator& e, const TiledOperand& operand, Value slab, int64_t width,
                           Value firstLine, int64_t lines, Value firstDepth) {
  LaneBuilder& b = e.builder();
  const int64_t slabDepth = slabs_->tile().depth;
  for (int64_t round = 0; round < width * slabDepth / kThreads; ++round) {
    Value number = b.add(thread_, b.constant(b.i32(), double(round * kThreads)));
    auto [outer, inner] = divideWithRest(b, number, operand.linesContiguous ? width : slabDepth);
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
    Value at = within(b.add(firstDepth, depth), depth_, slabDepth);
    Value value = operand.load(line, at);
    if (exists) value = b.select(exists, value, b.zeroLike(value));
    slabs_->put(b, value, slab, width, i, depth);
  }
}

void TiledProduct::emit(KernelFrame& frame, Evaluator& e, llvm::function_ref<void(Value)> part,
                        const TiledOperand& lhs, const TiledOperand& rhs,
                        llvm::function_ref<void(Value, Value, Value, Value)> finish) {
  LaneBuilder& b = e.builder();
  const Tile& size = slabs_->tile();
  frame.shareMultiprocessor(slabs_->numSums() >= kManySums ? 2 : 3);
  frame.useTensorCores(slabs_->tensorCores());
  auto wide = [&](Value v) { return b.convert(v, b.i64()); };
  thread_ = frame.thread();
  auto [number, tile] = divideWithRest(b, frame.block(), tilesPerPart());
  part(wide(number));
  auto [tileRow, tileColumn] = divideWithRest(b, tile, tilesAcross());
  tileNumber_ = tile;
  firstRow_ = b.mul(wide(tileRow), b.index(size.rows));
  firstColumn_ = b.mul(wide(tileColumn), b.index(size.columns));
  slabs_->begin(b, thread_);
  Value lhsSlab = frame.sharedMemory("_lhs", b.f32(), slabs_->words(size.rows));
  Value rhsSlab = frame.sharedMemory("_rhs", b.f32(), slabs_->words(size.columns));

  auto slabs =
      e.loop(b.index(0), b.index(depth_), size.depth, slabs_->zeros(b), [&](Value first, ValueRange sums) {
        bringIn(e, lhs, lhsSlab, size.rows, firstRow_, lines_, first);
        bringIn(e, rhs, rhsSlab, size.columns, firstColumn_, columns_, first);
        frame.barrier();
        SmallVector<Value> next(sums);
        slabs_->add(b, lhsSlab, rhsSlab, next);
        frame.barrier();
        return next;
      });

  const SmallVector<Value> vectors = slabs_->vectors(b, slabs.getResults());
  forEachOwnVector(e, [&](int64_t number, Value line, Value column, Value mask) {
    finish(line, column, mask, vectors[number]);
  });
}

void TiledProduct::forEachOwn(Evaluator& e, llvm::function_ref<void(Value, Value, Value)> body) {
  forEachOwnVector(e, [&](int64_t, Value line, Value column, Value mask) { body(line, column, mask); });
}

void TiledProduct::forEachOwnVector(Evaluator& e, OwnVector body) {
  LaneBuilder& b = e.builder();
  const int64_t whole = columns_ / kLanes * kLanes;
  for (int64_t row = 0; row < slabs_->numLines(); ++row) {
    Value line = b.add(firstRow_, slabs_->line(b, row));
    b.ifThen(b.compare(CmpIPredicate::slt, line, b.index(lines_)), [&] {
      e.region([&] {
        for (int64_t v = 0; v < slabs_->numVectors(); ++v) {
          Value column = b.add(firstColumn_, slabs_->column(b, v));
          const int64_t number = row * slabs_->numVectors() + v;
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
