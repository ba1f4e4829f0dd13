// The loops of map, rows, columns, gemm and generic kernels.

#include "backend/cpu/EvaluateOps.h"
#include "backend/cpu/KernelEmitter.h"

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

mlir::LogicalResult outcome(Evaluator& e, KernelFrame& frame) {
  frame.finish();
  return mlir::failure(e.failed());
}

int64_t columnsOf(RankedTensorType type) {
  int64_t columns = 1;
  for (int64_t size : type.getShape().drop_front())
    columns *= size;
  return columns;
}

/// True if every value is lane by lane the same position of one shape, or a scalar: then the kernel is one
/// flat loop.
bool isFlat(ir::KernelOp kernel, ArrayRef<int64_t> shape) {
  auto fits = [&](Value v) {
    RankedTensorType type = tensorTypeOf(v);
    return type.getRank() == 0 || type.getShape() == shape;
  };
  for (mlir::Operation& op : kernel.getBlock()) {
    if (op.hasTrait<mlir::OpTrait::IsTerminator>()) continue;
    if (auto constant = mlir::dyn_cast<ir::ConstantOp>(op)) {
      auto elements = mlir::dyn_cast<mlir::DenseElementsAttr>(constant.getValue());
      if (!elements || !elements.isSplat()) return false;
    } else if (auto broadcast = mlir::dyn_cast<ir::BroadcastOp>(op)) {
      if (tensorTypeOf(broadcast.getOperand()).getRank() != 0) return false;
    } else if (!op.hasTrait<ir::Elementwise>()) {
      return false;
    }
    if (!llvm::all_of(op.getOperands(), fits) || !llvm::all_of(op.getResults(), fits)) return false;
  }
  return true;
}

void storeAt(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, ArrayRef<Value> pointers,
             ArrayRef<Coord> at) {
  SmallVector<Value> values;
  for (Value result : yieldedValues(kernel))
    values.push_back(e.at(result, at));
  for (auto [value, pointer, result] : llvm::zip_equal(values, pointers, yieldedValues(kernel)))
    e.store(value, pointer, tensorTypeOf(result), at);
}

/// for position in [from, to) in vectors, the last one masked.
void laneLoop(Evaluator& e, VectorBuilder& b, Value from, Value to, bool heavy,
              llvm::function_ref<void(ArrayRef<Coord>)> body) {
  int64_t lanes = b.lanes();
  auto none = [] { return SmallVector<Value>(); };
  if (heavy) { // one copy of the code, masked all the way
    e.loop(from, to, lanes, {}, [&](Value index, ValueRange) {
      Coord at = e.laneCoord(index, b.prefixMask(b.sub(to, index)));
      body(at);
      return none();
    });
    return;
  }
  Value count = b.sub(to, from);
  Value rest = b.bitAnd(count, b.index(lanes - 1));
  Value full = b.sub(to, rest);
  e.loop(from, full, lanes, {}, [&](Value index, ValueRange) {
    Coord at = e.laneCoord(index);
    body(at);
    return none();
  });
  b.ifThen(b.compare(CmpIPredicate::ne, rest, b.index(0)), [&] {
    e.region([&] {
      Coord at = e.laneCoord(full, b.prefixMask(rest));
      body(at);
    });
  });
}

/// [begin, end) in units of `block` rows, as rows; the end limited to `rows`.
std::pair<Value, Value> rowRange(VectorBuilder& b, Value begin, Value end, int64_t block, Value rows) {
  Value from = b.mul(begin, b.index(block));
  return {from, b.min(b.mul(end, b.index(block)), rows)};
}

} // namespace

mlir::LogicalResult emitMap(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  SmallVector<ResultGroup> groups = groupResults(kernel);
  RankedTensorType domain = groups.front().shape;
  for (const ResultGroup& group : groups) {
    if (group.shape.getRank() == 0 || group.shape.getDimSize(0) != domain.getDimSize(0))
      return emitGeneric(context);
    if (group.shape.getRank() > domain.getRank()) domain = group.shape;
  }
  bool lanes = lanesPassThrough(kernel);
  for (mlir::Operation& op : kernel.getBlock())
    if (mlir::isa<ir::TransposeOp, ir::ReshapeOp>(op))
      return emitGeneric(context); // rows may not be dimension 0
  bool flat = groups.size() == 1 && isFlat(kernel, domain.getShape());
  bool lanesAlongRows = groups.size() == 1 && domain.getRank() == 1 && lanes;
  bool heavy = costOf(kernel) > 12 && context.target.lanes == 16;

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, lanes);
  bindOperands(e, frame, kernel);
  int64_t columns = std::max<int64_t>(1, columnsOf(domain));
  int64_t block = std::max<int64_t>(1, 8192 / columns);
  context.info.rows = domain.getDimSize(0);
  context.info.units = {1, block};
  auto [from, to] = rowRange(b, frame.begin, frame.end, block, frame.size(0));
  if (flat || lanesAlongRows) {
    SmallVector<Value> pointers;
    for (unsigned result = 0; result < yieldedValues(kernel).size(); ++result)
      pointers.push_back(frame.buffer(resultSlot(kernel, result)));
    if (flat) {
      from = b.mul(from, b.index(columns));
      to = b.mul(to, b.index(columns));
    }
    laneLoop(e, b, from, to, heavy, [&](ArrayRef<Coord> at) { storeAt(e, frame, kernel, pointers, at); });
  } else {
    e.loop(from, to, 1, {}, [&](Value row, ValueRange) {
      Coord at = e.coord(row);
      for (const ResultGroup& group : groups)
        storeGroup(e, frame, kernel, group, {at});
      return SmallVector<Value>();
    });
  }
  return outcome(e, frame);
}

std::optional<RowTotal> rowTotalOf(Evaluator& e, mlir::OpResult result) {
  VectorBuilder& b = e.builder();
  mlir::Operation* op = result.getOwner();
  if (auto mean = mlir::dyn_cast<ir::MaskedMeanOp>(op)) {
    Value x = mean.getOperand();
    if (tensorTypeOf(x).getRank() != 1) return std::nullopt;
    auto valid = [&e, mean, x]() mutable { return validRows(e, mean.getValid(), e.extent(x, 0)); };
    return RowTotal{
        [&e, &b, x, valid](const Coord& row) mutable {
          Value value = e.at(x, {row});
          return b.select(isBelow(e, row, valid()), value, b.zeroLike(value));
        },
        [&b, valid](Value total) mutable { return b.div(total, b.toFloat(b.max(valid(), b.index(1)))); }};
  }
  if (mlir::isa<ir::ReduceSumOp, ir::ReduceMeanOp>(op) && tensorTypeOf(result).getRank() == 0) {
    Value x = op->getOperand(0);
    RankedTensorType type = tensorTypeOf(x);
    if (type.getRank() == 0 || !type.getElementType().isF32()) return std::nullopt;
    SmallVector<int64_t> inner;
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      inner.push_back(dim);
    int64_t columns = columnsOf(type);
    bool isMean = mlir::isa<ir::ReduceMeanOp>(op);
    return RowTotal{[&e, x, inner](const Coord& row) {
                      if (inner.empty()) return e.at(x, {row});
                      Coords coords(inner.size() + 1);
                      coords[0] = row;
                      return e.sum(x, inner, coords, [&](ArrayRef<Coord> at) { return e.at(x, at); });
                    },
                    [&e, &b, x, columns, isMean](Value total) {
                      if (!isMean) return total;
                      return b.div(total, b.toFloat(b.mul(e.extent(x, 0), b.index(columns))));
                    }};
  }
  return lossRowTotal(e, result);
}

/// The used rank-0 values made from values that have rows; nullopt if one of them is no sum over the rows.
static std::optional<SmallVector<mlir::OpResult>> sumsOverRows(ir::KernelOp kernel) {
  SmallVector<mlir::OpResult> totals;
  for (mlir::Operation& op : kernel.getBlock())
    for (mlir::OpResult result : op.getResults()) {
      auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
      if (tensorTypeOf(result).getRank() != 0 || result.use_empty() ||
          llvm::none_of(op.getOperands(), hasRows))
        continue;
      if (!mlir::isa<ir::MaskedMeanOp, ir::ReduceSumOp, ir::ReduceMeanOp>(op) &&
          ir::fusionClassOf(&op) != ir::FusionClass::Loss)
        return std::nullopt;
      totals.push_back(result);
    }
  return totals;
}

mlir::LogicalResult emitRows(KernelContext& context) {
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
  if (!found) return emitGeneric(context);
  SmallVector<mlir::OpResult> totals = std::move(*found);
  for (mlir::OpResult result : totals) {
    auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
    int64_t size = tensorTypeOf(*llvm::find_if(result.getOwner()->getOperands(), hasRows)).getDimSize(0);
    fits &= rows < 0 || rows == size;
    rows = size;
  }
  for (mlir::Operation& op : kernel.getBlock())
    if (mlir::isa<ir::TransposeOp>(op)) fits = false;
  if (!fits || rows < 0) return emitGeneric(context);

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
      return emitGeneric(context);
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

mlir::LogicalResult emitColumns(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  // [C] results come from reductions over the rows of [R, ..., C] values; other results have that shape.
  SmallVector<ResultGroup> groups = groupResults(kernel);
  int64_t channels = -1, rows = -1;
  bool fits = lanesPassThrough(kernel);
  auto agree = [&](int64_t& known, int64_t size) {
    fits &= known < 0 || known == size;
    known = size;
  };
  for (mlir::Operation& op : kernel.getBlock()) {
    if (mlir::isa<ir::TransposeOp, ir::ReshapeOp>(op)) fits = false;
    for (Value operand : op.getOperands())
      if (tensorTypeOf(operand).getRank() >= 2) {
        agree(rows, tensorTypeOf(operand).getDimSize(0));
        agree(channels, tensorTypeOf(operand).getShape().back());
      }
  }
  for (const ResultGroup& group : groups) {
    fits &= group.shape.getRank() >= 1;
    if (group.shape.getRank() == 1) agree(channels, group.shape.getDimSize(0));
    if (group.shape.getRank() >= 2) agree(rows, group.shape.getDimSize(0));
  }
  if (!fits || rows < 0 || channels <= 0) return emitGeneric(context);

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, true);
  Value runTimeRows = frame.size(0);
  e.setRows(runTimeRows);
  bindOperands(e, frame, kernel);
  int64_t lanes = b.lanes();
  context.info.rows = rows;
  context.info.units = {(channels + lanes - 1) / lanes, 0};
  e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
    Value first = b.mul(unit, b.index(lanes));
    bool ragged = channels % lanes != 0;
    Coord channel = e.laneCoord(first, ragged ? b.prefixMask(b.sub(b.index(channels), first)) : Value());
    for (const ResultGroup& group : groups) {
      SmallVector<Value> pointers;
      for (unsigned result : group.results)
        pointers.push_back(frame.buffer(resultSlot(kernel, result)));
      auto storeAt = [&](ArrayRef<Coord> at) {
        SmallVector<Value> values;
        for (unsigned result : group.results)
          values.push_back(e.at(yieldedValues(kernel)[result], at));
        for (auto [i, result] : llvm::enumerate(group.results))
          e.store(values[i], pointers[i], tensorTypeOf(yieldedValues(kernel)[result]), at);
      };
      std::function<void(Coords)> nest = [&](Coords coords) {
        auto dim = static_cast<int64_t>(coords.size());
        if (dim + 1 == group.shape.getRank()) {
          coords.push_back(channel);
          storeAt(coords);
          return;
        }
        Value extent = dim == 0 ? runTimeRows : b.index(group.shape.getDimSize(dim));
        e.loop(b.index(0), extent, 1, {}, [&](Value index, ValueRange) {
          Coords inner = coords;
          inner.push_back(e.coord(index));
          nest(inner);
          return SmallVector<Value>();
        });
      };
      nest({});
    }
    return SmallVector<Value>();
  });
  return outcome(e, frame);
}

mlir::LogicalResult emitGemmKernel(KernelContext& context, ir::DotOp dot) {
  ir::KernelOp kernel = context.kernel;
  RankedTensorType lhs = tensorTypeOf(dot.getLhs()), rhs = tensorTypeOf(dot.getRhs());
  GemmProblem problem;
  problem.lhsTransposed = dot.getLhsContract()[0] == 0;
  problem.rhsTransposed = dot.getRhsContract()[0] == 1;
  problem.n = rhs.getDimSize(problem.rhsTransposed ? 0 : 1);
  problem.k = lhs.getDimSize(problem.lhsTransposed ? 0 : 1);
  if (problem.lhsTransposed) {
    problem.m = lhs.getDimSize(1);
    // x^T y over a batch: the contraction runs over the rows, unless it is a stored dimension of rhs.
    if (!problem.rhsTransposed) problem.k = GemmProblem::kRows;
  }
  GemmPlan plan = planGemm(problem, context.target);
  unsigned cost = costOf(kernel);
  bool throughMemory = cost * plan.tileRows * plan.panelVectors > 400;
  uint64_t tileOffset = plan.scratchBytes / sizeof(float);
  int64_t lanes = context.target.lanes;
  context.info.rows = lhs.getDimSize(0);
  context.info.units = plan.units;
  context.info.scratchBytes =
      plan.scratchBytes + (throughMemory ? plan.tileRows * plan.panelVectors * lanes * sizeof(float) : 0);

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, true);
  bindOperands(e, frame, kernel);
  Value scratch = context.info.scratchBytes ? frame.buffer(firstExtraSlot(kernel)) : Value();
  Value rows = frame.size(0);
  SmallVector<Value> pointers;
  for (unsigned result = 0; result < yieldedValues(kernel).size(); ++result)
    pointers.push_back(frame.buffer(resultSlot(kernel, result)));
  auto finish = [&](const Coord& row, const Coord& column, Value sum) {
    Coord at[2] = {row, column};
    e.define(dot.getResult(), at, sum);
    storeAt(e, frame, kernel, pointers, at);
  };
  auto epilogue = [&](const GemmTile& tile) {
    e.region([&] {
      bool ragged = tile.lastLanes < lanes;
      if (!throughMemory) {
        for (unsigned v = 0; v < tile.vectors; ++v) {
          bool last = v + 1 == tile.vectors;
          Coord column = e.laneCoord(b.add(tile.firstColumn, b.index(int64_t(v) * lanes)),
                                     ragged && last ? b.prefixMask(tile.lastLanes) : Value());
          for (unsigned r = 0; r < tile.rows; ++r) {
            Coord row = e.coord(b.add(tile.firstRow, b.index(r)));
            finish(row, column, tile.sums[r * tile.vectors + v]);
          }
        }
        return;
      }
      // A long epilogue exists once per kind of tile and reads the sums from memory.
      Value buffer = b.elementPointer(scratch, b.f32(), b.index(int64_t(tileOffset)));
      for (auto [i, sum] : llvm::enumerate(tile.sums))
        b.store(sum, buffer, b.index(int64_t(i) * lanes));
      e.loop(b.index(0), b.index(tile.rows), 1, {}, [&](Value r, ValueRange) {
        Coord row = e.coord(b.add(tile.firstRow, r));
        e.loop(b.index(0), b.index(int64_t(tile.vectors) * lanes), lanes, {}, [&](Value offset, ValueRange) {
          Value first = b.add(tile.firstColumn, offset);
          Coord column =
              e.laneCoord(first, ragged ? b.prefixMask(b.sub(b.index(problem.n), first)) : Value());
          Value at = b.add(b.mul(r, b.index(int64_t(tile.vectors) * lanes)), offset);
          finish(row, column, b.loadVector(buffer, b.f32(), at));
          return SmallVector<Value>();
        });
        return SmallVector<Value>();
      });
    });
  };
  emitGemm(b, problem, plan, frame.buffer(mlir::cast<mlir::BlockArgument>(dot.getLhs()).getArgNumber()),
           frame.buffer(mlir::cast<mlir::BlockArgument>(dot.getRhs()).getArgNumber()), scratch, rows,
           frame.begin, frame.end, epilogue);
  return outcome(e, frame);
}

mlir::LogicalResult emitConcat(KernelContext& context, ir::ConcatOp concat) {
  ir::KernelOp kernel = context.kernel;
  RankedTensorType type = tensorTypeOf(concat.getResult());
  int64_t columns = type.getShape().back(), inner = columnsOf(type) / columns;
  int64_t block = std::max<int64_t>(1, 8192 / columnsOf(type));
  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  context.info.rows = type.getDimSize(0);
  context.info.units = {1, block};
  auto [from, to] = rowRange(b, frame.begin, frame.end, block, frame.size(0));
  Value target = frame.buffer(resultSlot(kernel, 0));
  mlir::Type element = type.getElementType();
  SmallVector<Value> sources;
  for (Value input : concat.getInputs())
    sources.push_back(frame.buffer(mlir::cast<mlir::BlockArgument>(input).getArgNumber()));
  b.loop(b.mul(from, b.index(inner)), b.mul(to, b.index(inner)), 1, {}, [&](Value row, ValueRange) {
    Value place = b.mul(row, b.index(columns));
    for (auto [input, source] : llvm::zip_equal(concat.getInputs(), sources)) {
      int64_t width = tensorTypeOf(input).getShape().back();
      Value first = b.mul(row, b.index(width));
      for (int64_t at = 0; at < width; at += b.lanes()) {
        Value mask = width - at < b.lanes() ? b.prefixMask(width - at) : Value();
        Value piece = b.loadVector(source, element, b.add(first, b.index(at)), mask);
        b.store(piece, target, b.add(place, b.index(at)), mask);
      }
      place = b.add(place, b.index(width));
    }
    return SmallVector<Value>();
  });
  frame.finish();
  return mlir::success();
}

/// True if the losses of single rows go into something over the rows that is no sum (their maximum): its lanes would
/// be rows, and a loss looks up its label one row at a time.
static bool looksAcrossRowLosses(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock())
    if (ir::fusionClassOf(&op) == ir::FusionClass::Loss && tensorTypeOf(op.getResult(0)).getRank() == 1)
      return !sumsOverRows(kernel);
  return false;
}

mlir::LogicalResult emitGeneric(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  Evaluator e(frame.b(), lanesPassThrough(kernel) && !looksAcrossRowLosses(kernel));
  bindOperands(e, frame, kernel);
  context.info.rows = 1;
  context.info.units = {1, 0};
  // Everything in one unit; an empty chunk does nothing.
  frame.b().ifThen(frame.b().compare(CmpIPredicate::slt, frame.begin, frame.end), [&] {
    e.region([&] {
      for (const ResultGroup& group : groupResults(kernel))
        storeGroup(e, frame, kernel, group, {});
    });
  });
  return outcome(e, frame);
}

} // namespace tailor::backend
