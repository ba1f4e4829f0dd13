// The element type of every value. See Passes.td.
#include "ir/StoredValue.h"
#include "ir/Tailor.h"
#include "passes/analysis/Groups.h"
#include "passes/Grouping.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_ASSIGNPRECISIONPASS
#include "passes/Passes.h.inc"
namespace {

/// f32 and worth narrowing: a matrix or images.
bool isWide(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32() && type.getRank() >= 2;
}

RankedTensorType inBf16(Type type) {
  return cast<RankedTensorType>(type).clone(BFloat16Type::get(type.getContext()));
}

/// The kind of the group that holds `op` and casts beside it; none if casts cannot stand there.
std::optional<ir::FusionKind> kindWithCasts(Operation* op) {
  if (ir::fusionClassOf(op) == ir::FusionClass::Convolution) return ir::FusionKind::Convolution;
  ir::FusionKind kind = kindOfSingle(op);
  switch (kind) {
  case ir::FusionKind::Map:
  case ir::FusionKind::Rows:
  case ir::FusionKind::Columns:
  case ir::FusionKind::Channels:
  case ir::FusionKind::Gemm:
  case ir::FusionKind::Convolution:
    return kind;
  case ir::FusionKind::MultiTensor:
  case ir::FusionKind::Scalar:
  case ir::FusionKind::Single:
  case ir::FusionKind::Horizontal:
    return std::nullopt;
  }
  llvm_unreachable("every kind takes casts or not");
}

bool isProduct(Operation* op) {
  return ir::fusionClassOf(op) == ir::FusionClass::Contraction ||
         ir::fusionClassOf(op) == ir::FusionClass::Convolution;
}

/// The products of an entry, each in a group; those that stand alone become one.
SmallVector<Operation*> productsOf(ir::EntryOp entry) {
  SmallVector<Operation*> products, alone;
  entry.walk([&](Operation* op) {
    if (!isProduct(op)) return;
    if (!op->getParentOfType<ir::FusedOp>() && kindWithCasts(op)) alone.push_back(op);
    products.push_back(op);
  });
  for (Operation* op : alone)
    wrapInFused({op}, *kindWithCasts(op));
  return products;
}

/// What products multiply becomes the nearest number of tf32.
void roundToTf32(ir::EntryOp entry) {
  for (Operation* product : productsOf(entry)) {
    OpBuilder builder(product);
    for (OpOperand& operand : product->getOpOperands())
      operand.set(
          ir::RoundTf32Op::create(builder, product->getLoc(), operand.get().getType(), operand.get()));
  }
}

/// Makes bf16 of what the groups of an entry hand to one another, and of the weights that they multiply with.
class Bf16Storage {
public:
  /// `narrowProducts`: what a group computes for a product is rounded as if it had been stored.
  Bf16Storage(ir::EntryOp entry, bool narrowProducts) : entry_(entry), narrowProducts_(narrowProducts) {}

  void run() {
    entry_.walk([&](Operation* op) {
      if (isa<ir::StoreOp, ir::ReportOp>(op) || isMultiTensor(op))
        llvm::for_each(op->getOperands(), [&](Value operand) { keep(operand); });
      // Entries that differ in what they put out must agree in everything else: features are rounded for the head
      // whether they are put out or not. Logits, which no product reads, stay exact.
      if (isa<ir::OutputOp>(op) && !feedsProduct(op->getOperand(0))) keep(op->getOperand(0));
      if (ir::fusionClassOf(op) == ir::FusionClass::Loss) keepLoss(op);
    });
    wrap();
    SmallVector<ir::FusedOp> groups;
    entry_.walk([&](ir::FusedOp fused) { groups.push_back(fused); });
    for (ir::FusedOp fused : groups)
      for (OpResult result : fused->getResults())
        if (isActivation(result)) narrow(result);
    SmallVector<Value> weights;
    entry_.walk([&](Operation* op) {
      if (isa<ir::LoadOp>(op) || isMultiTensor(op)) llvm::append_range(weights, op->getResults());
    });
    for (Value weight : weights)
      narrowWeight(weight);
    if (narrowProducts_)
      for (Operation* product : productsOf(entry_))
        narrowOperands(product);
    report();
  }

private:
  static bool isMultiTensor(Operation* op) {
    if (op->getParentOfType<ir::FusedOp>()) return false;
    return kindOfSingle(op) == ir::FusionKind::MultiTensor;
  }

  static bool isProductOf(Operation* op, Value operand) {
    return isProduct(op) && llvm::is_contained(op->getOperands(), operand);
  }

  /// True if a product, in a group or alone, reads `value`.
  static bool feedsProduct(Value value) {
    return llvm::any_of(value.getUses(), [](OpOperand& use) {
      auto fused = dyn_cast<ir::FusedOp>(use.getOwner());
      if (!fused) return isProductOf(use.getOwner(), use.get());
      BlockArgument argument = fused.getBlock().getArgument(use.getOperandNumber());
      return llvm::any_of(argument.getUsers(), [&](Operation* user) { return isProductOf(user, argument); });
    });
  }

  /// A loss reads logits as they are, like whoever scores them, and its gradient is not rounded either: the difference of a
  /// probability and 0 or 1, of which the smallest are those of the rare classes.
  void keepLoss(Operation* loss) {
    auto fused = loss->getParentOfType<ir::FusedOp>();
    for (Value operand : loss->getOperands())
      fused ? keepInside(fused, operand) : keep(operand);
    if (!fused) {
      kept_.insert(loss->result_begin(), loss->result_end());
      return;
    }
    for (auto [inside, outside] : llvm::zip_equal(fused.getYield().getValues(), fused->getResults()))
      if (isMadeFrom(inside, loss)) kept_.insert(outside);
  }

  /// True if `value`, in the group of `op`, is a result of it or elementwise of one.
  static bool isMadeFrom(Value value, Operation* op) {
    Operation* maker = value.getDefiningOp();
    if (maker == op) return true;
    return maker && maker->hasTrait<ir::Elementwise>() &&
           llvm::any_of(maker->getOperands(), [&](Value operand) { return isMadeFrom(operand, op); });
  }

  /// `value` stays f32, and so does what it is a sum of: gradients, on the way to an update.
  void keep(Value value) {
    if (!isWide(value) || !kept_.insert(value).second) return;
    Operation* op = value.getDefiningOp();
    if (!op) return;
    if (auto fused = dyn_cast<ir::FusedOp>(op)) {
      keepInside(fused, fused.getYield().getValues()[cast<OpResult>(value).getResultNumber()]);
    } else if (op->hasTrait<ir::Elementwise>()) {
      llvm::for_each(op->getOperands(), [&](Value operand) { keep(operand); });
    }
  }

  void keepInside(ir::FusedOp fused, Value value) {
    if (!isWide(value)) return;
    if (auto argument = dyn_cast<BlockArgument>(value))
      return keep(fused.getInputs()[argument.getArgNumber()]);
    Operation* op = value.getDefiningOp();
    if (op->hasTrait<ir::Elementwise>())
      llvm::for_each(op->getOperands(), [&](Value operand) { keepInside(fused, operand); });
  }

  /// Ops that stand alone become groups, for casts to stand in.
  void wrap() {
    SmallVector<Operation*> alone;
    entry_.walk([&](Operation* op) {
      if (isa<ir::FusedOp>(op) || op->getParentOfType<ir::FusedOp>() || !kindWithCasts(op)) return;
      if (llvm::any_of(op->getOperands(), isWide) || llvm::any_of(op->getResults(), isWide))
        alone.push_back(op);
    });
    for (Operation* op : alone) {
      ir::FusedOp fused = wrapInFused({op}, *kindWithCasts(op));
      for (auto [inside, outside] : llvm::zip_equal(fused.getYield().getValues(), fused->getResults()))
        if (kept_.contains(inside)) kept_.insert(outside);
    }
  }

  bool isActivation(OpResult result) {
    // Nothing can be computed in the stores of a weight gradient, which is a sum.
    auto fused = dyn_cast<ir::FusedOp>(result.getOwner());
    if (!fused || !fused.getBlock().getOps<ir::Conv2dWeightGradOp>().empty()) return false;
    if (!isWide(result) || kept_.contains(result) || result.use_empty()) return false;
    return llvm::all_of(result.getUsers(),
                        [](Operation* user) {
                          return isa<ir::OutputOp>(user) || (isa<ir::FusedOp>(user) && kindWithCasts(user));
                        }) &&
           kindWithCasts(result.getOwner());
  }

  void narrow(OpResult result) {
    auto fused = cast<ir::FusedOp>(result.getOwner());
    ir::YieldOp yield = fused.getYield();
    OpBuilder builder(yield);
    Value inside = yield.getValues()[result.getResultNumber()];
    Value stored = ir::CastOp::create(builder, inside.getLoc(), inside, builder.getBF16Type());
    yield->setOperand(result.getResultNumber(), stored);
    result.setType(inBf16(result.getType()));
    count(result);
    for (OpOperand& use : llvm::make_early_inc_range(result.getUses())) {
      if (!isa<ir::OutputOp>(use.getOwner())) {
        widen(use);
        continue;
      }
      OpBuilder before(use.getOwner());
      use.set(ir::CastOp::create(before, use.getOwner()->getLoc(), result, before.getF32Type()));
    }
  }

  /// The group that reads a narrowed value computes with it in f32.
  static void widen(OpOperand& use) {
    auto fused = cast<ir::FusedOp>(use.getOwner());
    BlockArgument argument = fused.getBlock().getArgument(use.getOperandNumber());
    argument.setType(use.get().getType());
    OpBuilder builder = OpBuilder::atBlockBegin(&fused.getBlock());
    auto wide = ir::CastOp::create(builder, argument.getLoc(), argument, builder.getF32Type());
    argument.replaceAllUsesExcept(wide, wide);
  }

  /// A copy in bf16 for the products; the state, and whatever else reads it, stay f32.
  void narrowWeight(Value weight) {
    if (!isWide(weight)) return;
    SmallVector<OpOperand*> products;
    for (OpOperand& use : weight.getUses()) {
      auto fused = dyn_cast<ir::FusedOp>(use.getOwner());
      if (!fused || !kindWithCasts(fused)) continue;
      BlockArgument argument = fused.getBlock().getArgument(use.getOperandNumber());
      if (llvm::any_of(argument.getUsers(), [&](Operation* user) {
            return ir::fusionClassOf(user) == ir::FusionClass::Contraction ||
                   (ir::fusionClassOf(user) == ir::FusionClass::Convolution &&
                    ir::weightOf(user) == argument);
          }))
        products.push_back(&use);
    }
    if (products.empty()) return;
    OpBuilder builder(weight.getContext());
    builder.setInsertionPointAfterValue(weight);
    Location line = products.front()->getOwner()->getLoc(); // a state has none
    Value copy = ir::CastOp::create(builder, line, weight, builder.getBF16Type());
    count(copy);
    for (OpOperand* use : products) {
      use->set(copy);
      widen(*use);
    }
  }

  /// Rounds what is computed for a product, unless an operand comes of f32 alone: the input of a network is not narrower
  /// than it was given.
  static void narrowOperands(Operation* product) {
    if (!product->getParentOfType<ir::FusedOp>() || !llvm::all_of(product->getOperands(), readsBf16)) return;
    OpBuilder builder(product);
    for (OpOperand& operand : product->getOpOperands()) {
      if (ir::storedValue(operand.get()) != operand.get()) continue;
      Value narrow = ir::CastOp::create(builder, product->getLoc(), operand.get(), builder.getBF16Type());
      operand.set(ir::CastOp::create(builder, product->getLoc(), narrow, builder.getF32Type()));
    }
  }

  /// True if `value`, in a group, is made of a matrix or images that are stored in bf16.
  static bool readsBf16(Value value) {
    if (isa<BlockArgument>(value)) return false; // what is stored so is read by a cast
    Operation* maker = value.getDefiningOp();
    if (auto cast = dyn_cast<ir::CastOp>(maker); cast && ir::storedValue(value) != value) return true;
    return llvm::any_of(maker->getOperands(), readsBf16);
  }

  /// How much was narrowed, and what was not for want of a group that takes casts: nobody should look for bytes that are
  /// not saved.
  void report() {
    constexpr const char* kName = "assign-precision";
    if (values_ > 0)
      noted(entry_.getLoc(), kName, "bf16",
            Twine("'") + entry_.getSymName() + "' stores " + Twine(values_) +
                " values in bf16: " + Twine(bytes_) + " bytes instead of " + Twine(2 * bytes_));
    llvm::MapVector<StringRef, int64_t> beside;
    entry_.walk([&](Operation* op) {
      if (op->getParentOfType<ir::FusedOp>()) return;
      for (OpResult result : op->getResults())
        if (isWide(result) && !kept_.contains(result))
          if (Operation* obstacle = obstacleOf(result))
            beside[obstacle->getName().stripDialect()] += bytesOf(result);
    });
    for (auto [name, bytes] : beside)
      noted(entry_.getLoc(), kName, "wide",
            Twine("'") + entry_.getSymName() + "' keeps " + Twine(bytes) + " bytes in f32 that " + name +
                " makes or reads: it has no bf16");
  }

  /// The op that takes no casts beside it and makes or reads `result`, an activation or a gradient; null if there is none.
  static Operation* obstacleOf(OpResult result) {
    auto isKernel = [](Operation* op) {
      return !isa<ir::LoadOp, ir::InputOp, ir::ConstantOp, ir::StoreOp, ir::ReportOp, ir::OutputOp>(op) &&
             !isMultiTensor(op);
    };
    if (!isKernel(result.getOwner())) return nullptr;
    if (!kindWithCasts(result.getOwner())) return result.getOwner();
    auto found = llvm::find_if(result.getUsers(),
                               [&](Operation* user) { return isKernel(user) && !kindWithCasts(user); });
    return found == result.getUsers().end() ? nullptr : *found;
  }

  void count(Value value) {
    ++values_;
    bytes_ += cast<RankedTensorType>(value.getType()).getNumElements() * 2;
  }

  ir::EntryOp entry_;
  bool narrowProducts_;
  llvm::DenseSet<Value> kept_;
  int64_t values_ = 0, bytes_ = 0;
};

struct AssignPrecision : impl::AssignPrecisionPassBase<AssignPrecision> {
  using AssignPrecisionPassBase::AssignPrecisionPassBase;

  void runOnOperation() override {
    if (precision != "f32" && precision != "tf32" && precision != "bf16") {
      emitError(getOperation().getLoc())
          << "precision '" << precision << "' is not supported; it is f32, tf32 or bf16";
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([](Operation* op) {
      for (Value value : op->getResults()) {
        auto type = dyn_cast<RankedTensorType>(value.getType());
        if (!type || !isa<FloatType>(type.getElementType()) || type.getElementType().isF32()) continue;
        op->emitOpError("has a result of type ") << type << ", but programs are compiled from f32";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted()) return signalPassFailure();
    if (precision == "f32") return;
    getOperation().walk([&](ir::EntryOp entry) {
      if (entry.getKind() == ir::EntryKind::Init || entry.getKind() == ir::EntryKind::Fit) return;
      precision == "tf32" ? roundToTf32(entry) : Bf16Storage(entry, narrowProducts).run();
    });
  }
};

} // namespace
} // namespace tailor::passes
