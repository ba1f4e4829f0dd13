// Work on whole rows, and sums over them: a partial sum per block of rows, added in their order.
#include "backend/codegen/LaneRules.h"
#include "backend/codegen/RowTotal.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

static mlir::LogicalResult emitRows(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  constexpr int64_t kRowBlock = 32;
  SmallVector<ResultGroup> perRow;
  SmallVector<unsigned> scalars;
  int64_t rows = -1;
  bool fits = lanesPassThrough(kernel);
  for (ResultGroup& group : groupResults(kernel)) {
    if (group.shape.getRank() == 0) {
      scalars = group.results;
      continue;
    }
    fits &= rows < 0 || rows == group.shape.getDimSize(0);
    rows = group.shape.getDimSize(0);
    perRow.push_back(std::move(group));
  }
  // The scalars that are sums over rows; other scalars may use them at the end.
  std::optional<SmallVector<mlir::OpResult>> found = sumsOverRows(kernel);
  if (!found) return emitGeneric(context, "a scalar is made from its rows by other means than a sum");
  SmallVector<mlir::OpResult> totals = std::move(*found);
  for (mlir::OpResult result : totals) {
    auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
    int64_t size = tensorTypeOf(*llvm::find_if(result.getOwner()->getOperands(), hasRows)).getDimSize(0);
    fits &= rows < 0 || rows == size;
    rows = size;
  }
  for (mlir::Operation& op : kernel.getBlock())
    if (mlir::isa<ir::TransposeOp>(op)) fits = false;
  if (!fits || rows < 0) return emitGeneric(context, "its values have different rows, or move between them");

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, true);
  Value runTimeRows = frame.size(0);
  e.setRows(runTimeRows);
  bindOperands(e, frame, kernel);
  SmallVector<RowTotal> rowTotals;
  for (mlir::OpResult result : totals) {
    std::optional<RowTotal> total = rowTotalOf(e, result);
    if (!total) {
      frame.function.erase();
      return emitGeneric(context, "a scalar is a sum over more than single rows");
    }
    rowTotals.push_back(std::move(*total));
  }
  context.info.rows = rows;
  context.info.units = {1, kRowBlock};
  if (!totals.empty())
    context.info.temporaries.push_back({"partial sums", context.info.units, totals.size() * sizeof(float)});
  Value partials = totals.empty() ? Value() : frame.buffer(firstExtraSlot(kernel));
  e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
    Value from = b.mul(unit, b.index(kRowBlock));
    Value to = b.min(b.add(from, b.index(kRowBlock)), runTimeRows);
    SmallVector<Value> zeros(totals.size(), b.constant(b.f32(), 0));
    auto loop = e.loop(from, to, 1, zeros, [&](Value row, ValueRange sums) {
      Coord at = e.coord(row);
      SmallVector<Value> next;
      for (auto [total, sum] : llvm::zip_equal(rowTotals, sums))
        next.push_back(b.add(sum, total.share(at)));
      for (const ResultGroup& group : perRow)
        storeGroup(e, frame, kernel, group, {at});
      return next;
    });
    for (unsigned i = 0; i < totals.size(); ++i)
      b.store(loop.getResult(i), partials, b.add(b.mul(unit, b.index(totals.size())), b.index(i)));
    return SmallVector<Value>();
  });

  // Adds the partials of all units in order and stores the scalar results.
  auto combine = [&](Evaluator& e, KernelFrame& frame, ArrayRef<RowTotal> finishers, Value rowsValue,
                     Value partials) {
    VectorBuilder& b = frame.b();
    Value units = mlir::arith::DivUIOp::create(b.builder(), b.loc(), b.add(rowsValue, b.index(kRowBlock - 1)),
                                               b.index(kRowBlock));
    SmallVector<Value> zeros(totals.size(), b.constant(b.f32(), 0));
    auto loop = e.loop(b.index(0), units, 1, zeros, [&](Value unit, ValueRange sums) {
      SmallVector<Value> next;
      for (unsigned i = 0; i < totals.size(); ++i) {
        Value at = b.add(b.mul(unit, b.index(totals.size())), b.index(i));
        next.push_back(b.add(sums[i], b.load(partials, b.f32(), at)));
      }
      return next;
    });
    for (auto [i, result] : llvm::enumerate(totals))
      e.define(result, {}, finishers[i].finish(loop.getResult(i)));
    for (unsigned result : scalars)
      e.store(e.at(yieldedValues(kernel)[result], {}), frame.buffer(resultSlot(kernel, result)),
              tensorTypeOf(yieldedValues(kernel)[result]), {});
  };
  if (totals.empty()) return outcome(e, frame);
  context.info.combineSymbol = context.combineSymbol;
  context.info.combinesItself = true;
  Value units = mlir::arith::DivUIOp::create(b.builder(), b.loc(), b.add(runTimeRows, b.index(kRowBlock - 1)),
                                             b.index(kRowBlock));
  Value all = b.bitAnd(b.compare(CmpIPredicate::eq, frame.begin, b.index(0)),
                       b.compare(CmpIPredicate::eq, frame.end, units));
  b.ifThen(all, [&] { e.region([&] { combine(e, frame, rowTotals, runTimeRows, partials); }); });
  if (mlir::failed(outcome(e, frame))) return mlir::failure();

  KernelFrame last(context.module, context.combineSymbol, kernel, context.target);
  Evaluator e2(last.b(), true);
  Value rows2 = last.size(0);
  e2.setRows(rows2);
  bindOperands(e2, last, kernel);
  SmallVector<RowTotal> finishers;
  for (mlir::OpResult result : totals)
    finishers.push_back(*rowTotalOf(e2, result));
  combine(e2, last, finishers, rows2, last.buffer(firstExtraSlot(kernel)));
  return outcome(e2, last);
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  if (!single) return kernel.getKind() == ir::FusionKind::Rows;
  return *single == ir::FusionClass::RowReduction || *single == ir::FusionClass::FullReduction ||
         *single == ir::FusionClass::Loss || mlir::isa<ir::LayerNormOp>(kernel.getBlock().front());
}

extern const KernelKind kRows{"rows", fits, emitRows};

} // namespace tailor::backend
