#include "backend/reference/Evaluators.h"
#include "backend/reference/Optimizer.h"
#include "ir/Tailor.h"

/// Multi-tensor ops. An update with valid = 0 (an empty step) returns what it was given.
namespace tailor::backend::reference {
namespace {

using llvm::success;

double scalarOf(mlir::Operation* op, Operands in, mlir::Value value) {
  return operandOf(op, in, value)->at(0);
}

void appendAll(Results& out, Operands tensors) {
  for (const Tensor* tensor : tensors)
    out.push_back(*tensor);
}

void appendAll(Results& out, std::vector<Tensor>&& tensors) {
  for (Tensor& tensor : tensors)
    out.push_back(std::move(tensor));
}

template <typename OpT> bool isEmptyStep(OpT op, Operands in) {
  return countOf(op, in, op.getValid(), 1) == 0;
}

} // namespace

void addOptimizer(Evaluators& evaluators) {
  evaluators.add<ir::GlobalNormOp>([](ir::GlobalNormOp op, Operands in, Results& out) {
    out.push_back(Tensor::scalar(globalNorm(operandsOf(in, op.getTensors()), operandsOf(in, op.getWeights())),
                                 elementOf(op.getType())));
    return success();
  });

  evaluators.add<ir::SamPerturbOp>([](ir::SamPerturbOp op, Operands in, Results& out) {
    const Operands params = operandsOf(in, op.getParams()), grads = operandsOf(in, op.getGrads());
    const double norm = scalarOf(op, in, op.getNorm()), radius = scalarOf(op, in, op.getRadius());
    for (auto [w, g] : llvm::zip_equal(params, grads))
      out.push_back(samPerturb(*w, *g, norm, radius, op.getEpsilon().convertToDouble(), op.getAdaptive()));
    return success();
  });

  evaluators.add<ir::SgdUpdateOp>([](ir::SgdUpdateOp op, Operands in, Results& out) {
    const Operands params = operandsOf(in, op.getParams()), grads = operandsOf(in, op.getGrads()),
                   velocity = operandsOf(in, op.getVelocity());
    if (isEmptyStep(op, in)) {
      appendAll(out, params);
      appendAll(out, velocity);
      return success();
    }
    SgdOptions options{.momentum = op.getMomentum() ? scalarOf(op, in, op.getMomentum()) : 0.0,
                       .nesterov = op.getNesterov()};
    std::vector<Tensor> newVelocity;
    for (size_t i = 0; i < params.size(); ++i) {
      options.lr = scalarOf(op, in, op.getLr()[op.getSegment(i)]);
      options.weightDecay = op.isDecayed(i) ? scalarOf(op, in, op.getWeightDecay()[op.getSegment(i)]) : 0.0;
      const Tensor& v = velocity.empty() ? Tensor(params[i]->element(), params[i]->shape()) : *velocity[i];
      SgdResult next = sgdUpdate(*params[i], *grads[i], v, options);
      out.push_back(std::move(next.w));
      if (!velocity.empty()) newVelocity.push_back(std::move(next.v));
    }
    appendAll(out, std::move(newVelocity));
    return success();
  });

  evaluators.add<ir::AdamwUpdateOp>([](ir::AdamwUpdateOp op, Operands in, Results& out) {
    const Operands params = operandsOf(in, op.getParams()), grads = operandsOf(in, op.getGrads()),
                   first = operandsOf(in, op.getFirstMoments()),
                   second = operandsOf(in, op.getSecondMoments());
    if (isEmptyStep(op, in)) {
      appendAll(out, params);
      appendAll(out, first);
      appendAll(out, second);
      return success();
    }
    AdamwOptions options{.beta1 = scalarOf(op, in, op.getBeta1()),
                         .beta2 = scalarOf(op, in, op.getBeta2()),
                         .epsilon = scalarOf(op, in, op.getEpsilon()),
                         .step = operandOf(op, in, op.getStep())->integerAt(0) + 1};
    std::vector<Tensor> newFirst, newSecond;
    for (size_t i = 0; i < params.size(); ++i) {
      options.lr = scalarOf(op, in, op.getLr()[op.getSegment(i)]);
      options.weightDecay = op.isDecayed(i) ? scalarOf(op, in, op.getWeightDecay()[op.getSegment(i)]) : 0.0;
      AdamwResult next = adamwUpdate(*params[i], *grads[i], *first[i], *second[i], options);
      out.push_back(std::move(next.w));
      newFirst.push_back(std::move(next.m));
      newSecond.push_back(std::move(next.v));
    }
    appendAll(out, std::move(newFirst));
    appendAll(out, std::move(newSecond));
    return success();
  });

  evaluators.add<ir::EmaUpdateOp>([](ir::EmaUpdateOp op, Operands in, Results& out) {
    const Operands averages = operandsOf(in, op.getAverages()), values = operandsOf(in, op.getValues());
    if (isEmptyStep(op, in)) {
      appendAll(out, averages);
      return success();
    }
    const double decay = scalarOf(op, in, op.getDecay());
    for (auto [average, value] : llvm::zip_equal(averages, values))
      out.push_back(emaUpdate(*average, *value, decay));
    return success();
  });
}

} // namespace tailor::backend::reference
