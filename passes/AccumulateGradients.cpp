// A step of one micro-batch becomes a step of k. See Passes.td; RowTerms says what may be cut.
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/EraseDead.h"
#include "passes/PartBodies.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

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

/// Ops that a step of k micro-batches may become: each is made k times, and compiling takes longer than in proportion, up
/// to a minute or two for as many as this (a residual network of 8 layers in 512 micro-batches has 65000).
constexpr int64_t kMostOps = 1 << 17;

/// Ops of `block` with those of the bodies it calls. A gradient takes about twice as many as what it is the gradient of.
int64_t countOps(Block& block, const SymbolTable& symbols) {
  constexpr int64_t kWithGradient = 3;
  int64_t count = 0;
  for (Operation& op : block) {
    ++count;
    const auto addBody = [&](StringRef callee, int64_t times) {
      if (auto body = symbols.lookup<ir::BodyOp>(callee))
        count += times * countOps(body.getBody().front(), symbols);
    };
    if (auto gradient = dyn_cast<ir::ValueAndGradOp>(op)) addBody(gradient.getCallee(), kWithGradient);
    if (auto call = dyn_cast<ir::CallOp>(op)) addBody(call.getCallee(), 1);
  }
  return count;
}

/// One step.
class Accumulator {
public:
  Accumulator(ir::EntryOp entry, SymbolTable& symbols, PartBodies& bodies)
      : entry_(entry), symbols_(symbols), bodies_(bodies), rows_(*entry.getBatch()), terms_(rows_),
        parts_(*entry.getAccumulate()) {}

  LogicalResult run() {
    if (failed(checkSize())) return failure();
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
  LogicalResult checkSize() {
    const int64_t one = countOps(entry_.getBody().front(), symbols_);
    if (one * int64_t(parts_.size()) <= kMostOps) return success();
    InFlightDiagnostic error = entry_.emitError("a step of ")
                               << parts_.size() << " micro-batches (run.accumulate) would have about "
                               << one * int64_t(parts_.size()) << " ops, " << one << " for each, and at most "
                               << kMostOps << " are compiled";
    error.attachNote() << "a larger run.batch with at most " << std::max<int64_t>(kMostOps / one, 1)
                       << " micro-batches makes a step of as many rows";
    return failure();
  }

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
    // Sums, means and extremes over rows are those of the whole batch from here on.
    for (Value result : op->getResults()) {
      SmallVector<Value> values;
      for (const IRMapping& part : parts_)
        values.push_back(part.lookup(result));
      Value whole = wholeOf(builder, op, terms_[result], values);
      if (!whole) continue;
      for (IRMapping& part : parts_)
        part.erase(result);
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

  /// The value over the whole batch, of those over its parts; null where they do not make it.
  Value wholeOf(OpBuilder& builder, Operation* origin, RowTerm term, ArrayRef<Value> values) {
    switch (term) {
    case RowTerm::sum:
      return folded<ir::AddOp>(builder, origin, values);
    case RowTerm::mean:
      return meanOf(builder, origin, values);
    case RowTerm::largest:
      return folded<ir::MaxOp>(builder, origin, values);
    case RowTerm::least:
      return folded<ir::MinOp>(builder, origin, values);
    case RowTerm::free:
    case RowTerm::count:
    case RowTerm::key:
    case RowTerm::rows:
    case RowTerm::statistic:
    case RowTerm::mixed:
      return {};
    }
    llvm_unreachable("every term is one of these");
  }

  /// Adds the values of all parts.
  Value sumOf(OpBuilder& builder, Operation* origin, ArrayRef<Value> values) {
    return folded<ir::AddOp>(builder, origin, values);
  }
  template <class Op> Value folded(OpBuilder& builder, Operation* origin, ArrayRef<Value> values) {
    Value whole = values.front();
    for (Value value : values.drop_front()) {
      auto op = Op::create(builder, origin->getLoc(), whole, value);
      ir::inheritOrigin(op, origin);
      whole = op;
    }
    return whole;
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
    Value value = report.getValue();
    if (!ir::isFloatTensor(value.getType()))
      return refuse(report, "is of an integer, of which micro-batches have no mean");
    Value whole = wholeOf(builder, report, terms_[value], values);
    if (!whole &&
        terms_[value] == RowTerm::statistic) // batch norms see micro-batches: what they see on average
      whole = meanOf(builder, report, values);
    if (!whole) {
      InFlightDiagnostic error =
          report.emitError("gradients cannot be accumulated: report '")
          << report.getMetric()
          << "' is neither a sum, a mean, a maximum nor a minimum over the rows of the batch, so "
             "micro-batches do not tell it";
      if (Operation* cause = terms_.cause(value))
        error.attachNote(cause->getLoc()) << "'" << cause->getName().stripDialect() << "' makes it another";
      error.attachNote() << "run.accumulate = 1 reports it; so does a report of what it is computed from";
      return failure();
    }
    report.getValueMutable().assign(whole);
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
    if (!wrt.empty() && made.terms.front() == RowTerm::sum)
      noted(op->getLoc(), kName, "sum",
            "the loss is a sum over rows, not a mean: it and its gradients grow with the rows of a step, "
            "which are " +
                Twine(parts_.size()) + " x " + Twine(rows_) +
                "; a constant that it is divided by was not multiplied");

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
      else
        whole = wholeOf(builder, op, term, values);
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
