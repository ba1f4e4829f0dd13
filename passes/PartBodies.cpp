#include "passes/PartBodies.h"

#include "passes/EraseDead.h"
#include "passes/InlineCall.h"

#include "ir/OpIds.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace tailor::passes {
namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Gives `body` one more argument.
BlockArgument addArgument(ir::BodyOp body, StringRef name, RankedTensorType type) {
  OpBuilder builder(body.getContext());
  BlockArgument argument = body.getBlock().addArgument(type, body.getLoc());
  SmallVector<Type> types(body.getArgumentTypes());
  types.push_back(type);
  body.setFunctionType(builder.getFunctionType(types, body.getResultTypes()));
  if (ArrayAttr names = body.getArgNamesAttr()) {
    SmallVector<Attribute> more(names.begin(), names.end());
    more.push_back(builder.getStringAttr(name));
    body.setArgNamesAttr(builder.getArrayAttr(more));
  }
  return argument;
}

void setResults(ir::BodyOp body, ValueRange values) {
  OpBuilder builder(body.getContext());
  body.getReturn()->setOperands(values);
  body.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), values.getTypes()));
}

/// The argument of the body that a new running statistic replaces.
std::optional<unsigned> runningStatistic(Value value) {
  auto update = value.getDefiningOp<ir::BatchNormUpdateRunningOp>();
  if (!update) return std::nullopt;
  Value running = value == update.getNewMean() ? update.getRunningMean() : update.getRunningVariance();
  auto argument = dyn_cast<BlockArgument>(running);
  return argument ? std::optional<unsigned>(argument.getArgNumber()) : std::nullopt;
}

LogicalResult checkLoss(Operation* call, ir::BodyOp body, const RowTerms& terms) {
  Value loss = body.getReturn().getValues().front();
  const RowTerm term = terms[loss];
  if (term == RowTerm::mean || term == RowTerm::sum || term == RowTerm::free) return success();
  Operation* cause = terms.cause(loss);
  InFlightDiagnostic error = (cause ? cause : call)->emitError("gradients cannot be accumulated: ");
  if (cause)
    error << "'" << cause->getName().stripDialect()
          << "' combines rows of a batch, so the loss of a batch is not made of the losses of its "
             "micro-batches";
  else
    error << "the loss is neither a mean nor a sum over the rows of the batch";
  error.attachNote(call->getLoc()) << "its gradient is taken here";
  error.attachNote() << "run.accumulate = 1 with all rows in run.batch computes it; so does a loss that is "
                        "a mean over rows";
  return failure();
}

/// The sum of the weights of a micro-batch's rows, for a loss that divides by it.
template <class Loss> Value sumOfWeights(OpBuilder& builder, Loss loss, RankedTensorType scalar) {
  Location loc = loss.getLoc();
  auto rows = RankedTensorType::get({typeOf(loss.getLogits()).getDimSize(0)}, scalar.getElementType());
  const auto weightBy = [&](Value labels) -> Value {
    if (!loss.getClassWeights())
      return ir::BroadcastOp::create(builder, loc, rows, ir::ConstantOp::create(builder, loc, scalar, 1.0),
                                     ArrayRef<int64_t>());
    Value weight = ir::TakeOp::create(builder, loc, loss.getClassWeights(), labels);
    return weight.getType() == rows ? weight : ir::CastOp::create(builder, loc, rows, weight).getResult();
  };
  Value weight = weightBy(loss.getLabels());
  if (loss.getMixLabels()) {
    Value share = loss.getMixLambda();
    if (share.getType() != rows) share = ir::CastOp::create(builder, loc, rows, share);
    Value one = ir::BroadcastOp::create(builder, loc, rows, ir::ConstantOp::create(builder, loc, scalar, 1.0),
                                        ArrayRef<int64_t>());
    Value first = ir::MulOp::create(builder, loc, share, weight);
    Value rest = ir::SubOp::create(builder, loc, one, share);
    weight = ir::AddOp::create(builder, loc, first,
                               ir::MulOp::create(builder, loc, rest, weightBy(loss.getMixLabels())));
  }
  Value mask = ir::RowMaskOp::create(
      builder, loc, RankedTensorType::get(rows.getShape(), builder.getI1Type()), loss.getValid());
  Value zero = ir::BroadcastOp::create(builder, loc, rows, ir::ConstantOp::create(builder, loc, scalar, 0.0),
                                       ArrayRef<int64_t>());
  Value counted = ir::WhereOp::create(builder, loc, mask, weight, zero);
  return ir::ReduceSumOp::create(builder, loc, counted, ArrayRef<int64_t>{0});
}

Value totalOf(OpBuilder& builder, const RowQuotient& quotient) {
  if (quotient.total) return quotient.total;
  auto scalar = cast<RankedTensorType>(quotient.op->getResult(0).getType());
  if (auto loss = dyn_cast<ir::SoftmaxCrossEntropyOp>(quotient.op))
    return sumOfWeights(builder, loss, scalar);
  return sumOfWeights(builder, cast<ir::SigmoidCrossEntropyOp>(quotient.op), scalar);
}

/// Every quotient becomes its numerator times a factor, the loss its share.
void takeShares(ir::BodyOp part, const RowTerms& terms, PartBody& made) {
  auto lossType = typeOf(part.getReturn().getValues().front());
  BlockArgument share = addArgument(part, "share", lossType);
  for (auto [index, quotient] : llvm::enumerate(terms.quotients())) {
    BlockArgument factor = addArgument(part, ("factor" + Twine(index)).str(), made.factors[index]);
    OpBuilder builder(quotient.op->getContext());
    builder.setInsertionPointAfter(quotient.op);
    Value numerator = quotient.total ? quotient.op->getOperand(0) : quotient.op->getResult(0);
    if (auto loss = dyn_cast<ir::SoftmaxCrossEntropyOp>(quotient.op)) loss.setReduction(ir::Reduction::Sum);
    if (auto loss = dyn_cast<ir::SigmoidCrossEntropyOp>(quotient.op)) loss.setReduction(ir::Reduction::Sum);
    auto scaled = ir::MulOp::create(builder, quotient.op->getLoc(), numerator, factor);
    ir::inheritOrigin(scaled, quotient.op);
    quotient.op->getResult(0).replaceAllUsesExcept(scaled, scaled);
  }
  SmallVector<Value> results(part.getReturn().getValues());
  if (made.terms.front() == RowTerm::sum) return;
  OpBuilder builder(part.getReturn());
  Operation* loss = results.front().getDefiningOp();
  auto scaled = ir::MulOp::create(builder, loss ? loss->getLoc() : part.getLoc(), results.front(), share);
  if (loss) ir::inheritOrigin(scaled, loss);
  results.front() = scaled;
  setResults(part, results);
}

} // namespace

FailureOr<PartBody> PartBodies::partOf(Operation* call, ir::BodyOp body, ArrayRef<RowTerm> arguments,
                                       ArrayRef<int64_t> wrt, int64_t rows) {
  Key key(body, std::vector<RowTerm>(arguments.begin(), arguments.end()),
          std::vector<int64_t>(wrt.begin(), wrt.end()));
  if (auto known = made_.find(key); known != made_.end()) return known->second;
  ir::BodyOp part = cloned(body, ".part");
  if (failed(inlineCalls(call, part))) return failure();
  RowTerms terms(rows);
  for (auto [argument, term] : llvm::zip_equal(part.getArguments(), arguments))
    terms.set(argument, term);
  terms.follow(part.getBlock());

  PartBody made;
  made.part = part;
  for (Value value : part.getReturn().getValues()) {
    made.terms.push_back(terms[value]);
    made.chains.push_back(runningStatistic(value));
  }
  if (!wrt.empty() && failed(checkLoss(call, part, terms))) return failure();
  if (wrt.empty()) { // nothing is differentiated, so there is no share to take
    if (!terms.quotients().empty())
      for (RowTerm& term : made.terms)
        if (term == RowTerm::mean) term = RowTerm::mixed;
  } else {
    if (failed(makeTotals(call, part, terms.quotients(), wrt, made))) return failure();
    takeShares(part, terms, made);
  }
  return made_[key] = made;
}

ir::BodyOp PartBodies::sumOf(ir::BodyOp part, Operation* origin, ValueRange operands) {
  ir::BodyOp& body = sums_[part];
  if (body) return body;
  SmallVector<Type> results;
  for (size_t i = 0; i < operands.size(); i += 2)
    results.push_back(operands[i].getType());
  OpBuilder builder(part);
  std::string name = (part.getSymName() + ".sum").str();
  body = ir::BodyOp::create(builder, origin->getLoc(), name,
                            builder.getFunctionType(operands.getTypes(), results));
  builder.setInsertionPointToEnd(&body.getBlock());
  SmallVector<Value> sums;
  for (size_t i = 0; i < operands.size(); i += 2) {
    auto add = ir::AddOp::create(builder, origin->getLoc(), body.getArgument(i), body.getArgument(i + 1));
    ir::inheritOrigin(add, origin);
    sums.push_back(add);
  }
  ir::ReturnOp::create(builder, origin->getLoc(), sums);
  symbols_.insert(body);
  return body;
}

ir::BodyOp PartBodies::cloned(ir::BodyOp body, StringRef suffix) {
  ir::BodyOp copy = body.clone();
  std::string name = (body.getSymName() + suffix).str();
  for (unsigned number = 2; symbols_.lookup(name); ++number)
    name = (body.getSymName() + suffix + "." + Twine(number)).str();
  copy.setSymName(name);
  symbols_.insert(copy, std::next(Block::iterator(body)));
  return copy;
}

LogicalResult PartBodies::inlineCalls(Operation* call, ir::BodyOp body) {
  constexpr int kDeepest = 64; // recursion is an error of the program, which Differentiate would name too
  for (int depth = 0; depth < kDeepest; ++depth) {
    SmallVector<ir::CallOp> calls(body.getOps<ir::CallOp>());
    if (calls.empty()) return success();
    for (ir::CallOp inner : calls)
      replaceCall(inner, symbols_.lookup<ir::BodyOp>(inner.getCallee()));
  }
  return call->emitError("'") << body.getSymName() << "' calls itself";
}

LogicalResult PartBodies::makeTotals(Operation* call, ir::BodyOp part, ArrayRef<RowQuotient> quotients,
                                     ArrayRef<int64_t> wrt, PartBody& made) {
  if (quotients.empty()) return success();
  IRMapping mapping;
  auto totals = cast<ir::BodyOp>(part->clone(mapping));
  std::string name = (part.getSymName() + ".totals").str();
  totals.setSymName(name);
  symbols_.insert(totals, std::next(Block::iterator(part)));
  SmallVector<Value> values;
  for (const RowQuotient& quotient : quotients) {
    RowQuotient copy{mapping.lookup(quotient.op), quotient.total ? mapping.lookup(quotient.total) : Value()};
    OpBuilder builder(copy.op);
    values.push_back(totalOf(builder, copy));
    made.factors.push_back(typeOf(values.back()));
  }
  setResults(totals, values);
  eraseDeadOps(totals.getBlock());
  for (int64_t index : wrt)
    if (!totals.getArgument(index).use_empty())
      return quotients.front()
                 .op
                 ->emitError("gradients cannot be accumulated: the loss is divided by a sum that depends "
                             "on what is trained")
                 .attachNote(call->getLoc())
             << "its gradient is taken here";
  made.totals = totals;
  return success();
}

} // namespace tailor::passes
