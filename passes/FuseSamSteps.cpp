// The two halves of a sharpness-aware step as multi-tensor kernels. See Passes.td; formulas: methods.md
// section 5.
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/EraseDead.h"
#include "passes/FusionBudget.h"
#include "passes/Grouping.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FUSESAMSTEPSPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "fuse-sam-steps";

int64_t bytesOf(ValueRange values) {
  int64_t bytes = 0;
  for (Value value : values)
    bytes += passes::bytesOf(value);
  return bytes;
}

Location fusedLoc(ArrayRef<Operation*> ops) {
  return FusedLoc::get(ops.front()->getContext(),
                       llvm::map_to_vector(ops, [](Operation* op) { return op->getLoc(); }));
}

/// The number a float constant holds in every element.
std::optional<double> splatOf(Value value) {
  DenseFPElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat()) return std::nullopt;
  return elements.getSplatValue<APFloat>().convertToDouble();
}

//===- norm ---------------------------------------------------------------===//

/// sum(x * x) over all elements: the tensor x.
Value squaredSumOf(Value value) {
  auto sum = value.getDefiningOp<ir::ReduceSumOp>();
  if (!sum || cast<RankedTensorType>(sum.getType()).getRank() != 0) return nullptr;
  if (auto square = sum.getOperand().getDefiningOp<ir::SquareOp>()) return square.getOperand();
  if (auto product = sum.getOperand().getDefiningOp<ir::MulOp>();
      product && product.getLhs() == product.getRhs())
    return product.getLhs();
  return nullptr;
}

/// sqrt(sum(g0 * g0) + sum(g1 * g1) + ...) -> global_norm(g0, g1, ...), at least two tensors.
void fuseNorms(Block& block, FusionBudget& budget) {
  for (auto root : llvm::make_early_inc_range(block.getOps<ir::SqrtOp>())) {
    SmallVector<Value> open{root.getOperand()}, tensors;
    SmallVector<Operation*> ops{root};
    while (!open.empty()) {
      Value term = open.pop_back_val();
      if (Value tensor = squaredSumOf(term)) {
        tensors.push_back(tensor);
        ops.push_back(term.getDefiningOp());
      } else if (auto sum = term.getDefiningOp<ir::AddOp>()) {
        open.append({sum.getRhs(), sum.getLhs()}); // left to right
      } else {
        tensors.clear();
        break;
      }
    }
    if (tensors.size() < 2 || !budget.take()) continue;
    OpBuilder builder(root);
    auto norm = ir::GlobalNormOp::create(builder, fusedLoc(ops), root.getType(), tensors, ValueRange());
    ir::inheritOrigin(norm, ops);
    taken(norm.getLoc(), kName, "global-norm",
          "squared norms of " + Twine(tensors.size()) + " tensors in one multi-tensor kernel", 0,
          tracedOps(ops));
    root.replaceAllUsesWith(norm.getResult());
  }
}

//===- perturbation -------------------------------------------------------===//

/// radius / (norm + epsilon), written as a quotient or with a reciprocal.
struct StepLength {
  Value radius;
  ir::GlobalNormOp norm;
  double epsilon;

  static std::optional<StepLength> match(Value scale) {
    Value radius, denominator;
    if (auto quotient = scale.getDefiningOp<ir::DivOp>()) {
      radius = quotient.getLhs();
      denominator = quotient.getRhs();
    } else if (auto product = scale.getDefiningOp<ir::MulOp>()) {
      auto inverse = product.getRhs().getDefiningOp<ir::ReciprocalOp>();
      radius = product.getLhs();
      if (!inverse) {
        inverse = product.getLhs().getDefiningOp<ir::ReciprocalOp>();
        radius = product.getRhs();
      }
      if (inverse) denominator = inverse.getOperand();
    }
    auto sum = denominator ? denominator.getDefiningOp<ir::AddOp>() : nullptr;
    if (!sum) return std::nullopt;
    for (auto [normSide, epsilonSide] :
         {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())})
      if (auto norm = normSide.getDefiningOp<ir::GlobalNormOp>(); norm && norm.getWeights().empty())
        if (std::optional<double> epsilon = splatOf(epsilonSide); epsilon && *epsilon > 0)
          return StepLength{radius, norm, *epsilon};
    return std::nullopt;
  }
};

/// w + g * scale, found from the scale: `add` per gradient.
struct Perturbation {
  llvm::MapVector<Value, std::pair<ir::AddOp, Value>> steps; ///< gradient -> (sum, parameter)

  static Perturbation collect(Value scale) {
    Perturbation found;
    SmallVector<Value> factors{scale};
    for (Operation* user : scale.getUsers())
      if (auto broadcast = dyn_cast<ir::BroadcastOp>(user)) factors.push_back(broadcast.getResult());
    for (Value factor : factors)
      for (Operation* user : factor.getUsers()) {
        auto product = dyn_cast<ir::MulOp>(user);
        if (!product || !product->hasOneUse()) continue;
        Value gradient = product.getLhs() == factor ? product.getRhs() : product.getLhs();
        if (auto sum = dyn_cast<ir::AddOp>(*product->user_begin()))
          found.steps[gradient] = {sum, sum.getLhs() == product.getResult() ? sum.getRhs() : sum.getLhs()};
      }
    return found;
  }
};

void fusePerturbations(Block& block, FusionBudget& budget) {
  for (Operation& op : llvm::make_early_inc_range(block)) {
    std::optional<StepLength> length =
        op.getNumResults() == 1 ? StepLength::match(op.getResult(0)) : std::nullopt;
    if (!length) continue;
    Perturbation perturbation = Perturbation::collect(op.getResult(0));
    if (perturbation.steps.empty()) continue;
    SmallVector<Value> gradients(length->norm.getTensors()), parameters;
    SmallVector<Operation*> ops{&op};
    for (Value gradient : gradients)
      if (auto step = perturbation.steps.find(gradient); step != perturbation.steps.end()) {
        ops.push_back(step->second.first);
        parameters.push_back(step->second.second);
      }
    if (parameters.size() != gradients.size() || perturbation.steps.size() != gradients.size()) {
      missed(fusedLoc(ops), kName, "norm-over-other-tensors",
             "the norm is taken over " + Twine(gradients.size()) + " gradients but " +
                 Twine(perturbation.steps.size()) + " tensors are perturbed",
             "perturb exactly the tensors whose gradients are in the norm", tracedOps(ops));
      continue;
    }
    Operation* first = *llvm::min_element(ArrayRef(ops).drop_front(),
                                          [](Operation* a, Operation* b) { return a->isBeforeInBlock(b); });
    bool available = llvm::all_of(parameters, [&](Value parameter) {
      Operation* producer = parameter.getDefiningOp();
      return !producer || producer->isBeforeInBlock(first);
    });
    if (!available) {
      missed(fusedLoc(ops), kName, "parameter-made-later",
             "a parameter is computed after the first one is perturbed", "", tracedOps(ops));
      continue;
    }
    if (!budget.take()) continue;
    OpBuilder builder(first);
    auto perturb = ir::SamPerturbOp::create(builder, fusedLoc(ops), parameters, gradients,
                                            length->norm.getResult(), length->radius);
    perturb.setEpsilon(APFloat(length->epsilon));
    ops.insert(ops.begin(), first);
    ir::inheritOrigin(perturb, ops);
    for (auto [gradient, result] : llvm::zip_equal(gradients, perturb.getResults()))
      perturbation.steps[gradient].first.getResult().replaceAllUsesWith(result);
    taken(perturb.getLoc(), kName, "perturbed-write",
          "the ascent writes " + Twine(parameters.size()) +
              " perturbed tensors in one kernel; no epsilon buffer, nothing to restore",
          2 * bytesOf(ValueRange(parameters)), tracedOps(ops));
  }
}

//===- update and average -------------------------------------------------===//

/// The new parameters of an optimizer op: its first result role.
ValueRange newParameters(Operation* update) {
  auto roles = cast<ir::MultiTensorOpInterface>(update);
  return update->getResults().slice(roles.getResultRoles().front().begin, roles.getNumTensors());
}

/// True if a tensor stands twice among the roles of both ops: a group has each input once.
bool repeatsTensor(Operation* update, ir::EmaUpdateOp average) {
  SmallVector<Value> tensors(average.getAverages());
  auto roles = cast<ir::MultiTensorOpInterface>(update);
  for (const ir::TensorRole& role : roles.getOperandRoles())
    llvm::append_range(tensors, update->getOperands().slice(role.begin, roles.getNumTensors()));
  return DenseSet<Value>(tensors.begin(), tensors.end()).size() != tensors.size();
}

void fuseUpdates(Block& block, FusionBudget& budget) {
  SmallVector<Operation*> updates;
  for (Operation& op : block)
    if (auto multi = dyn_cast<ir::MultiTensorOpInterface>(op); multi && multi.isParameterUpdate())
      updates.push_back(&op);
  if (updates.empty()) return;
  BlockGroups groups(block);
  bool changed = false;
  for (Operation* update : updates) {
    ValueRange parameters = newParameters(update);
    if (unsigned segments = cast<ir::MultiTensorOpInterface>(update).getNumSegments(); segments > 1)
      noted(update->getLoc(), kName, "parameter-groups",
            Twine(parameters.size()) + " tensors in " + Twine(segments) +
                " ranges, each with its own rate and decay, in one multi-tensor kernel");
    for (auto average : block.getOps<ir::EmaUpdateOp>()) {
      size_t shared =
          llvm::count_if(average.getValues(), [&](Value v) { return llvm::is_contained(parameters, v); });
      if (shared == 0) continue;
      Location loc = fusedLoc({update, average});
      if (!llvm::equal(average.getValues(), parameters)) {
        missed(loc, kName, "average-of-other-tensors",
               "the average covers " + Twine(average.getValues().size()) + " tensors, " + Twine(shared) +
                   " of the " + Twine(parameters.size()) + " updated ones; they stay two kernels",
               "average exactly the updated tensors, in the same order", tracedOps({update, average}));
        continue;
      }
      BlockGroups::GroupId a = *groups.groupOf(update), b = *groups.groupOf(average);
      if (groups.group(a).ops.size() > 1 || groups.joiningCreatesCycle(a, b)) {
        missed(loc, kName, "used-in-between", "the new weights are needed between the update and the average",
               "", tracedOps({update, average}));
        continue;
      }
      if (repeatsTensor(update, average)) {
        missed(loc, kName, "tensor-twice", "one tensor plays two roles in the update and the average");
        continue;
      }
      if (!budget.take()) continue;
      groups.join(a, b, ir::FusionKind::MultiTensor);
      changed = true;
      taken(loc, kName, "update-with-average",
            "update and moving average of " + Twine(parameters.size()) +
                " tensors in one multi-tensor kernel",
            bytesOf(parameters), tracedOps({update, average}));
    }
  }
  if (changed) groups.materialize();
}

/// Two runs of one body on the same batch: the batch is read from the slot once.
void noteSharedBatch(ir::EntryOp entry) {
  llvm::MapVector<StringRef, SmallVector<ir::CallOp>> calls;
  entry.walk([&](ir::CallOp call) { calls[call.getCallee()].push_back(call); });
  for (auto& [callee, runs] : calls) {
    if (runs.size() < 2) continue;
    SmallVector<Value> shared;
    for (auto [first, second] : llvm::zip_equal(runs[0].getArguments(), runs[1].getArguments()))
      if (first == second && first.getDefiningOp<ir::InputOp>()) shared.push_back(first);
    if (!shared.empty())
      noted(fusedLoc({runs[0], runs[1]}), kName, "shared-batch",
            "both runs of '" + callee + "' read the same " + Twine(bytesOf(ValueRange(shared))) +
                " bytes of batch");
  }
}

struct FuseSamSteps : impl::FuseSamStepsPassBase<FuseSamSteps> {
  void runOnOperation() override {
    FusionBudget budget(getOperation());
    for (auto program : getOperation().getOps<ir::ProgramOp>())
      for (auto entry : program.getOps<ir::EntryOp>()) {
        Block& block = entry.getBody().front();
        fuseNorms(block, budget);
        fusePerturbations(block, budget);
        eraseDeadOps(block);
        fuseUpdates(block, budget);
        noteSharedBatch(entry);
      }
  }
};

} // namespace
} // namespace tailor::passes
