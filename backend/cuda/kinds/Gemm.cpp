// A matrix product with its epilogue: a block of 256 threads for a tile of the result, whose operands it brings into shared
// memory slab by slab; a thread has its part of the tile in registers.
#include "backend/codegen/EvaluateOps.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/ThreadBuilder.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;
namespace LLVM = mlir::LLVM;
namespace NVVM = mlir::NVVM;

namespace {

constexpr int64_t kLanes = ThreadBuilder::kLanes;

/// rows x columns of the result by a block, depth of a slab; threadRows x threadColumns by a thread, its columns in vectors of
/// four that lie one block of vectors apart, so that neighbouring threads read neighbouring vectors of shared memory.
struct Tile {
  int64_t rows, columns, depth, threadRows, threadColumns;
  int64_t vectors() const { return threadColumns / kLanes; }
  int64_t threadsAcross() const { return columns / threadColumns; }
};
/// All of 256 threads. The largest reads each operand of a multiply-add an eighth of a time from shared memory, which feeds the
/// multiply-adds of a multiprocessor at a quarter; smaller ones are for results that would leave multiprocessors without a block.
constexpr Tile kTiles[] = {{128, 128, 8, 8, 8}, {64, 64, 16, 4, 4}, {32, 32, 32, 1, 4}};
/// Blocks that give each multiprocessor of a large GPU one.
constexpr int64_t kWantedBlocks = 128;

int64_t ceilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

const Tile& tileFor(int64_t m, int64_t n) {
  for (const Tile& tile : kTiles)
    if (ceilDiv(m, tile.rows) * ceilDiv(n, tile.columns) >= kWantedBlocks) return tile;
  return kTiles[std::size(kTiles) - 1];
}

class GemmEmitter {
public:
  GemmEmitter(KernelContext& context, ir::DotOp dot) : context_(context), kernel_(context.kernel), dot_(dot) {
    RankedTensorType lhs = tensorTypeOf(dot.getLhs()), rhs = tensorTypeOf(dot.getRhs());
    lhsTransposed_ = dot.getLhsContract()[0] == 0;
    rhsTransposed_ = dot.getRhsContract()[0] == 1;
    m_ = lhs.getDimSize(lhsTransposed_ ? 1 : 0);
    k_ = lhs.getDimSize(lhsTransposed_ ? 0 : 1);
    n_ = rhs.getDimSize(rhsTransposed_ ? 0 : 1);
    tile_ = tileFor(m_, n_);
  }

  mlir::LogicalResult emit() {
    const int64_t across = ceilDiv(n_, tile_.columns), tiles = ceilDiv(m_, tile_.rows) * across;
    mlir::FailureOr<int64_t> blocks = blocksFor(context_, tiles * kThreads, kThreads);
    if (mlir::failed(blocks)) return mlir::failure();
    KernelFrame frame(context_, "", *blocks, kThreads);
    ThreadBuilder b(frame.opBuilder, frame.loc(), frame.entry(), /*aligned=*/false);
    ThreadBuilder shared(frame.opBuilder, frame.loc(), frame.entry(), /*aligned=*/true);
    Evaluator e(b, true);
    bindOperands(e, frame, kernel_);
    auto wide = [&](Value v) { return b.convert(v, b.i64()); };
    thread_ = frame.thread();
    auto [tileRow, tileColumn] = divideWithRest(b, frame.block(), across);
    Value firstRow = b.mul(wide(tileRow), b.index(tile_.rows));
    Value firstColumn = b.mul(wide(tileColumn), b.index(tile_.columns));
    auto [down, along] = divideWithRest(b, thread_, tile_.threadsAcross());
    Value ownRow = b.mul(wide(down), b.index(tile_.threadRows)),
          ownColumn = b.mul(wide(along), b.index(kLanes));
    Value lhs = sharedMemory(frame, "_lhs", lhsStride() * tile_.depth);
    Value rhs = sharedMemory(frame, "_rhs", rhsStride() * tile_.depth);

    SmallVector<Value> zeros(tile_.threadRows * tile_.vectors(), b.constant(b.lanesOf(b.f32()), 0));
    auto slabs = b.loop(b.index(0), b.index(k_), tile_.depth, zeros, [&](Value first, ValueRange sums) {
      bringIn(b, frame.pointer(argumentOf(dot_.getLhs())), lhs, lhsStride(), tile_.rows, firstRow, m_, first,
              lhsTransposed_);
      bringIn(b, frame.pointer(argumentOf(dot_.getRhs())), rhs, rhsStride(), tile_.columns, firstColumn, n_,
              first, !rhsTransposed_);
      barrier(b);
      SmallVector<Value> next(sums);
      for (int64_t depth = 0; depth < tile_.depth; ++depth)
        addProducts(b, shared, depth, lhs, rhs, ownRow, ownColumn, next);
      barrier(b);
      return next;
    });
    store(e, frame, b.add(firstRow, ownRow), b.add(firstColumn, ownColumn), slabs.getResults());
    frame.finish();
    return mlir::failure(e.failed());
  }

private:
  static int64_t argumentOf(Value operand) { return mlir::cast<mlir::BlockArgument>(operand).getArgNumber(); }
  /// Elements between two depths of a slab: four more than they hold, so that a warp that writes one line of an operand whose
  /// depth is contiguous finds other banks at every depth, and vectors stay aligned.
  int64_t lhsStride() const { return tile_.rows + 4; }
  int64_t rhsStride() const { return tile_.columns + 4; }

  Value sharedMemory(KernelFrame& frame, llvm::StringRef suffix, int64_t elements) {
    mlir::OpBuilder& ops = frame.opBuilder;
    constexpr unsigned kShared = 3;
    auto type = LLVM::LLVMArrayType::get(ops.getF32Type(), static_cast<unsigned>(elements));
    LLVM::GlobalOp memory;
    {
      mlir::OpBuilder::InsertionGuard guard(ops);
      ops.setInsertionPoint(frame.function);
      memory = LLVM::GlobalOp::create(ops, frame.loc(), type, /*isConstant=*/false, LLVM::Linkage::Internal,
                                      (frame.function.getSymName() + suffix).str(), mlir::Attribute(),
                                      /*alignment=*/16, kShared);
    }
    Value address = LLVM::AddressOfOp::create(ops, frame.loc(), memory);
    return LLVM::AddrSpaceCastOp::create(ops, frame.loc(), LLVM::LLVMPointerType::get(ops.getContext()),
                                         address);
  }

  void barrier(ThreadBuilder& b) { NVVM::BarrierOp::create(b.builder(), b.loc()); }

  /// slab[depth, i] = operand at (first line + i, first depth + depth), zero outside of it, by all threads. `lines` is how many
  /// the operand has; where they are contiguous in memory, neighbouring threads take neighbouring lines, else depths.
  void bringIn(ThreadBuilder& b, Value operand, Value slab, int64_t stride, int64_t width, Value firstLine,
               int64_t lines, Value firstDepth, bool linesContiguous) {
    for (int64_t round = 0; round < width * tile_.depth / kThreads; ++round) {
      Value number = b.add(thread_, b.constant(b.i32(), double(round * kThreads)));
      auto [outer, inner] = divideWithRest(b, number, linesContiguous ? width : tile_.depth);
      Value i = b.convert(linesContiguous ? inner : outer, b.i64());
      Value depth = b.convert(linesContiguous ? outer : inner, b.i64());
      Value line = b.add(firstLine, i), at = b.add(firstDepth, depth), exists;
      auto within = [&](Value position, int64_t size,
                        int64_t step) { // clamped, so that what is read is there
        if (size % step == 0) return position;
        Value inside = b.compare(CmpIPredicate::slt, position, b.index(size));
        exists = exists ? b.bitAnd(exists, inside) : inside;
        return b.min(position, b.index(size - 1));
      };
      line = within(line, lines, width);
      at = within(at, k_, tile_.depth);
      Value place =
          linesContiguous ? b.add(b.mul(at, b.index(lines)), line) : b.add(b.mul(line, b.index(k_)), at);
      Value value = b.load(operand, b.f32(), place);
      if (exists) value = b.select(exists, value, b.zeroLike(value));
      b.store(value, slab, b.f32(), b.add(b.mul(depth, b.index(stride)), i));
    }
  }

  /// One depth of the slabs: a column of lhs times a row of rhs.
  void addProducts(ThreadBuilder& b, ThreadBuilder& shared, int64_t depth, Value lhs, Value rhs, Value ownRow,
                   Value ownColumn, llvm::SmallVectorImpl<Value>& sums) {
    SmallVector<Value> columns;
    for (int64_t v = 0; v < tile_.vectors(); ++v) {
      int64_t offset = depth * rhsStride() + v * tile_.threadsAcross() * kLanes;
      columns.push_back(shared.loadLanes(rhs, b.f32(), b.add(ownColumn, b.index(offset))));
    }
    for (int64_t row = 0; row < tile_.threadRows; ++row) {
      Value first = b.add(ownRow, b.index(depth * lhsStride() + row / kLanes * kLanes));
      Value value;
      if (tile_.threadRows % kLanes == 0) {
        if (row % kLanes == 0) lhsRows_ = shared.loadLanes(lhs, b.f32(), first);
        value = mlir::vector::ExtractOp::create(b.builder(), b.loc(), lhsRows_, row % kLanes);
      } else {
        value = b.load(lhs, b.f32(), b.add(first, b.index(row % kLanes)));
      }
      for (int64_t v = 0; v < tile_.vectors(); ++v) {
        Value& sum = sums[row * tile_.vectors() + v];
        sum = b.fma(b.splat(value), columns[v], sum);
      }
    }
  }

  void store(Evaluator& e, KernelFrame& frame, Value firstRow, Value firstColumn, ValueRange sums) {
    LaneBuilder& b = e.builder();
    SmallVector<ResultGroup> groups = groupResults(kernel_);
    for (int64_t row = 0; row < tile_.threadRows; ++row) {
      Value at = b.add(firstRow, b.index(row));
      b.ifThen(b.compare(CmpIPredicate::slt, at, b.index(m_)), [&] {
        e.region([&] {
          Coord rowCoord = e.coord(at);
          for (int64_t v = 0; v < tile_.vectors(); ++v) {
            Value column = b.add(firstColumn, b.index(v * tile_.threadsAcross() * kLanes));
            auto finish = [&](Coord columnCoord) {
              Coord coords[2] = {rowCoord, columnCoord};
              e.define(dot_.getResult(), coords, sums[unsigned(row * tile_.vectors() + v)]);
              for (const ResultGroup& group : groups)
                storeAt(e, frame, kernel_, group, coords);
            };
            const int64_t whole = n_ / kLanes * kLanes;
            if (whole > 0)
              b.ifThen(b.compare(CmpIPredicate::slt, column, b.index(whole)),
                       [&] { e.region([&] { finish(e.laneCoord(column)); }); });
            if (whole < n_)
              b.ifThen(b.compare(CmpIPredicate::eq, column, b.index(whole)),
                       [&] { e.region([&] { finish(e.laneCoord(column, b.prefixMask(n_ - whole))); }); });
          }
        });
      });
    }
  }

  KernelContext& context_;
  ir::KernelOp kernel_;
  ir::DotOp dot_;
  bool lhsTransposed_ = false, rhsTransposed_ = false;
  int64_t m_ = 0, n_ = 0, k_ = 0;
  Tile tile_{};
  Value thread_;  ///< i32
  Value lhsRows_; ///< four rows of lhs at the current depth
};

mlir::LogicalResult emit(KernelContext& context) {
  return GemmEmitter(context, tiledDot(context.kernel)).emit();
}

bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  bool isGemm = single ? *single == ir::FusionClass::Contraction : kernel.getKind() == ir::FusionKind::Gemm;
  return isGemm && tiledDot(kernel);
}

} // namespace

extern const KernelKind kGemm{"gemm", fits, emit};

} // namespace tailor::backend::cuda
