// Rows of random numbers, written to memory: all four words of every block, which readers along other loops could not use.
#include "backend/cpu/kinds/Draws.h"

#include "backend/codegen/EvaluateOps.h"
#include "backend/codegen/Philox.h"
#include "backend/cpu/kinds/KernelEmitter.h"
#include "runtime/base/philox.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;

void forEachBlockVector(VectorBuilder& b, const std::array<Value, 5>& key, Value row, int64_t columns,
                        llvm::function_ref<void(const BlockVector&)> body) {
  constexpr int64_t kRun = runtime::kWordRun, kAll = runtime::kBlockRun;
  const int64_t lanes = b.lanes();
  assert(kRun % lanes == 0 && "a vector of blocks is a vector of neighbours");
  Value position = b.add(key[0], b.convert(row, b.i32()));
  // The elements from `first` on, a multiple of kAll, that share kRun blocks.
  auto emitRun = [&](Value first, int64_t active) {
    Value firstBlock = b.convert(b.shiftRight(first, 2), b.i32()); // first / kAll * kRun
    for (int64_t lane = 0; lane < std::min(kRun, active); lane += lanes) {
      Value blocks = b.add(b.splat(b.add(firstBlock, b.constant(b.i32(), double(lane)))), b.laneNumbers());
      Value counter[4] = {blocks, position, key[1], key[2]};
      BlockVector drawn{emitPhilox(b, counter, {key[3], key[4]}), {}, {}};
      for (int64_t at = lane; at < active; at += kRun) {
        drawn.columns.push_back(b.add(first, b.index(at)));
        drawn.masks.push_back(active - at < lanes ? b.prefixMask(active - at) : Value());
      }
      body(drawn);
    }
  };
  const int64_t full = columns / kAll * kAll;
  if (full > 0)
    b.loop(b.index(0), b.index(full), kAll, {}, [&](Value first, ValueRange) {
      emitRun(first, kAll);
      return SmallVector<Value>();
    });
  if (full < columns) emitRun(b.index(full), columns - full);
}

static bool fits(ir::KernelOp kernel) {
  return singleClass(kernel) == ir::FusionClass::Other &&
         mlir::isa<ir::RandomUniformOp, ir::RandomNormalOp, ir::BernoulliOp>(kernel.getBlock().front());
}

static mlir::LogicalResult emitDraws(KernelContext& context) {
  ir::KernelOp kernel = context.kernel;
  mlir::Operation* draw = &kernel.getBlock().front();
  RankedTensorType type = tensorTypeOf(draw->getResult(0));
  const int64_t columns = columnsOf(type), block = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, columns));
  context.info.rows = type.getDimSize(0);
  context.info.units = {1, block};
  // Ten rounds of two products, two shifts and four xors make four words.
  context.info.flops += 20 * static_cast<uint64_t>(type.getNumElements());

  KernelFrame frame(context.module, context.symbol, kernel, context.target);
  VectorBuilder& b = frame.b();
  Evaluator e(b, true);
  bindOperands(e, frame, kernel);
  const std::array<Value, 5> key = keyWords(e, draw->getOperand(0));
  Value target = frame.buffer(resultSlot(kernel, 0));
  auto [from, to] = rowRange(b, frame.begin, frame.end, block, frame.size(0));
  b.loop(from, to, 1, {}, [&](Value row, ValueRange) {
    Value base = b.mul(row, b.index(columns));
    forEachBlockVector(b, key, row, columns, [&](const BlockVector& drawn) {
      SmallVector<Value, 4> values =
          drawnValues(b, draw, drawn.words, static_cast<unsigned>(drawn.columns.size()));
      for (auto [value, column, mask] : llvm::zip_equal(values, drawn.columns, drawn.masks))
        b.storeLanes(value, target, type.getElementType(), b.add(base, column), mask);
    });
    return SmallVector<Value>();
  });
  return outcome(e, frame);
}

extern const KernelKind kDraws{"draws", fits, emitDraws};

} // namespace tailor::backend
