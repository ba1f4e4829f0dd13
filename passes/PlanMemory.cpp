// Gives every value a place in memory.
#include "passes/PlanMemory.h"

#include "passes/analysis/Intervals.h"
#include "passes/EntryPlan.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <limits>
#include <map>

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Passes.h.inc"

namespace {

/// A role is one region of memory. Tensors that come from elsewhere (a constant, a batch input, a state
/// beside computed values, one tensor twice) are copied next to the others. Launches with the same tensors in a role, as
/// the norm of the gradients and the update by them, share the copies: that is what keeps their lanes together.
void gatherRoles(ProgramPlan& plan) {
  using Tensors = std::vector<void*>; // of a role
  std::map<std::pair<Block*, Tensors>, SmallVector<Value>> gathered;
  plan.program.walk([&](ir::LaunchOp launch) {
    OpBuilder builder(launch);
    for (const LaunchRole& role : launchRoles(launch, plan.kernelOf(launch))) {
      if (role.buffer.isResult) continue;
      Tensors tensors;
      for (Value value : role.values)
        tensors.push_back(value.getAsOpaquePointer());
      auto [known, isNew] = gathered.try_emplace({launch->getBlock(), tensors}, role.values);
      SmallVector<Value>& places = known->second;
      if (isNew) {
        llvm::SmallDenseSet<Value> distinct(role.values.begin(), role.values.end()), seen;
        bool allLoads = distinct.size() == role.values.size() && llvm::all_of(role.values, [](Value value) {
                          return value.getDefiningOp<ir::LoadOp>();
                        });
        for (Value& value : places) {
          bool fits = allLoads || isa_and_nonnull<ir::LaunchOp>(value.getDefiningOp()) ||
                      isCopy(value.getDefiningOp());
          if (seen.insert(value).second && fits) continue;
          value = ir::ReshapeOp::create(builder, launch.getLoc(), value.getType(), value);
        }
      }
      for (auto [index, value] : llvm::enumerate(places))
        launch->setOperand(role.buffer.first + index, value);
    }
  });
}

/// Offsets of all states: those of one role of a multi-tensor op at the distances of their lanes, the others
/// one after the other in program order.
LogicalResult placeStates(ProgramPlan& plan) {
  DenseMap<Operation*, Operation*> parents; // union-find over the states of the roles
  std::function<Operation*(Operation*)> rootOf = [&](Operation* state) {
    auto known = parents.try_emplace(state, state).first;
    return known->second == state ? state : rootOf(known->second);
  };
  auto stateOf = [&](Value value) -> Operation* {
    auto load = value.getDefiningOp<ir::LoadOp>();
    return load ? plan.states[load.getState()].getOperation() : nullptr;
  };
  plan.program.walk([&](ir::LaunchOp launch) {
    for (const LaunchRole& role : launchRoles(launch, plan.kernelOf(launch)))
      for (Value value : role.values)
        if (Operation* state = stateOf(value)) {
          Operation* first = stateOf(role.values.front());
          if (first) parents[rootOf(state)] = rootOf(first);
        }
  });

  SmallVector<ir::StateOp> states;
  for (auto group : plan.program.getOps<ir::StateGroupOp>())
    llvm::append_range(states, group.getOps<ir::StateOp>());
  llvm::MapVector<Operation*, SmallVector<ir::StateOp>> columns;
  for (ir::StateOp state : states)
    columns[rootOf(state)].push_back(state);
  int64_t end = 0;
  for (auto& [root, members] : columns) {
    if (members.size() == 1) {
      plan.stateOffsets[members.front()] = end;
      end += alignTo64(bytesOf(members.front().getType()));
      continue;
    }
    int64_t low = std::numeric_limits<int64_t>::max(), high = 0;
    std::map<int64_t, ir::StateOp> byLane;
    for (ir::StateOp state : members) {
      const TensorLanes::Lane& lane = *plan.lanes.laneOf(state);
      auto [other, isNew] = byLane.try_emplace(lane.offset, state);
      if (!isNew)
        return state.emitError("state '") << state.getSymName() << "' and '" << other->second.getSymName()
                                          << "' take the same place in multi-tensor ops";
      low = std::min(low, lane.offset), high = std::max(high, lane.offset + lane.bytes);
    }
    for (ir::StateOp state : members)
      plan.stateOffsets[state] = end + plan.lanes.laneOf(state)->offset - low;
    end += high - low;
  }
  plan.sizes.state = end;
  for (ir::StateOp state : states)
    state->setAttr(kPlaceAttr, ir::BufferAttr::get(state.getContext(), ir::MemorySpace::State,
                                                   plan.stateOffsets[state], bytesOf(state.getType())));
  return success();
}

/// Host fields first: begin_step copies exactly them.
void placeControl(ProgramPlan& plan) {
  ir::ControlOp control = plan.program.getControl();
  if (!control) return;
  for (ir::ControlWriter writer : {ir::ControlWriter::Host, ir::ControlWriter::Device}) {
    for (auto field : control.getOps<ir::ControlFieldOp>()) {
      if (field.getWriter() != writer) continue;
      int64_t bytes = bytesOf(field.getType());
      plan.controlOffsets[field] = plan.sizes.control;
      field->setAttr(kPlaceAttr, ir::BufferAttr::get(field.getContext(), ir::MemorySpace::Control,
                                                     plan.sizes.control, bytes));
      plan.sizes.control += alignTo64(bytes);
    }
    if (writer == ir::ControlWriter::Host) plan.sizes.controlHost = plan.sizes.control;
  }
}

/// One metrics row for all entries: equal names share a field.
LogicalResult placeMetrics(ProgramPlan& plan) {
  llvm::StringMap<Type> types;
  WalkResult result = plan.program.walk([&](ir::ReportOp report) {
    auto [known, isNew] = types.try_emplace(report.getMetric(), report.getValue().getType());
    if (known->second != report.getValue().getType()) {
      report.emitError("'") << report.getMetric() << "' is reported as " << known->second << " and as "
                            << report.getValue().getType();
      return WalkResult::interrupt();
    }
    if (isNew) {
      plan.metricOffsets[report.getMetric()] = plan.sizes.metrics;
      plan.sizes.metrics += alignTo64(bytesOf(known->second));
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

DictionaryAttr toAttr(MLIRContext* context, const MemorySizes& sizes) {
  Builder builder(context);
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("state", builder.getI64IntegerAttr(sizes.state)),
       builder.getNamedAttr("arena", builder.getI64IntegerAttr(sizes.arena)),
       builder.getNamedAttr("control", builder.getI64IntegerAttr(sizes.control)),
       builder.getNamedAttr("control_host", builder.getI64IntegerAttr(sizes.controlHost)),
       builder.getNamedAttr("metrics", builder.getI64IntegerAttr(sizes.metrics)),
       builder.getNamedAttr("slot", builder.getI64IntegerAttr(sizes.slot)),
       builder.getNamedAttr("constant", builder.getI64IntegerAttr(sizes.constant))});
}

class PlanMemory : public impl::PlanMemoryPassBase<PlanMemory> {
public:
  using PlanMemoryPassBase::PlanMemoryPassBase;

  void runOnOperation() override {
    for (auto program : getOperation().getOps<ir::ProgramOp>())
      if (failed(plan(program))) return signalPassFailure();
  }

private:
  LogicalResult plan(ir::ProgramOp program) {
    ProgramPlan plan(program);
    gatherRoles(plan);
    FailureOr<TensorLanes> lanes = TensorLanes::compute(program);
    if (failed(lanes)) return failure();
    plan.lanes = std::move(*lanes);
    if (failed(placeStates(plan)) || failed(placeMetrics(plan))) return failure();
    placeControl(plan);

    std::vector<EntryPlan> entries;
    for (auto entry : program.getOps<ir::EntryOp>()) {
      entries.emplace_back(plan, entry, /*reuse=*/!trivial);
      if (failed(entries.back().decide())) return failure();
    }
    for (auto& [key, blocks] : plan.regionBlocks)
      for (int64_t& block : blocks) {
        block = plan.arenaReserved;
        plan.arenaReserved += std::get<2>(key) - std::get<1>(key);
      }
    plan.sizes.arena = plan.arenaReserved;
    for (EntryPlan& entry : entries)
      entry.place();
    program->setAttr(kMemoryAttr, toAttr(&getContext(), plan.sizes));
    noted(program.getLoc(), "plan-memory", "sizes",
          Twine("state ") + Twine(plan.sizes.state) + " bytes, arena " + Twine(plan.sizes.arena) +
              " bytes, of which " + Twine(plan.arenaReserved) + " for gradients and perturbed weights");
    return verifyPlan(program);
  }
};

} // namespace
} // namespace tailor::passes
