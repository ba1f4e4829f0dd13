#include "backend/reference/Evaluators.h"
#include "backend/reference/Normalization.h"
#include "ir/Tailor.h"

/// Batch and layer normalisation ops.
namespace tailor::backend::reference {

using llvm::success;

void addNormalization(Evaluators& evaluators) {
  evaluators.add<ir::BatchNormTrainOp>([](ir::BatchNormTrainOp op, Operands in, Results& out) {
    BatchNormResult result =
        batchNormTrain(*in[0], *in[1], *in[2], countOf(op, in, op.getValid(), in[0]->dim(0)),
                       op.getEpsilon().convertToDouble());
    out.append(
        {std::move(result.y), std::move(result.mean), std::move(result.invStd), std::move(result.variance)});
    return success();
  });
  evaluators.add<ir::BatchNormGradOp>([](ir::BatchNormGradOp op, Operands in, Results& out) {
    NormGrads grads =
        batchNormGrad(*in[0], *in[1], *in[2], *in[3], *in[4], countOf(op, in, op.getValid(), in[0]->dim(0)));
    out.append({std::move(grads.dx), std::move(grads.dscale), std::move(grads.dbias)});
    return success();
  });
  evaluators.add<ir::BatchNormStatisticsOp>([](ir::BatchNormStatisticsOp op, Operands in, Results& out) {
    ChannelStatistics result = batchNormStatistics(*in[0], countOf(op, in, op.getValid(), in[0]->dim(0)));
    out.append({std::move(result.mean), std::move(result.variance)});
    return success();
  });
  evaluators.add<ir::BatchNormApplyOp>([](ir::BatchNormApplyOp op, Operands in, Results& out) {
    out.push_back(
        batchNormApply(*in[0], *in[1], *in[2], *in[3], countOf(op, in, op.getValid(), in[0]->dim(0))));
    return success();
  });
  evaluators.add<ir::BatchNormGradStatisticsOp>(
      [](ir::BatchNormGradStatisticsOp op, Operands in, Results& out) {
        ChannelGrads grads = batchNormGradStatistics(*in[0], *in[1], *in[2], *in[3],
                                                     countOf(op, in, op.getValid(), in[0]->dim(0)));
        out.append({std::move(grads.dscale), std::move(grads.dbias)});
        return success();
      });
  evaluators.add<ir::BatchNormGradApplyOp>([](ir::BatchNormGradApplyOp op, Operands in, Results& out) {
    out.push_back(batchNormGradApply(*in[0], *in[1], *in[2], *in[3], *in[4], *in[5],
                                     countOf(op, in, op.getValid(), in[0]->dim(0))));
    return success();
  });
  evaluators.add<ir::BatchNormInferenceOp>([](ir::BatchNormInferenceOp op, Operands in, Results& out) {
    out.push_back(
        batchNormInference(*in[0], *in[1], *in[2], *in[3], *in[4], op.getEpsilon().convertToDouble()));
    return success();
  });
  evaluators.add<ir::BatchNormUpdateRunningOp>(
      [](ir::BatchNormUpdateRunningOp op, Operands in, Results& out) {
        const int64_t count = countOf(op, in, op.getValid(), op.getRows()) * op.getRowElements();
        RunningStatistics next =
            updateRunning({*in[0], *in[1]}, *in[2], *in[3], count, op.getMomentum().convertToDouble());
        out.append({std::move(next.mean), std::move(next.variance)});
        return success();
      });
  evaluators.add<ir::LayerNormOp>([](ir::LayerNormOp op, Operands in, Results& out) {
    LayerNormResult result = layerNorm(*in[0], *in[1], *in[2], op.getEpsilon().convertToDouble());
    out.append({std::move(result.y), std::move(result.mean), std::move(result.invStd)});
    return success();
  });
  evaluators.add<ir::LayerNormGradOp>([](ir::LayerNormGradOp, Operands in, Results& out) {
    NormGrads grads = layerNormGrad(*in[0], *in[1], *in[2], *in[3], *in[4]);
    out.append({std::move(grads.dx), std::move(grads.dscale), std::move(grads.dbias)});
    return success();
  });
}

} // namespace tailor::backend::reference
