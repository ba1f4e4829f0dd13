// A matrix product with its epilogue.
#include "backend/codegen/EvaluateOps.h"
#include "backend/cpu/kinds/GemmEmitter.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  bool isGemm = single ? *single == ir::FusionClass::Contraction : kernel.getKind() == ir::FusionKind::Gemm;
  return isGemm && tiledDot(kernel);
}

static mlir::LogicalResult emitGemmKernel(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  ir::DotOp dot = tiledDot(kernel);
  RankedTensorType lhs = tensorTypeOf(dot.getLhs()), rhs = tensorTypeOf(dot.getRhs());
  GemmProblem problem;
  problem.lhsTransposed = dot.getLhsContract()[0] == 0;
  problem.rhsTransposed = dot.getRhsContract()[0] == 1;
  problem.lhsIsBf16 = isStoredInBf16(dot.getLhs());
  problem.rhsIsBf16 = isStoredInBf16(dot.getRhs());
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
          finish(row, column, b.loadLanes(buffer, b.f32(), at));
          return SmallVector<Value>();
        });
        return SmallVector<Value>();
      });
    });
  };
  emitGemm(b, problem, plan, frame.buffer(operandInMemory(dot.getLhs()).getArgNumber()),
           frame.buffer(operandInMemory(dot.getRhs()).getArgNumber()), scratch, rows, frame.begin, frame.end,
           epilogue);
  return outcome(e, frame);
}

extern const KernelKind kGemm{"gemm", fits, emitGemmKernel};

} // namespace tailor::backend
