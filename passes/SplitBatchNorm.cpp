// Batch norms over images as statistics, arithmetic on vectors and a map. See Passes.td.
#include "ir/OpIds.h"
#include "ir/ops/GradBuilder.h"
#include "ir/Tailor.h"
#include "passes/MergeEqual.h"
#include "passes/Passes.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_SPLITBATCHNORMPASS
#include "passes/Passes.h.inc"
namespace {

using ir::GradBuilder;

/// M: valid rows, at least 1 and at most all, times the positions of a row; everywhere in a [C] vector.
Value elementsPerChannel(GradBuilder& b, Value input, Value valid, RankedTensorType channels) {
  ArrayRef<int64_t> shape = ir::tensorType(input).getShape();
  int64_t positions = 1;
  for (int64_t size : shape.drop_front().drop_back())
    positions *= size;
  if (!valid) return b.fill(channels, static_cast<double>(std::max<int64_t>(shape.front(), 1) * positions));
  Value rows = b.create<ir::MaxOp>(b.create<ir::MinOp>(valid, b.fillLike(valid, double(shape.front()))),
                                   b.fillLike(valid, 1.0));
  Value count = b.scale(b.cast(rows, channels.getElementType()), static_cast<double>(positions));
  return b.unreduce(count, {0}, channels.getShape());
}

SmallVector<Value> split(GradBuilder& b, ir::BatchNormTrainOp op) {
  auto statistics = b.create<ir::BatchNormStatisticsOp>(op.getInput(), op.getValid());
  Value shifted = b.shift(statistics.getVariance(), op.getEpsilon().convertToDouble());
  Value invStd = b.create<ir::RsqrtOp>(shifted);
  Value factor = b.mul(invStd, op.getScale());
  Value result = b.create<ir::BatchNormApplyOp>(op.getInput(), statistics.getMean(), factor, op.getBias(),
                                                op.getValid());
  return {result, statistics.getMean(), invStd, statistics.getVariance()};
}

SmallVector<Value> split(GradBuilder& b, ir::BatchNormGradOp op) {
  auto statistics = b.create<ir::BatchNormGradStatisticsOp>(op.getResultGrad(), op.getInput(), op.getMean(),
                                                            op.getInvStd(), op.getValid());
  Value count = elementsPerChannel(b, op.getInput(), op.getValid(), ir::tensorType(op.getScale()));
  Value factor = b.mul(op.getInvStd(), op.getScale());
  auto mean = [&](Value sum) { return b.div(sum, count); };
  Value slope = b.neg(b.mul(b.mul(factor, op.getInvStd()), mean(statistics.getScaleGrad())));
  Value offset = b.neg(b.mul(factor, mean(statistics.getBiasGrad())));
  Value result = b.create<ir::BatchNormGradApplyOp>(op.getResultGrad(), op.getInput(), op.getMean(), factor,
                                                    slope, offset, op.getValid());
  return {result, statistics.getScaleGrad(), statistics.getBiasGrad()};
}

SmallVector<Value> split(GradBuilder& b, ir::BatchNormInferenceOp op) {
  Value shifted = b.shift(op.getVariance(), op.getEpsilon().convertToDouble());
  Value factor = b.div(op.getScale(), b.create<ir::SqrtOp>(shifted));
  return {b.create<ir::BatchNormApplyOp>(op.getInput(), op.getMean(), factor, op.getBias(), Value())};
}

/// True if the norm is over images, and its vectors have the precision that statistics have.
bool isOverImages(Value input, Value scale) {
  RankedTensorType type = ir::tensorType(input);
  Type element = type.getElementType(), vectors = ir::tensorType(scale).getElementType();
  return type.getRank() > 2 && type.hasStaticShape() &&
         (element == vectors ? !element.isBF16() : element.isBF16() && vectors.isF32());
}

struct SplitBatchNorm : impl::SplitBatchNormPassBase<SplitBatchNorm> {
  void runOnOperation() override {
    llvm::SetVector<Block*> changed;
    getOperation().walk([&](Operation* op) {
      llvm::TypeSwitch<Operation*>(op)
          .Case<ir::BatchNormTrainOp, ir::BatchNormGradOp, ir::BatchNormInferenceOp>([&](auto norm) {
            if (!isOverImages(norm.getInput(), norm.getScale())) return;
            changed.insert(norm->getBlock());
            replace(norm);
          });
    });
    // The factor of forward and backward is one value.
    for (Block* block : changed)
      mergeEqualOps(*block);
  }

  template <typename NormOp> static void replace(NormOp norm) {
    OpBuilder builder(norm);
    GradBuilder b(builder, norm);
    Operation* before = norm->getPrevNode();
    SmallVector<Value> parts = split(b, norm);
    for (Operation* made = before ? before->getNextNode() : &norm->getBlock()->front(); made != norm;
         made = made->getNextNode())
      ir::inheritOrigin(made, {norm});
    norm->replaceAllUsesWith(parts);
    norm->erase();
  }
};

} // namespace
} // namespace tailor::passes
