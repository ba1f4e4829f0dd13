// Work on whole rows, a warp for each: its columns are the lanes. Sums over rows are made of a number per row, which a last
// warp adds in an order that the number of rows decides.
#include "backend/codegen/EvaluateOps.h"
#include "backend/codegen/LaneRules.h"
#include "backend/codegen/RowTotal.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/WarpBuilder.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

class RowsEmitter {
public:
  explicit RowsEmitter(KernelContext& context) : context_(context), kernel_(context.kernel) {}

  mlir::LogicalResult emit() {
    if (const char* why = split()) return emitPositions(context_, why);
    mlir::FailureOr<int64_t> blocks = blocksFor(context_, rows_ * WarpBuilder::kLanes, kThreads);
    if (mlir::failed(blocks)) return mlir::failure();
    if (!totals_.empty())
      context_.info.temporaries.push_back({"partial sums", uint64_t(rows_) * totals_.size() * sizeof(float)});
    return emitRows(*blocks);
  }

private:
  /// Sorts the results; why the rows are not what the kernel is made of, or null.
  const char* split() {
    bool fits = lanesPassThrough(kernel_);
    auto agree = [&](int64_t size) {
      fits &= rows_ < 0 || rows_ == size;
      rows_ = size;
    };
    for (ResultGroup& group : groupResults(kernel_)) {
      if (group.shape.getRank() == 0) {
        scalars_ = group;
        continue;
      }
      agree(group.shape.getDimSize(0));
      perRow_.push_back(std::move(group));
    }
    std::optional<SmallVector<mlir::OpResult>> found = sumsOverRows(kernel_);
    if (!found) return "a scalar is made from its rows by other means than a sum";
    totals_ = std::move(*found);
    if (totals_.empty() && !scalars_.results.empty()) return "a scalar is made of no rows";
    for (mlir::OpResult result : totals_) {
      auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
      agree(tensorTypeOf(*llvm::find_if(result.getOwner()->getOperands(), hasRows)).getDimSize(0));
    }
    for (mlir::Operation& op : kernel_.getBlock())
      fits &= !mlir::isa<ir::TransposeOp>(op);
    if (!fits || rows_ < 0) return "its values have different rows, or move between them";
    return nullptr;
  }

  mlir::LogicalResult emitRows(int64_t blocks) {
    KernelFrame frame(context_, "", blocks, kThreads);
    WarpBuilder b(frame.opBuilder, frame.loc(), frame.entry(), frame.lane());
    Evaluator e(b, true);
    bindOperands(e, frame, kernel_);
    SmallVector<RowTotal> shares;
    for (mlir::OpResult result : totals_) {
      std::optional<RowTotal> total = rowTotalOf(e, result);
      if (!total) {
        frame.function.erase();
        context_.info.functions.clear();
        context_.info.temporaries.clear();
        totals_.clear();
        return emitPositions(context_, "a scalar is a sum over more than single rows");
      }
      shares.push_back(std::move(*total));
    }
    Value row = b.convert(frame.globalWarp(), b.i64());
    // The same in all lanes, so that they stay together.
    b.ifThen(b.compare(CmpIPredicate::slt, row, b.index(rows_)), [&] {
      e.region([&] {
        Coord at = e.coord(row);
        for (auto [i, total] : llvm::enumerate(shares)) {
          Value place = b.add(b.mul(row, b.index(int64_t(totals_.size()))), b.index(int64_t(i)));
          b.store(total.share(at), frame.temporary(0), b.f32(), place);
        }
        for (const ResultGroup& group : perRow_)
          e.forEachPosition(group.shape, {at},
                            [&](llvm::ArrayRef<Coord> coords) { storeAt(e, frame, kernel_, group, coords); });
      });
    });
    if (!totals_.empty())
      frame.inLastBlock(e, b.constant(b.i32(), 0), 1, blocks, [&] {
        b.ifThen(b.compare(CmpIPredicate::eq, frame.warp(), b.constant(b.i32(), 0)),
                 [&] { e.region([&] { addTotals(e, b, frame); }); });
      });
    frame.finish();
    return mlir::failure(e.failed());
  }

  /// By one warp: lane l adds the rows l, l + 32, ..., then the lanes meet.
  void addTotals(Evaluator& e, WarpBuilder& b, KernelFrame& frame) {
    int64_t width = int64_t(totals_.size());
    Value lane = b.convert(frame.lane(), b.i64());
    SmallVector<Value> zeros(totals_.size(), b.constant(b.f32(), 0));
    auto sums =
        b.loop(b.index(0), b.index(rows_), WarpBuilder::kLanes, zeros, [&](Value first, ValueRange sums) {
          Value exists = b.compare(CmpIPredicate::slt, b.add(first, lane), b.index(rows_));
          SmallVector<Value> next;
          for (int64_t i = 0; i < width; ++i) {
            Value offsets = b.add(b.mul(lane, b.index(width)), b.index(i));
            Value share =
                b.gather(frame.temporary(0), b.f32(), b.mul(first, b.index(width)), offsets, exists);
            next.push_back(b.select(exists, b.add(sums[unsigned(i)], share), sums[unsigned(i)]));
          }
          return next;
        });
    for (auto [i, result] : llvm::enumerate(totals_)) {
      Value sum = b.foldLanes(sums.getResult(unsigned(i)), [&](Value x, Value y) { return b.add(x, y); });
      e.define(result, {}, rowTotalOf(e, result)->finish(sum));
    }
    storeAt(e, frame, kernel_, scalars_, {});
  }

  KernelContext& context_;
  ir::KernelOp kernel_;
  SmallVector<ResultGroup> perRow_;
  ResultGroup scalars_;
  SmallVector<mlir::OpResult> totals_; ///< sums over rows; other scalars may use them at the end
  int64_t rows_ = -1;
};

mlir::LogicalResult emit(KernelContext& context) {
  return RowsEmitter(context).emit();
}

bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  if (!single) return kernel.getKind() == ir::FusionKind::Rows;
  return *single == ir::FusionClass::RowReduction || *single == ir::FusionClass::FullReduction ||
         *single == ir::FusionClass::Loss || *single == ir::FusionClass::LayerNorm;
}

} // namespace

extern const KernelKind kRows{"rows", fits, emit};

} // namespace tailor::backend::cuda
