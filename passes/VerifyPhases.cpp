// One check per phase boundary. See Passes.td.
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/FormKernels.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "passes/PlanMemory.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_VERIFYPHASESPASS
#include "passes/Passes.h.inc"
namespace {

/// Ops that touch state, control, inputs, metrics or outputs live in entries.
bool belongsToEntry(Operation* op) {
  return isa<ir::LoadOp, ir::StoreOp, ir::ControlReadOp, ir::InputOp, ir::ReportOp, ir::OutputOp>(op);
}

/// A library call takes addresses and sizes, not the contents of memory: a value of the control block cannot
/// reach it.
bool isLibraryCall(Operation* op) {
  ir::FusionClass fusionClass = ir::fusionClassOf(op);
  return fusionClass == ir::FusionClass::Convolution || fusionClass == ir::FusionClass::Contraction;
}

class PhaseChecker {
public:
  PhaseChecker(ir::ProgramOp program, Phase phase)
      : program_(program), phase_(phase), control_(program.getControl()) {}

  LogicalResult run() {
    WalkResult result = program_.walk([&](Operation* op) {
      return failed(checkHostScalars(op)) || failed(checkShapes(op)) || failed(checkIds(op)) ||
                     failed(checkPlace(op)) || failed(checkPhase(op))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

private:
  /// What changes from step to step is a tensor in memory, never a number in a command.
  LogicalResult checkHostScalars(Operation* op) {
    auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
    for (Type type : op->getOperandTypes())
      if (!isTensor(type))
        return op->emitOpError("takes a host scalar of type ")
               << type << ": per-step values are control fields";
    for (Type type : op->getResultTypes())
      if (!isTensor(type))
        return op->emitOpError("makes a host scalar of type ")
               << type << ": per-step values are control fields";
    for (Region& region : op->getRegions())
      for (Block& block : region)
        for (BlockArgument argument : block.getArguments())
          if (isa<ir::EntryOp>(op) || !isTensor(argument.getType()))
            return op->emitOpError("takes a host scalar as argument ")
                   << argument.getArgNumber() << ": per-step values are control fields";
    if (isa<ir::LaunchOp>(op))
      for (NamedAttribute attribute : op->getDiscardableAttrs())
        if (attribute.getName() != ir::kOpId &&
            attribute.getName() != ir::kVjpOf) // whatever form a number takes
          return op->emitOpError("carries the host value '")
                 << attribute.getName().getValue() << "': per-step values are control fields";
    if (control_ && !isa<ir::ControlReadOp, ir::EntryOp>(op)) // an entry names its rate, for the log only
      for (NamedAttribute attribute : op->getAttrs())
        if (auto symbol = dyn_cast<FlatSymbolRefAttr>(attribute.getValue()))
          if (SymbolTable::lookupSymbolIn(control_, symbol) && !SymbolTable::lookupSymbolIn(program_, symbol))
            return op->emitOpError("names control field '")
                   << symbol.getValue() << "' in attribute '" << attribute.getName().getValue()
                   << "': read it with tailor.control_read";
    if (isLibraryCall(op))
      for (Value operand : op->getOperands())
        if (operand.getDefiningOp<ir::ControlReadOp>())
          return op->emitOpError("is a library call and cannot read a control field");
    return success();
  }

  /// Sizes are known when the program is compiled (a kernel alone may leave its rows open), and small enough
  /// that the bytes of a whole program can be counted.
  LogicalResult checkShapes(Operation* op) {
    constexpr int64_t kMaxElements = int64_t{1} << 40;
    if (isa<ir::KernelOp>(op) || op->getParentOfType<ir::KernelOp>()) return success();
    auto check = [&](Type type) -> LogicalResult {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor) return success();
      if (!tensor.hasStaticShape())
        return op->emitOpError("has a value of type ")
               << type << ": sizes are known when a program is compiled";
      int64_t room = kMaxElements;
      for (int64_t size : tensor.getShape())
        room = size == 0 ? room : room / size;
      if (room > 0 || llvm::is_contained(tensor.getShape(), 0)) return success();
      return op->emitOpError("has a value of type ")
             << type << " of more than " << kMaxElements << " elements";
    };
    if (auto state = dyn_cast<ir::StateOp>(op)) return check(state.getType());
    for (Type type : op->getResultTypes())
      if (failed(check(type))) return failure();
    for (Region& region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        if (failed(check(argument.getType()))) return failure();
    return success();
  }

  /// The artifact stores ids as 32-bit numbers, and Differentiate counts on from the largest.
  LogicalResult checkIds(Operation* op) {
    SmallVector<int64_t> ids;
    if (auto launch = dyn_cast<ir::LaunchOp>(op); launch && launch.getOpIds())
      llvm::append_range(ids, *launch.getOpIds());
    for (std::optional<int64_t> id : {ir::opId(op), ir::vjpOf(op)})
      if (id) ids.push_back(*id);
    constexpr int64_t kMaxId = (int64_t{1} << 30) - 1;
    for (int64_t id : ids)
      if (id < 0 || id > kMaxId)
        return op->emitOpError("has the id ") << id << ", but ids are numbers from 0 to " << kMaxId;
    return success();
  }

  LogicalResult checkPlace(Operation* op) {
    if (belongsToEntry(op) && !op->getParentOfType<ir::EntryOp>())
      return op->emitOpError("is only allowed in an entry: bodies are pure functions of their arguments");
    return success();
  }

  LogicalResult tooLate(Operation* op, Phase last) {
    return op->emitOpError("must be gone after phase '")
           << stringifyPhase(last) << "' but the module is in phase '" << stringifyPhase(phase_) << "'";
  }

  LogicalResult tooEarly(Operation* op, Phase first) {
    return op->emitOpError("appears first in phase '")
           << stringifyPhase(first) << "' but the module is in phase '" << stringifyPhase(phase_) << "'";
  }

  LogicalResult checkPhase(Operation* op) {
    if (phase_ < Phase::differentiated && ir::vjpOf(op))
      return op->emitOpError(
          "carries vjp_of, which Differentiate makes, but the module is in phase 'traced'");
    if (isa<ir::FusedOp>(op) && phase_ < Phase::fused) return tooEarly(op, Phase::fused);
    if (isa<ir::KernelOp, ir::LaunchOp>(op) && phase_ < Phase::kernels) return tooEarly(op, Phase::kernels);
    if (isa<ir::ValueAndGradOp>(op) && phase_ > Phase::traced) return tooLate(op, Phase::traced);
    if (isa<ir::BodyOp, ir::CallOp>(op) && phase_ > Phase::fused) return tooLate(op, Phase::fused);
    if (isa<ir::FusedOp>(op) && phase_ > Phase::placed) return tooLate(op, Phase::placed);
    if (phase_ > Phase::placed && op->getParentOfType<ir::EntryOp>() && needsKernel(op))
      return op->emitOpError("must be in a kernel after phase 'placed'");
    return success();
  }

  ir::ProgramOp program_;
  Phase phase_;
  ir::ControlOp control_;
};

struct VerifyPhases : impl::VerifyPhasesPassBase<VerifyPhases> {
  using VerifyPhasesPassBase::VerifyPhasesPassBase;

  void runOnOperation() override {
    std::optional<Phase> checked = symbolizePhase(phase);
    if (!checked) {
      emitError(getOperation().getLoc()) << "there is no phase '" << phase << "'";
      return signalPassFailure();
    }
    for (auto program : getOperation().getOps<ir::ProgramOp>()) {
      if (failed(PhaseChecker(program, *checked).run())) return signalPassFailure();
      if (*checked == Phase::planned && failed(verifyPlan(program))) return signalPassFailure();
    }
    getOperation()->setAttr("tailor.phase", StringAttr::get(&getContext(), phase));
  }
};

} // namespace
} // namespace tailor::passes
