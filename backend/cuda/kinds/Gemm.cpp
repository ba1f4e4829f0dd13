// A matrix product with its epilogue.
#include "backend/codegen/EvaluateOps.h"
#include "backend/cuda/kinds/TiledProduct.h"

namespace tailor::backend::cuda {

using mlir::RankedTensorType;
using mlir::Value;

static mlir::LogicalResult emit(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  ir::DotOp dot = tiledDot(kernel);
  RankedTensorType lhs = tensorTypeOf(dot.getLhs()), rhs = tensorTypeOf(dot.getRhs());
  const bool lhsTransposed = dot.getLhsContract()[0] == 0, rhsTransposed = dot.getRhsContract()[0] == 1;
  const int64_t m = lhs.getDimSize(lhsTransposed ? 1 : 0), k = lhs.getDimSize(lhsTransposed ? 0 : 1);
  const int64_t n = rhs.getDimSize(rhsTransposed ? 0 : 1);
  TiledProduct product(m, n, k, 1, factorsOf({dot.getLhs(), dot.getRhs()}));
  mlir::FailureOr<int64_t> blocks = blocksFor(context, product.blocks() * kThreads, kThreads);
  if (mlir::failed(blocks)) return mlir::failure();

  KernelFrame frame(context, "", *blocks, kThreads);
  ThreadBuilder b(frame.opBuilder, frame.loc(), frame.entry());
  Evaluator e(b, true);
  bindOperands(e, frame, kernel);
  auto operand = [&](Value tensor, int64_t lines, bool linesContiguous) {
    Value stored = operandInMemory(tensor), memory = e.memoryOf(stored);
    mlir::Type element = tensorTypeOf(stored).getElementType();
    const bool isRounded = isRoundedToTf32(tensor);
    return TiledOperand{[&b, memory, element, lines, k, linesContiguous, isRounded](Value line, Value depth) {
                          Value place = linesContiguous ? b.add(b.mul(depth, b.index(lines)), line)
                                                        : b.add(b.mul(line, b.index(k)), depth);
                          Value value = b.load(memory, element, place);
                          return isRounded ? b.roundToTf32(value) : value;
                        },
                        linesContiguous};
  };
  llvm::SmallVector<ResultGroup> groups = groupResults(kernel);
  product.emit(
      frame, e, [](Value) {}, operand(dot.getLhs(), m, lhsTransposed),
      operand(dot.getRhs(), n, !rhsTransposed),
      [&](Value row, Value column, Value mask, Value sums) {
        Coord at[2] = {e.coord(row), e.laneCoord(column, mask, ThreadBuilder::kLanes)};
        e.define(dot.getResult(), at, sums);
        for (const ResultGroup& group : groups)
          storeAt(e, frame, kernel, group, at);
      });
  frame.finish();
  return mlir::failure(e.failed());
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  bool isGemm = single ? *single == ir::FusionClass::Contraction : kernel.getKind() == ir::FusionKind::Gemm;
  return isGemm && tiledDot(kernel);
}

extern const KernelKind kGemm{"gemm", fits, emit};

} // namespace tailor::backend::cuda
