#include "backend/cpu/kinds/GemmEmitter.h"

#include "backend/cpu/vector/TransposeBlock.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

int64_t ceilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

class Gemm {
public:
  Gemm(VectorBuilder& b, const GemmProblem& problem, const GemmPlan& plan, Value lhs, Value rhs,
       Value scratch, Value rows, llvm::function_ref<void(const GemmTile&)> epilogue)
      : b_(b), problem_(problem), plan_(plan), lhs_(lhs), rhs_(rhs), scratch_(scratch), epilogue_(epilogue),
        lanes_(b.lanes()), lhsElement_(elementOf(b, problem.lhsIsBf16)),
        rhsElement_(elementOf(b, problem.rhsIsBf16)) {
    m_ = problem.m == GemmProblem::kRows ? rows : b.index(problem.m);
    k_ = problem.k == GemmProblem::kRows ? rows : b.index(problem.k);
  }

  void emit(Value begin, Value end) {
    b_.loop(begin, end, 1, {}, [&](Value unit, ValueRange) {
      Value panels = b_.index(plan_.panels);
      Value block = divide(unit, plan_.panels);
      Value panel = b_.sub(unit, b_.mul(block, panels));
      Value from = b_.mul(block, b_.index(plan_.rowBlock));
      Value to = b_.min(b_.add(from, b_.index(plan_.rowBlock)), m_);
      int64_t columns = int64_t(plan_.panelVectors) * lanes_;
      int64_t full = problem_.n / columns, rest = problem_.n % columns;
      auto fullPanel = [&] { emitPanel(panel, plan_.panelVectors, lanes_, from, to); };
      auto lastPanel = [&] {
        emitPanel(panel, ceilDiv(rest, lanes_), rest % lanes_ ? rest % lanes_ : lanes_, from, to);
      };
      if (rest == 0) {
        fullPanel();
      } else if (full == 0) {
        lastPanel();
      } else {
        b_.ifThen(b_.compare(CmpIPredicate::slt, panel, b_.index(full)), fullPanel);
        b_.ifThen(b_.compare(CmpIPredicate::eq, panel, b_.index(full)), lastPanel);
      }
      return SmallVector<Value>();
    });
  }

private:
  Value divide(Value a, int64_t by) {
    return by == 1 ? a : mlir::arith::DivUIOp::create(b_.builder(), b_.loc(), a, b_.index(by));
  }

  static mlir::Type elementOf(VectorBuilder& b, bool isBf16) {
    return isBf16 ? mlir::Type(b.builder().getBF16Type()) : b.f32();
  }

  void emitPanel(Value panel, unsigned vectors, int64_t lastLanes, Value from, Value to) {
    Value firstColumn = b_.mul(panel, b_.index(int64_t(plan_.panelVectors) * lanes_));
    Value panelBase = rhs_;
    mlir::Type panelElement = rhsElement_;
    int64_t rowStride = problem_.n;
    if (problem_.rhsTransposed) {
      rowStride = int64_t(vectors) * lanes_;
      transposePanel(firstColumn, vectors, lastLanes);
      panelBase = scratch_;
      panelElement = b_.f32();
    } else {
      panelBase = b_.elementPointer(rhs_, rhsElement_, firstColumn);
    }
    // The widest tile while it fits, then pairs of rows, then single ones.
    Value row = from;
    for (unsigned tileRows : {plan_.tileRows, 2u, 1u}) {
      if (tileRows > plan_.tileRows) continue;
      Value covered = b_.mul(divide(b_.sub(to, row), tileRows), b_.index(tileRows));
      Value stop = b_.add(row, covered);
      b_.loop(row, stop, tileRows, {}, [&](Value first, ValueRange) {
        emitTile(first, firstColumn, panelBase, panelElement, rowStride, tileRows, vectors, lastLanes);
        return SmallVector<Value>();
      });
      row = stop;
      if (tileRows == 1 ||
          (problem_.m != GemmProblem::kRows && plan_.rowBlock % tileRows == 0 && problem_.m % tileRows == 0))
        break;
    }
  }

  void emitTile(Value firstRow, Value firstColumn, Value panelBase, mlir::Type panelElement,
                int64_t rowStride, unsigned tileRows, unsigned vectors, int64_t lastLanes) {
    int64_t lhsRow = problem_.lhsTransposed ? 1 : problem_.k;
    int64_t lhsStep = problem_.lhsTransposed ? problem_.m : 1;
    Value lhsTile = b_.elementPointer(lhs_, lhsElement_, b_.mul(firstRow, b_.index(lhsRow)));
    // A transposed panel is full width and zero-filled; rows of b itself must not be read past their end.
    Value mask = lastLanes < lanes_ && !problem_.rhsTransposed ? b_.prefixMask(lastLanes) : Value();
    SmallVector<Value> carried(tileRows * vectors, b_.constant(b_.lanesOf(b_.f32()), 0));
    carried.push_back(lhsTile);
    carried.push_back(panelBase);
    auto loop = b_.loop(b_.index(0), k_, 1, carried, [&](Value, ValueRange args) {
      Value a = args[tileRows * vectors], rhs = args[tileRows * vectors + 1];
      SmallVector<Value> columns, next;
      for (unsigned v = 0; v < vectors; ++v)
        columns.push_back(b_.loadLanes(rhs, panelElement, b_.index(int64_t(v) * lanes_),
                                       v + 1 == vectors ? mask : Value()));
      for (unsigned r = 0; r < tileRows; ++r) {
        Value broadcast = b_.splat(b_.load(a, lhsElement_, b_.index(r * lhsRow)));
        for (unsigned v = 0; v < vectors; ++v)
          next.push_back(b_.fma(broadcast, columns[v], args[r * vectors + v]));
      }
      next.push_back(b_.elementPointer(a, lhsElement_, b_.index(lhsStep)));
      next.push_back(b_.elementPointer(rhs, panelElement, b_.index(rowStride)));
      return next;
    });
    GemmTile tile{firstRow, firstColumn, tileRows, vectors, lastLanes, {}};
    for (unsigned i = 0; i < tileRows * vectors; ++i)
      tile.sums.push_back(loop.getResult(i));
    epilogue_(tile);
  }

  /// scratch[k, j] = rhs[firstColumn + j, k] for one panel; missing rows of rhs become zero.
  void transposePanel(Value firstColumn, unsigned vectors, int64_t lastLanes) {
    int64_t k = problem_.k, width = int64_t(vectors) * lanes_;
    unsigned fullGroups = lastLanes < lanes_ ? vectors - 1 : vectors;
    auto group = [&](Value column, int64_t activeRows) { // `lanes` rows of rhs from firstColumn + column
      Value source = b_.elementPointer(rhs_, rhsElement_, b_.mul(b_.add(firstColumn, column), b_.index(k)));
      Value target = b_.elementPointer(scratch_, b_.f32(), column);
      TransposedMemory memory{source, target, k, width, rhsElement_};
      int64_t fullK = k / lanes_ * lanes_;
      if (fullK > 0)
        b_.loop(b_.index(0), b_.index(fullK), lanes_, {}, [&](Value at, ValueRange) {
          transposeBlock(b_, memory, at, activeRows, lanes_);
          return SmallVector<Value>();
        });
      if (k > fullK) transposeBlock(b_, memory, b_.index(fullK), activeRows, k - fullK);
    };
    if (fullGroups > 0)
      b_.loop(b_.index(0), b_.index(int64_t(fullGroups) * lanes_), lanes_, {}, [&](Value column, ValueRange) {
        group(column, lanes_);
        return SmallVector<Value>();
      });
    if (fullGroups < vectors) group(b_.index(int64_t(fullGroups) * lanes_), lastLanes);
  }

  VectorBuilder& b_;
  const GemmProblem& problem_;
  const GemmPlan& plan_;
  Value lhs_, rhs_, scratch_, m_, k_;
  llvm::function_ref<void(const GemmTile&)> epilogue_;
  int64_t lanes_;
  mlir::Type lhsElement_, rhsElement_;
};

} // namespace

GemmPlan planGemm(const GemmProblem& problem, const CpuTarget& target) {
  GemmPlan plan;
  int64_t lanes = target.lanes, vectors = ceilDiv(problem.n, lanes);
  bool wide = target.registers >= 32;
  // 24 (12) accumulators of 32 (16) registers; narrow results get more rows instead.
  plan.panelVectors = static_cast<unsigned>(std::min<int64_t>(vectors, wide ? 4 : 2));
  plan.tileRows = plan.panelVectors >= (wide ? 4u : 2u) ? 6 : 8;
  if (!wide && plan.panelVectors == 1) plan.tileRows = 8;
  plan.panels = ceilDiv(vectors, plan.panelVectors);
  if (problem.m == GemmProblem::kRows) {
    plan.rowBlock = 96; // a multiple of every tileRows
    plan.units = {plan.panels, plan.rowBlock};
  } else {
    // Avoid a remainder when a slightly smaller tile divides the rows.
    for (unsigned tileRows : {plan.tileRows, 5u, 4u})
      if (problem.m % tileRows == 0) {
        plan.tileRows = tileRows;
        break;
      }
    plan.rowBlock = plan.tileRows * 8;
    plan.units = {plan.panels * ceilDiv(problem.m, plan.rowBlock), 0};
  }
  if (problem.rhsTransposed)
    plan.scratchBytes = static_cast<uint64_t>(problem.k) * plan.panelVectors * lanes * sizeof(float);
  return plan;
}

void emitGemm(VectorBuilder& b, const GemmProblem& problem, const GemmPlan& plan, Value lhs, Value rhs,
              Value scratch, Value rows, Value begin, Value end,
              llvm::function_ref<void(const GemmTile&)> epilogue) {
  Gemm(b, problem, plan, lhs, rhs, scratch, rows, epilogue).emit(begin, end);
}

} // namespace tailor::backend
