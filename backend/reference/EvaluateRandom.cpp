#include "backend/reference/Evaluators.h"
#include "backend/reference/Random.h"
#include "ir/Tailor.h"

/// Random ops.
namespace tailor::backend::reference {

using llvm::success;

void addRandom(Evaluators& evaluators) {
  evaluators.add<ir::RngKeyOp>([](ir::RngKeyOp op, Operands in, Results& out) {
    // The operand `pass` holds pass | inner << 16 already (tailor.repeat).
    const uint32_t pass = static_cast<uint32_t>(in[1]->integerAt(0));
    out.push_back(toTensor(
        runtime::make_random_key(rngStateFrom(*in[0]), {.op_id = static_cast<uint32_t>(op.getOpId()),
                                                        .stream = static_cast<uint32_t>(op.getStream()),
                                                        .pass = pass & 0xffff,
                                                        .view = static_cast<uint32_t>(op.getView()),
                                                        .inner = pass >> 16})));
    return success();
  });
  evaluators.add<ir::RandomUniformOp>([](ir::RandomUniformOp op, Operands in, Results& out) {
    out.push_back(randomUniform(randomKeyFrom(*in[0]), elementOf(op.getType()), shapeOf(op.getType()),
                                op.getLow().convertToDouble(), op.getHigh().convertToDouble()));
    return success();
  });
  evaluators.add<ir::RandomNormalOp>([](ir::RandomNormalOp op, Operands in, Results& out) {
    out.push_back(randomNormal(randomKeyFrom(*in[0]), elementOf(op.getType()), shapeOf(op.getType()),
                               op.getMean().convertToDouble(), op.getStd().convertToDouble()));
    return success();
  });
  evaluators.add<ir::BernoulliOp>([](ir::BernoulliOp op, Operands in, Results& out) {
    out.push_back(
        bernoulli(randomKeyFrom(*in[0]), shapeOf(op.getType()), op.getProbability().convertToDouble()));
    return success();
  });
  evaluators.add<ir::RandomPermutationOp>([](ir::RandomPermutationOp op, Operands in, Results& out) {
    const int64_t rows = shapeOf(op.getType())[0];
    out.push_back(randomPermutation(randomKeyFrom(*in[0]), rows, countOf(op, in, op.getValid(), rows)));
    return success();
  });
}

} // namespace tailor::backend::reference
