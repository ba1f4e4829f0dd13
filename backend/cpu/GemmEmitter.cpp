#include "backend/cpu/GemmEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

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
        lanes_(b.lanes()) {
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

  Value pointerAt(Value base, Value elements) { return b_.elementPointer(base, b_.f32(), elements); }

  void emitPanel(Value panel, unsigned vectors, int64_t lastLanes, Value from, Value to) {
    Value firstColumn = b_.mul(panel, b_.index(int64_t(plan_.panelVectors) * lanes_));
    Value panelBase = rhs_;
    int64_t rowStride = problem_.n;
    if (problem_.rhsTransposed) {
      rowStride = int64_t(vectors) * lanes_;
      transposePanel(firstColumn, vectors, lastLanes);
      panelBase = scratch_;
    } else {
      panelBase = pointerAt(rhs_, firstColumn);
    }
    // The widest tile while it fits, then pairs of rows, then single ones.
    Value row = from;
    for (unsigned tileRows : {plan_.tileRows, 2u, 1u}) {
      if (tileRows > plan_.tileRows) continue;
      Value covered = b_.mul(divide(b_.sub(to, row), tileRows), b_.index(tileRows));
      Value stop = b_.add(row, covered);
      b_.loop(row, stop, tileRows, {}, [&](Value first, ValueRange) {
        emitTile(first, firstColumn, panelBase, rowStride, tileRows, vectors, lastLanes);
        return SmallVector<Value>();
      });
      row = stop;
      if (tileRows == 1 ||
          (problem_.m != GemmProblem::kRows && plan_.rowBlock % tileRows == 0 && problem_.m % tileRows == 0))
        break;
    }
  }

  void emitTile(Value firstRow, Value firstColumn, Value panelBase, int64_t rowStride, unsigned tileRows,
                unsigned vectors, int64_t lastLanes) {
    int64_t lhsRow = problem_.lhsTransposed ? 1 : problem_.k;
    int64_t lhsStep = problem_.lhsTransposed ? problem_.m : 1;
    Value lhsTile = pointerAt(lhs_, b_.mul(firstRow, b_.index(lhsRow)));
    // A transposed panel is full width and zero-filled; rows of b itself must not be read past their end.
    Value mask = lastLanes < lanes_ && !problem_.rhsTransposed ? b_.prefixMask(lastLanes) : Value();
    SmallVector<Value> carried(tileRows * vectors, b_.constant(b_.vectorOf(b_.f32()), 0));
    carried.push_back(lhsTile);
    carried.push_back(panelBase);
    auto loop = b_.loop(b_.index(0), k_, 1, carried, [&](Value, ValueRange args) {
      Value a = args[tileRows * vectors], rhs = args[tileRows * vectors + 1];
      SmallVector<Value> columns, next;
      for (unsigned v = 0; v < vectors; ++v)
        columns.push_back(
            b_.loadVector(rhs, b_.f32(), b_.index(int64_t(v) * lanes_), v + 1 == vectors ? mask : Value()));
      for (unsigned r = 0; r < tileRows; ++r) {
        Value broadcast = b_.splat(b_.load(a, b_.f32(), b_.index(r * lhsRow)));
        for (unsigned v = 0; v < vectors; ++v)
          next.push_back(b_.fma(broadcast, columns[v], args[r * vectors + v]));
      }
      next.push_back(pointerAt(a, b_.index(lhsStep)));
      next.push_back(pointerAt(rhs, b_.index(rowStride)));
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
      Value source = pointerAt(rhs_, b_.mul(b_.add(firstColumn, column), b_.index(k)));
      Value target = pointerAt(scratch_, column);
      int64_t fullK = k / lanes_ * lanes_;
      if (fullK > 0)
        b_.loop(b_.index(0), b_.index(fullK), lanes_, {}, [&](Value at, ValueRange) {
          transposeBlock(source, target, at, width, activeRows, lanes_);
          return SmallVector<Value>();
        });
      if (k > fullK) transposeBlock(source, target, b_.index(fullK), width, activeRows, k - fullK);
    };
    if (fullGroups > 0)
      b_.loop(b_.index(0), b_.index(int64_t(fullGroups) * lanes_), lanes_, {}, [&](Value column, ValueRange) {
        group(column, lanes_);
        return SmallVector<Value>();
      });
    if (fullGroups < vectors) group(b_.index(int64_t(fullGroups) * lanes_), lastLanes);
  }

  /// target[(at + i) * width + row] = source[row * k + at + i] for i < activeK, row < lanes.
  /// Quarters of rows 4q + g are gathered into 128-bit lane q by the loads, so only the transposition inside
  /// the 128-bit lanes is left to shuffles.
  void transposeBlock(Value source, Value target, Value at, int64_t width, int64_t activeRows,
                      int64_t activeK) {
    unsigned quads = lanes_ / 4;
    auto quadType = mlir::VectorType::get({4}, b_.f32());
    Value zero = b_.constant(quadType, 0);
    for (unsigned j = 0; j * 4 < activeK; ++j) {
      int64_t activeInQuad = std::min<int64_t>(4, activeK - j * 4);
      Value from = b_.add(at, b_.index(j * 4));
      SmallVector<Value> rows;
      for (unsigned g = 0; g < 4; ++g) {
        SmallVector<Value> parts;
        for (unsigned q = 0; q < quads; ++q) {
          int64_t row = 4 * q + g;
          parts.push_back(row < activeRows
                              ? loadQuad(source, b_.add(from, b_.index(row * problem_.k)), activeInQuad)
                              : zero);
        }
        rows.push_back(concatenate(parts));
      }
      SmallVector<Value> columns = transposeQuads(rows);
      for (int64_t i = 0; i < activeInQuad; ++i)
        b_.store(columns[i], target, b_.mul(b_.add(from, b_.index(i)), b_.index(width)));
    }
  }

  Value loadQuad(Value base, Value index, int64_t active) {
    auto type = mlir::VectorType::get({4}, b_.f32());
    Value place = pointerAt(base, index);
    if (active == 4) return mlir::LLVM::LoadOp::create(b_.builder(), b_.loc(), type, place, 4);
    SmallVector<bool> lanes(4);
    for (int64_t i = 0; i < 4; ++i)
      lanes[i] = i < active;
    auto maskType = mlir::VectorType::get({4}, b_.i1());
    Value mask = mlir::arith::ConstantOp::create(
        b_.builder(), b_.loc(), mlir::DenseElementsAttr::get(maskType, llvm::ArrayRef<bool>(lanes)));
    return mlir::LLVM::MaskedLoadOp::create(b_.builder(), b_.loc(), type, place, mask, b_.constant(type, 0),
                                            b_.builder().getI32IntegerAttr(4));
  }

  Value concatenate(SmallVector<Value> parts) {
    while (parts.size() > 1) {
      SmallVector<Value> wider;
      for (size_t i = 0; i < parts.size(); i += 2) {
        int64_t length = mlir::cast<mlir::VectorType>(parts[i].getType()).getDimSize(0);
        SmallVector<int64_t> identity;
        for (int64_t lane = 0; lane < 2 * length; ++lane)
          identity.push_back(lane);
        wider.push_back(shuffle(parts[i], parts[i + 1], identity));
      }
      parts = std::move(wider);
    }
    return parts[0];
  }

  /// Four vectors whose 128-bit lanes hold 4 x 4 matrices -> their transposes.
  SmallVector<Value> transposeQuads(llvm::ArrayRef<Value> r) {
    Value low01 = inLanes(r[0], r[1], {0, 4, 1, 5}), high01 = inLanes(r[0], r[1], {2, 6, 3, 7});
    Value low23 = inLanes(r[2], r[3], {0, 4, 1, 5}), high23 = inLanes(r[2], r[3], {2, 6, 3, 7});
    return {inLanes(low01, low23, {0, 1, 4, 5}), inLanes(low01, low23, {2, 3, 6, 7}),
            inLanes(high01, high23, {0, 1, 4, 5}), inLanes(high01, high23, {2, 3, 6, 7})};
  }

  /// The same shuffle in each 128-bit lane; 0..3 are elements of `a`, 4..7 of `b`.
  Value inLanes(Value a, Value b, llvm::ArrayRef<int64_t> pattern) {
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < lanes_; lane += 4)
      for (int64_t p : pattern)
        mask.push_back(p < 4 ? lane + p : lanes_ + lane + p - 4);
    return shuffle(a, b, mask);
  }

  Value shuffle(Value a, Value b, llvm::ArrayRef<int64_t> mask) {
    return mlir::vector::ShuffleOp::create(b_.builder(), b_.loc(), a, b, mask);
  }

  VectorBuilder& b_;
  const GemmProblem& problem_;
  const GemmPlan& plan_;
  Value lhs_, rhs_, scratch_, m_, k_;
  llvm::function_ref<void(const GemmTile&)> epilogue_;
  int64_t lanes_;
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
