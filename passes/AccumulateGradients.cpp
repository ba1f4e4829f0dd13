// A step of one micro-batch becomes a step of k. See Passes.td; RowTerms says what may be cut.
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/analysis/RowTerms.h"
#include "passes/EraseDead.h"
#include "passes/InlineCall.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

#include <map>

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_ACCUMULATEGRADIENTSPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "accumulate-gradients";

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// A scalar, of the type of `like`'s elements, spread over its shape.
Value spread(OpBuilder& builder, Location loc, Value scalar, RankedTensorType like) {
  if (typeOf(scalar).getElementType() != like.getElementType())
    scalar = ir::CastOp::create(builder, loc, RankedTensorType::get({}, like.getElementType()), scalar);
  if (like.getRank() == 0) return scalar;
  return ir::BroadcastOp::create(builder, loc, like, scalar, ArrayRef<int64_t>());
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

/// What a body is to its rows, and the two that take its place.
struct PartBody {
  SmallVector<RowTerm> terms;                  ///< of its results
  SmallVector<std::optional<unsigned>> chains; ///< argument that holds the running statistic a result moves
  ir::BodyOp
      part; ///< the share of one micro-batch: two kinds of arguments more, the share and one factor a quotient
  ir::BodyOp totals; ///< the divisor of each quotient over one micro-batch; null without quotients
  SmallVector<RankedTensorType> factors; ///< types of the factors
};

/// Makes the parts of bodies, each once.
class PartBodies {
public:
  explicit PartBodies(SymbolTable& symbols) : symbols_(symbols) {}

  /// For a call of `body` on arguments of these terms that is differentiated by `wrt`; empty `wrt`: which is not. Fails
  /// with an error at `call` or in the body if it is no sum over its rows.
  FailureOr<PartBody> partOf(Operation* call, ir::BodyOp body, ArrayRef<RowTerm> arguments,
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

  /// A body of `operands` that adds each second one to the one before it; made for what `part` gives.
  ir::BodyOp sumOf(ir::BodyOp part, Operation* origin, ValueRange operands) {
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

private:
  using Key = std::tuple<Operation*, std::vector<RowTerm>, std::vector<int64_t>>;

  ir::BodyOp cloned(ir::BodyOp body, StringRef suffix) {
    ir::BodyOp copy = body.clone();
    std::string name = (body.getSymName() + suffix).str();
    for (unsigned number = 2; symbols_.lookup(name); ++number)
      name = (body.getSymName() + suffix + "." + Twine(number)).str();
    copy.setSymName(name);
    symbols_.insert(copy, std::next(Block::iterator(body)));
    return copy;
  }

  LogicalResult inlineCalls(Operation* call, ir::BodyOp body) {
    constexpr int kDeepest = 64; // recursion is an error of the program, which Differentiate would name too
    for (int depth = 0; depth < kDeepest; ++depth) {
      SmallVector<ir::CallOp> calls(body.getOps<ir::CallOp>());
      if (calls.empty()) return success();
      for (ir::CallOp inner : calls)
        replaceCall(inner, symbols_.lookup<ir::BodyOp>(inner.getCallee()));
    }
    return call->emitError("'") << body.getSymName() << "' calls itself";
  }

  /// The argument of the body that a new running statistic replaces.
  static std::optional<unsigned> runningStatistic(Value value) {
    auto update = value.getDefiningOp<ir::BatchNormUpdateRunningOp>();
    if (!update) return std::nullopt;
    Value running = value == update.getNewMean() ? update.getRunningMean() : update.getRunningVariance();
    auto argument = dyn_cast<BlockArgument>(running);
    return argument ? std::optional<unsigned>(argument.getArgNumber()) : std::nullopt;
  }

  static LogicalResult checkLoss(Operation* call, ir::BodyOp body, const RowTerms& terms) {
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
  template <class Loss> static Value sumOfWeights(OpBuilder& builder, Loss loss, RankedTensorType scalar) {
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
      Value one = ir::BroadcastOp::create(
          builder, loc, rows, ir::ConstantOp::create(builder, loc, scalar, 1.0), ArrayRef<int64_t>());
      Value first = ir::MulOp::create(builder, loc, share, weight);
      Value rest = ir::SubOp::create(builder, loc, one, share);
      weight = ir::AddOp::create(builder, loc, first,
                                 ir::MulOp::create(builder, loc, rest, weightBy(loss.getMixLabels())));
    }
    Value mask = ir::RowMaskOp::create(
        builder, loc, RankedTensorType::get(rows.getShape(), builder.getI1Type()), loss.getValid());
    Value zero = ir::BroadcastOp::create(
        builder, loc, rows, ir::ConstantOp::create(builder, loc, scalar, 0.0), ArrayRef<int64_t>());
    Value counted = ir::WhereOp::create(builder, loc, mask, weight, zero);
    return ir::ReduceSumOp::create(builder, loc, counted, ArrayRef<int64_t>{0});
  }

  static Value totalOf(OpBuilder& builder, const RowQuotient& quotient) {
    if (quotient.total) return quotient.total;
    auto scalar = cast<RankedTensorType>(quotient.op->getResult(0).getType());
    if (auto loss = dyn_cast<ir::SoftmaxCrossEntropyOp>(quotient.op))
      return sumOfWeights(builder, loss, scalar);
    return sumOfWeights(builder, cast<ir::SigmoidCrossEntropyOp>(quotient.op), scalar);
  }

  /// A body that computes what the quotients divide by: from labels and weights, so most of the original is dead in it.
  LogicalResult makeTotals(Operation* call, ir::BodyOp part, ArrayRef<RowQuotient> quotients,
                           ArrayRef<int64_t> wrt, PartBody& made) {
    if (quotients.empty()) return success();
    IRMapping mapping;
    auto totals = cast<ir::BodyOp>(part->clone(mapping));
    std::string name = (part.getSymName() + ".totals").str();
    totals.setSymName(name);
    symbols_.insert(totals, std::next(Block::iterator(part)));
    SmallVector<Value> values;
    for (const RowQuotient& quotient : quotients) {
      RowQuotient copy{mapping.lookup(quotient.op),
                       quotient.total ? mapping.lookup(quotient.total) : Value()};
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

  /// Every quotient becomes its numerator times a factor, the loss its share.
  static void takeShares(ir::BodyOp part, const RowTerms& terms, PartBody& made) {
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

  SymbolTable& symbols_;
  std::map<Key, PartBody> made_;
  DenseMap<Operation*, ir::BodyOp> sums_; ///< by part
};

/// One step.
class Accumulator {
public:
  Accumulator(ir::EntryOp entry, SymbolTable& symbols, PartBodies& bodies)
      : entry_(entry), symbols_(symbols), bodies_(bodies), rows_(*entry.getBatch()), terms_(rows_),
        parts_(*entry.getAccumulate()) {}

  LogicalResult run() {
    ops_ =
        llvm::map_to_vector(entry_.getBody().front().without_terminator(), [](Operation& op) { return &op; });
    if (failed(countRows())) return failure();
    for (Operation* op : ops_)
      if (failed(visit(op))) return failure();
    for (Operation* op : llvm::reverse(replaced_))
      op->erase();
    noted(entry_.getLoc(), kName, "parts",
          "the gradients of " + Twine(parts_.size()) + " micro-batches of " + Twine(rows_) +
              " rows make one step of " + Twine(numRows()) + " rows");
    entry_.setBatch(numRows());
    entry_.removeAccumulateAttr();
    return success();
  }

private:
  int64_t numRows() const { return rows_ * int64_t(parts_.size()); }

  bool isCut(Value value) const { return !parts_.empty() && parts_.front().contains(value); }
  Value partOf(Value value, size_t part) const { return parts_[part].lookupOrDefault(value); }
  bool readsCut(Operation* op) const {
    return llvm::any_of(op->getOperands(), [&](Value value) { return isCut(value); });
  }

  /// Of what depends on rows the op reads how many there are, and nothing else.
  bool readsCountsAlone(Operation* op) const {
    return llvm::all_of(op->getOperands(),
                        [&](Value value) { return !isCut(value) || terms_[value] == RowTerm::count; });
  }

  Value number(OpBuilder& builder, Location loc, RankedTensorType type, double value) {
    return ir::ConstantOp::create(builder, loc, type, value);
  }

  /// The valid rows of each part, and what share of all they are.
  LogicalResult countRows() {
    auto read = llvm::find_if(ops_, [](Operation* op) {
      auto control = dyn_cast<ir::ControlReadOp>(op);
      return control && control.getField() == "valid";
    });
    OpBuilder builder(entry_.getContext());
    Location loc = entry_.getLoc();
    auto count = RankedTensorType::get({}, builder.getI32Type());
    builder.setInsertionPointToStart(&entry_.getBody().front());
    if (read != ops_.end()) {
      loc = (*read)->getLoc();
      (*read)->moveBefore(&entry_.getBody().front().front());
      valid_ = (*read)->getResult(0);
      builder.setInsertionPointAfter(*read);
    } else {
      ir::ControlOp control = entry_->getParentOfType<ir::ProgramOp>().getControl();
      if (!control || !control.lookupSymbol("valid"))
        return entry_.emitError("gradients cannot be accumulated: the program has no control field 'valid'");
      valid_ = ir::ControlReadOp::create(builder, loc, count, "valid");
    }
    scalar_ = RankedTensorType::get({}, builder.getF32Type());
    Value zero = number(builder, loc, count, 0), one = number(builder, loc, count, 1);
    Value most = number(builder, loc, count, double(rows_));
    Value all = ir::CastOp::create(builder, loc, scalar_, ir::MaxOp::create(builder, loc, valid_, one));
    allRows_ = all;
    for (size_t part = 0; part < parts_.size(); ++part) {
      Value left = part == 0 ? valid_
                             : ir::SubOp::create(builder, loc, valid_,
                                                 number(builder, loc, count, double(rows_ * int64_t(part))));
      Value clamped = ir::MinOp::create(builder, loc, ir::MaxOp::create(builder, loc, left, zero), most);
      parts_[part].map(valid_, clamped);
      rowsOf_.push_back(ir::CastOp::create(builder, loc, scalar_, clamped));
      shares_.push_back(ir::DivOp::create(builder, loc, rowsOf_.back(), all));
    }
    terms_.set(valid_, RowTerm::count);
    return success();
  }

  LogicalResult visit(Operation* op) {
    if (llvm::is_contained(replaced_, op)) return success(); // with the bytes that it reads
    OpBuilder builder(op);
    if (auto input = dyn_cast<ir::InputOp>(op)) return cutInput(builder, input);
    if (auto read = dyn_cast<ir::ControlReadOp>(op)) {
      if (op->getResult(0) != valid_ && read.getField() == "valid") { // read a second time
        op->getResult(0).replaceAllUsesWith(valid_);
        replaced_.push_back(op);
      } else if (read.getField() == "rng") {
        cutRng(builder, read);
      }
      return success();
    }
    if (!readsCut(op)) {
      WalkResult inside = op->walk([&](Operation* inner) {
        return inner != op && readsCut(inner) ? WalkResult::interrupt() : WalkResult::advance();
      });
      if (inside.wasInterrupted()) return refuse(op, "reads rows of the batch");
      return success();
    }
    if (auto gradient = dyn_cast<ir::ValueAndGradOp>(op))
      return cutCall(builder, op, gradient.getCallee(), gradient.getArguments(), gradient.getWrt());
    if (auto call = dyn_cast<ir::CallOp>(op))
      return cutCall(builder, op, call.getCallee(), call.getArguments(), {});
    if (auto report = dyn_cast<ir::ReportOp>(op); report && !readsCountsAlone(op))
      return cutReport(builder, report);
    const bool isCuttable = !isa<ir::MultiTensorOpInterface>(op) && op->getNumRegions() == 0 && isPure(op);
    if (readsCountsAlone(op)) { // of the whole batch, for what is done once; of the parts, for their rows
      if (isCuttable) cloneForParts(builder, op);
      return success();
    }
    if (!isCuttable)
      return refuse(op, isa<ir::StoreOp>(op) ? "keeps a value of single rows or micro-batches"
                                             : "takes a value of single rows or micro-batches");
    cutOp(builder, op);
    return success();
  }

  LogicalResult refuse(Operation* op, StringRef what) {
    InFlightDiagnostic error = op->emitError("gradients cannot be accumulated: '")
                               << op->getName().stripDialect() << "' " << what;
    error.attachNote() << "only losses, gradients and reports are put together from micro-batches";
    return failure();
  }

  LogicalResult cutInput(OpBuilder& builder, ir::InputOp input) {
    auto type = cast<RankedTensorType>(input.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.front() = numRows();
    auto whole = ir::InputOp::create(builder, input.getLoc(),
                                     RankedTensorType::get(shape, type.getElementType()), input.getInput());
    ir::inheritOrigin(whole, input.getOperation());
    replaced_.push_back(input);
    if (type.getElementType().isUnsignedInteger(8)) return cutBytes(builder, input.getResult(), whole);
    cutRows(builder, input, whole, input.getResult());
    return success();
  }

  /// Gives each part its rows of `whole` in the place of `rows`, in the shape of `rows`.
  void cutRows(OpBuilder& builder, Operation* origin, Value whole, Value rows) {
    auto type = cast<RankedTensorType>(rows.getType());
    SmallVector<int64_t> to(cast<RankedTensorType>(whole.getType()).getShape());
    SmallVector<int64_t> from(to.size(), 0), by(to.size(), 1);
    for (size_t part = 0; part < parts_.size(); ++part) {
      from.front() = rows_ * int64_t(part);
      to.front() = from.front() + rows_;
      auto slice = ir::SliceOp::create(builder, origin->getLoc(), whole, from, to, by);
      ir::inheritOrigin(slice, origin);
      Value made = slice.getResult();
      if (made.getType() != type) {
        auto reshape = ir::ReshapeOp::create(builder, origin->getLoc(), type, made);
        ir::inheritOrigin(reshape, origin);
        made = reshape.getResult();
      }
      parts_[part].map(rows, made);
    }
    terms_.set(rows, RowTerm::rows);
  }

  /// Bytes are read and never made, so no part can hold its own: what they are cast to is cut instead. `bytes`: those of a
  /// part, or a view of them; `whole`: the input.
  LogicalResult cutBytes(OpBuilder& builder, Value bytes, ir::InputOp whole) {
    for (Operation* user : bytes.getUsers()) {
      replaced_.push_back(user); // before what reads it: they go in reverse
      if (auto reshape = dyn_cast<ir::ReshapeOp>(user)) {
        if (failed(cutBytes(builder, reshape.getResult(), whole))) return failure();
      } else if (auto pixels = dyn_cast<ir::CastOp>(user)) {
        auto type = cast<RankedTensorType>(pixels.getType());
        auto all = ir::CastOp::create(builder, pixels.getLoc(), whole.getResult(), type.getElementType());
        ir::inheritOrigin(all, user);
        cutRows(builder, user, all.getResult(), pixels.getResult());
      } else {
        return refuse(user, "takes an image as bytes");
      }
    }
    return success();
  }

  /// Row n of part m is row m * B + n of the batch: what it draws does not depend on how the batch is cut.
  void cutRng(OpBuilder& builder, ir::ControlReadOp read) {
    auto type = cast<RankedTensorType>(read.getType());
    builder.setInsertionPointAfter(read);
    parts_.front().map(read.getResult(), read.getResult());
    for (size_t part = 1; part < parts_.size(); ++part) {
      const int32_t first[] = {0, 0, 0, int32_t(rows_ * int64_t(part))};
      auto offset =
          ir::ConstantOp::create(builder, read.getLoc(), DenseElementsAttr::get(type, ArrayRef(first)));
      parts_[part].map(read.getResult(),
                       ir::AddOp::create(builder, read.getLoc(), read.getResult(), offset).getResult());
    }
    terms_.set(read.getResult(), RowTerm::key);
  }

  void cloneForParts(OpBuilder& builder, Operation* op) {
    for (IRMapping& part : parts_)
      builder.clone(*op, part);
    terms_.follow(op);
  }

  void cutOp(OpBuilder& builder, Operation* op) {
    const size_t quotients = terms_.quotients().size();
    cloneForParts(builder, op);
    replaced_.push_back(op);
    if (terms_.quotients().size() > quotients) { // of a part: its divisor is not that of the batch
      for (Value result : op->getResults())
        terms_.set(result, RowTerm::mixed);
      return;
    }
    // Sums and means over rows are those of the whole batch from here on.
    for (Value result : op->getResults()) {
      const RowTerm term = terms_[result];
      if (term != RowTerm::sum && term != RowTerm::mean) continue;
      SmallVector<Value> values;
      for (IRMapping& part : parts_) {
        values.push_back(part.lookup(result));
        part.erase(result);
      }
      Value whole = term == RowTerm::sum ? sumOf(builder, op, values) : meanOf(builder, op, values);
      result.replaceAllUsesWith(whole);
      terms_.set(result, RowTerm::free);
    }
  }

  /// Adds loss and gradients of one part to those before it. In a body of their own, which is fused by itself: adds that
  /// were fused with each other would need the gradients of all parts at once.
  void addTo(OpBuilder& builder, Operation* op, Operation* call, const PartBody& made,
             SmallVector<Value>& sums) {
    const auto isAdded = [&](size_t index) { return index == 0 || index >= made.terms.size(); };
    if (sums.empty()) {
      sums.resize(call->getNumResults());
      for (OpResult result : call->getResults())
        if (isAdded(result.getResultNumber())) sums[result.getResultNumber()] = result;
      return;
    }
    SmallVector<Value> operands;
    for (OpResult result : call->getResults())
      if (isAdded(result.getResultNumber())) operands.append({sums[result.getResultNumber()], result});
    auto add = ir::CallOp::create(builder, op->getLoc(), bodies_.sumOf(made.part, op, operands), operands);
    ir::inheritOrigin(add, op);
    auto next = add.getResults().begin();
    for (OpResult result : call->getResults())
      if (isAdded(result.getResultNumber())) sums[result.getResultNumber()] = *next++;
  }

  /// Adds the values of all parts.
  Value sumOf(OpBuilder& builder, Operation* origin, ArrayRef<Value> values) {
    Value sum = values.front();
    for (Value value : values.drop_front()) {
      auto add = ir::AddOp::create(builder, origin->getLoc(), sum, value);
      ir::inheritOrigin(add, origin);
      sum = add;
    }
    return sum;
  }

  /// Adds the values of all parts, each times its share of the valid rows.
  Value meanOf(OpBuilder& builder, Operation* origin, ArrayRef<Value> values) {
    SmallVector<Value> scaled;
    for (auto [value, share] : llvm::zip_equal(values, shares_)) {
      auto mul = ir::MulOp::create(builder, origin->getLoc(), value,
                                   spread(builder, origin->getLoc(), share, typeOf(value)));
      ir::inheritOrigin(mul, origin);
      scaled.push_back(mul);
    }
    return sumOf(builder, origin, scaled);
  }

  LogicalResult cutReport(OpBuilder& builder, ir::ReportOp report) {
    SmallVector<Value> values;
    for (size_t part = 0; part < parts_.size(); ++part)
      values.push_back(partOf(report.getValue(), part));
    const RowTerm term = terms_[report.getValue()];
    if (!ir::isFloatTensor(report.getValue().getType()))
      return refuse(report, "is of an integer, of which micro-batches have no mean");
    report.getValueMutable().assign(term == RowTerm::sum ? sumOf(builder, report, values)
                                                         : meanOf(builder, report, values));
    return success();
  }

  LogicalResult cutCall(OpBuilder& builder, Operation* op, StringRef callee, ValueRange arguments,
                        ArrayRef<int64_t> wrt) {
    for (int64_t index : wrt)
      if (isCut(arguments[index])) return refuse(op, "differentiates by rows of the batch");
    SmallVector<RowTerm> terms;
    for (Value argument : arguments)
      terms.push_back(terms_[argument]);
    auto body = symbols_.lookup<ir::BodyOp>(callee);
    FailureOr<PartBody> found = bodies_.partOf(op, body, terms, wrt, rows_);
    if (failed(found)) return failure();
    PartBody& made = *found;

    SmallVector<SmallVector<Value>> factors = factorsOf(builder, op, arguments, made);
    SmallVector<SmallVector<Value>> results(op->getNumResults()); // by result, then part
    SmallVector<Value> sums;                                      // of loss and gradients, by result
    for (size_t part = 0; part < parts_.size(); ++part) {
      SmallVector<Value> operands;
      for (Value argument : arguments)
        operands.push_back(partOf(argument, part));
      if (part > 0)
        for (auto [index, chain] : llvm::enumerate(made.chains))
          if (chain) operands[*chain] = results[index].back();
      Operation* call;
      if (wrt.empty()) {
        call = ir::CallOp::create(builder, op->getLoc(), made.part, operands);
      } else {
        operands.push_back(spread(builder, op->getLoc(), shares_[part],
                                  cast<RankedTensorType>(made.part.getArgument(arguments.size()).getType())));
        llvm::append_range(operands, factors[part]);
        call = ir::ValueAndGradOp::create(builder, op->getLoc(), made.part, operands, wrt);
      }
      ir::inheritOrigin(call, op);
      for (auto [index, result] : llvm::enumerate(call->getResults()))
        results[index].push_back(result);
      if (!wrt.empty()) addTo(builder, op, call, made, sums);
    }
    for (auto [index, values] : llvm::enumerate(results)) {
      Value result = op->getResult(index);
      if (index < sums.size() && sums[index]) {
        result.replaceAllUsesWith(sums[index]);
        continue;
      }
      const RowTerm term = made.terms[index];
      Value whole;
      if (made.chains[index])
        whole = values.back();
      else if (term == RowTerm::free)
        whole = values.front();
      else if (term == RowTerm::sum)
        whole = sumOf(builder, op, values);
      else if (term == RowTerm::mean)
        whole = meanOf(builder, op, values);
      if (whole) {
        result.replaceAllUsesWith(whole);
        continue;
      }
      for (auto [part, value] : llvm::zip_equal(parts_, values))
        part.map(result, value);
      terms_.set(result, term);
    }
    replaced_.push_back(op);
    return success();
  }

  /// By part: valid rows of the batch / (those of the part * the quotient's divisor over the whole batch), 0 for a part
  /// without rows and where the divisor is 0. Times the part's share it is 1 / divisor.
  SmallVector<SmallVector<Value>> factorsOf(OpBuilder& builder, Operation* op, ValueRange arguments,
                                            const PartBody& made) {
    SmallVector<SmallVector<Value>> factors(parts_.size());
    if (!made.totals) return factors;
    Location loc = op->getLoc();
    SmallVector<SmallVector<Value>> totals(made.factors.size()); // by quotient, then part
    for (size_t part = 0; part < parts_.size(); ++part) {
      SmallVector<Value> operands;
      for (Value argument : arguments)
        operands.push_back(partOf(argument, part));
      auto call = ir::CallOp::create(builder, loc, made.totals, operands);
      ir::inheritOrigin(call, op);
      for (auto [index, total] : llvm::enumerate(call.getResults()))
        totals[index].push_back(total);
    }
    for (auto [index, type] : llvm::enumerate(made.factors)) {
      Value whole = sumOf(builder, op, totals[index]);
      Value zero = spread(builder, loc, number(builder, loc, scalar_, 0), type);
      Value one = spread(builder, loc, number(builder, loc, scalar_, 1), type);
      for (size_t part = 0; part < parts_.size(); ++part) {
        Value divisor = ir::MulOp::create(builder, loc, spread(builder, loc, rowsOf_[part], type), whole);
        Value empty = ir::CompareOp::create(builder, loc, divisor, zero, ir::Direction::Eq);
        Value safe = ir::WhereOp::create(builder, loc, empty, one, divisor);
        Value factor = ir::DivOp::create(builder, loc, spread(builder, loc, allRows_, type), safe);
        factors[part].push_back(ir::WhereOp::create(builder, loc, empty, zero, factor));
      }
    }
    return factors;
  }

  ir::EntryOp entry_;
  SymbolTable& symbols_;
  PartBodies& bodies_;
  int64_t rows_; ///< of a micro-batch
  RowTerms terms_;
  SmallVector<IRMapping> parts_; ///< by part: what stands for a value of the step that depends on rows
  SmallVector<Operation*> ops_, replaced_;
  RankedTensorType scalar_;
  Value valid_, allRows_;              ///< the count; the same as a number that is at least 1
  SmallVector<Value> rowsOf_, shares_; ///< by part: valid rows, and their share of all
};

struct AccumulateGradients : impl::AccumulateGradientsPassBase<AccumulateGradients> {
  void runOnOperation() override {
    for (auto program : getOperation().getOps<ir::ProgramOp>()) {
      SymbolTable symbols(program);
      PartBodies bodies(symbols);
      bool changed = false;
      for (ir::EntryOp entry : llvm::to_vector(program.getOps<ir::EntryOp>())) {
        if (!entry.getAccumulate()) continue;
        auto step = cast<ir::EntryOp>(entry->clone()); // a refusal leaves the entry as it is
        entry->getBlock()->getOperations().insertAfter(Block::iterator(entry), step);
        if (failed(Accumulator(step, symbols, bodies).run())) {
          step.erase();
          return signalPassFailure();
        }
        eraseDeadOps(step.getBody().front());
        entry.erase();
        changed = true;
      }
      if (!changed) continue;
      for (auto body : llvm::make_early_inc_range(program.getOps<ir::BodyOp>()))
        if (SymbolTable::symbolKnownUseEmpty(body, program)) body.erase();
    }
  }
};

} // namespace
} // namespace tailor::passes
