// Gives every value a place in memory.
#include "passes/PlanMemory.h"

#include "passes/analysis/Intervals.h"
#include "passes/EntryPlan.h"
#include "passes/Passes.h"
#include "passes/RecomputeLaunches.h"
#include "passes/Remarks.h"
#include "runtime/base/byte_size.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral kName = "plan-memory";

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
    for (auto program : llvm::make_early_inc_range(getOperation().getOps<ir::ProgramOp>()))
      if (failed(plan(program))) return signalPassFailure();
  }

private:
  /// A plan of the whole program, written into its attributes.
  struct Planned {
    explicit Planned(ir::ProgramOp program) : program(program) {}

    LogicalResult run(bool reuse) {
      FailureOr<TensorLanes> lanes = TensorLanes::compute(program.program);
      if (failed(lanes)) return failure();
      program.lanes = std::move(*lanes);
      if (failed(placeStates(program)) || failed(placeMetrics(program))) return failure();
      placeControl(program);
      for (auto entry : program.program.getOps<ir::EntryOp>()) {
        entries.emplace_back(program, entry, reuse);
        if (failed(entries.back().decide())) return failure();
      }
      for (auto& [key, blocks] : program.regionBlocks)
        for (int64_t& block : blocks) {
          block = program.arenaReserved;
          program.arenaReserved += std::get<2>(key) - std::get<1>(key);
        }
      program.sizes.arena = program.arenaReserved;
      for (EntryPlan& entry : entries)
        arenas.push_back(entry.place());
      return success();
    }

    /// What a step needs beside the data: everything but the arena is the same however it is planned.
    int64_t bytesBesideArena() const {
      const MemorySizes& sizes = program.sizes;
      return sizes.state + sizes.control + sizes.metrics + sizes.slot + sizes.constant;
    }

    ProgramPlan program;
    std::vector<EntryPlan> entries;
    std::vector<int64_t> arenas; ///< of each entry
  };

  LogicalResult plan(ir::ProgramOp program) {
    {
      ProgramPlan plan(program);
      gatherRoles(plan);
    }
    auto plan = std::make_unique<Planned>(program);
    if (failed(plan->run(/*reuse=*/!trivial))) return failure();
    if (budget > 0 && failed(keepBudget(plan))) return failure();
    program = plan->program.program;
    const MemorySizes& sizes = plan->program.sizes;
    program->setAttr(kMemoryAttr, toAttr(&getContext(), sizes));
    noted(program.getLoc(), kName, "sizes",
          Twine("state ") + Twine(sizes.state) + " bytes, arena " + Twine(sizes.arena) + " bytes, of which " +
              Twine(plan->program.arenaReserved) + " for gradients and perturbed weights");
    return verifyPlan(program);
  }

  /// Plans anew, with launches that run again, until the program fits its budget.
  LogicalResult keepBudget(std::unique_ptr<Planned>& plan) {
    ir::ProgramOp program = plan->program.program;
    if (trivial)
      return program.emitError("run.memory_budget asks for a memory plan, and plan-memory is switched off");
    const int64_t before = plan->program.sizes.arena, allowed = budget - plan->bytesBesideArena();
    if (before <= allowed) return success();
    // What is chosen depends on the aim, and an aim that is far below is not always missed by less. So a budget that is
    // aimed at in vain is tried with aims that are the same whatever the budget: what that search finds is a property of
    // the program, and a budget of as much is met by it.
    OwningOpRef<ir::ProgramOp> untouched(program.clone());
    int64_t least = before;
    FailureOr<SmallVector<RecomputeCost>> costs = aimAt(plan, allowed);
    if (failed(costs)) return failure();
    if (plan->program.sizes.arena > allowed) {
      ir::ProgramOp fresh = untouched.release();
      program->getBlock()->getOperations().insert(program->getIterator(), fresh);
      plan.reset(); // it refers to the program that goes
      program->erase();
      plan = std::make_unique<Planned>(fresh);
      if (failed(plan->run(/*reuse=*/true))) return failure();
      costs = cutDown(plan, allowed, least);
      if (failed(costs)) return failure();
    }
    if (plan->program.sizes.arena > allowed) return refuseBudget(*plan, least);
    auto entry = plan->program.program.getOps<ir::EntryOp>().begin();
    for (size_t i = 0; i < costs->size(); ++i, ++entry)
      if ((*costs)[i].launches > 0) explain(*entry, plan->program, (*costs)[i], before);
    return success();
  }

  /// Rounds after which nothing more is to be gained: a round plans the whole program.
  static constexpr int kMostRounds = 24;

  /// Aims at `allowed` bytes of arena; the plan has more if it was missed.
  FailureOr<SmallVector<RecomputeCost>> aimAt(std::unique_ptr<Planned>& plan, int64_t allowed) {
    SmallVector<RecomputeCost> costs(plan->entries.size());
    // Blocks never lie without gaps, and a lower aim makes other choices: each round aims below the last one by what the
    // plan missed, at least by a part of the budget.
    constexpr int64_t kSmallestStep = 32; // of the budget
    SmallVector<int64_t> targets(plan->entries.size(), std::numeric_limits<int64_t>::max());
    for (int round = 0; round < kMostRounds && plan->program.sizes.arena > allowed; ++round) {
      SmallVector<std::optional<int64_t>> aims(plan->entries.size());
      for (size_t i = 0; i < plan->entries.size(); ++i) {
        const int64_t missed = plan->arenas[i] - allowed;
        if (missed <= 0) continue;
        targets[i] = std::min(targets[i], allowed - plan->program.arenaReserved) -
                     (round == 0 ? 0 : std::max(missed, allowed / kSmallestStep));
        aims[i] = targets[i];
      }
      if (failed(recompute(plan, aims, costs))) return failure();
    }
    return costs;
  }

  /// Aims lower and lower until the arena has at most `allowed` bytes; `least` is the least arena on the way, the same for
  /// every `allowed` that is not reached.
  FailureOr<SmallVector<RecomputeCost>> cutDown(std::unique_ptr<Planned>& plan, int64_t allowed,
                                                int64_t& least) {
    SmallVector<RecomputeCost> costs(plan->entries.size());
    constexpr int64_t kStep =
        8; // of the arena: after all rounds the aim is below a twentieth of the first one
    SmallVector<int64_t> targets(plan->entries.size(), std::numeric_limits<int64_t>::max());
    for (int round = 0; round < kMostRounds && plan->program.sizes.arena > allowed; ++round) {
      SmallVector<std::optional<int64_t>> aims(plan->entries.size());
      for (size_t i = 0; i < plan->entries.size(); ++i) {
        if (plan->arenas[i] < plan->program.sizes.arena) continue; // not the entry that needs it
        const int64_t now = std::min(targets[i], plan->arenas[i] - plan->program.arenaReserved);
        aims[i] = targets[i] = now - now / kStep;
      }
      if (failed(recompute(plan, aims, costs))) return failure();
      least = std::min(least, plan->program.sizes.arena);
    }
    return costs;
  }

  /// Cuts every entry that has an aim down to it, and plans again if that changed any.
  LogicalResult recompute(std::unique_ptr<Planned>& plan, ArrayRef<std::optional<int64_t>> aims,
                          SmallVector<RecomputeCost>& costs) {
    ir::ProgramOp program = plan->program.program;
    bool changed = false;
    auto entry = program.getOps<ir::EntryOp>().begin();
    for (size_t i = 0; i < aims.size(); ++i, ++entry) {
      if (!aims[i]) continue;
      RecomputeCost more = recomputeLaunches(*entry, plan->program, plan->entries[i], *aims[i]);
      costs[i].launches += more.launches;
      costs[i].bytes += more.bytes;
      costs[i].multiplyAdds += more.multiplyAdds;
      changed |= more.launches > 0;
    }
    if (!changed) return success();
    plan = std::make_unique<Planned>(program);
    return plan->run(/*reuse=*/true);
  }

  LogicalResult refuseBudget(const Planned& plan, int64_t least) {
    ir::ProgramOp program = plan.program.program;
    size_t largest = llvm::max_element(plan.arenas) - plan.arenas.begin();
    auto entry = *std::next(program.getOps<ir::EntryOp>().begin(), largest);
    const int64_t beside = plan.bytesBesideArena();
    InFlightDiagnostic error =
        program.emitError("run.memory_budget is ")
        << int64_t(budget) << " bytes (" << runtime::megabytes(budget) << "), the least that was found is "
        << beside + least << " (" << runtime::megabytes(beside + least) << "): state "
        << runtime::megabytes(plan.program.sizes.state) << ", batch "
        << runtime::megabytes(plan.program.sizes.slot) << ", activations and gradients of '"
        << entry.getName() << "' " << runtime::megabytes(least);
    error.attachNote() << (entry.getKind() == ir::EntryKind::Step
                               ? "a smaller run.batch, with run.accumulate for the same step, needs less"
                               : "a smaller run.eval_batch needs less");
    return failure();
  }

  void explain(ir::EntryOp entry, const ProgramPlan& plan, const RecomputeCost& cost, int64_t before) {
    const int64_t all = multiplyAddsOf(entry, plan);
    const double share = all > 0 ? 100.0 * double(cost.multiplyAdds) / double(all - cost.multiplyAdds) : 0;
    noted(entry.getLoc(), kName, "recomputed",
          llvm::formatv(
              "'{0}' runs {1} launches a second time so that their results need not stay: {2} bytes and {3} "
              "multiply-adds more ({4:F1} % of its multiply-adds), arena {5} bytes instead of {6}",
              entry.getName(), cost.launches, cost.bytes, cost.multiplyAdds, share, plan.sizes.arena, before)
              .str());
  }
};

} // namespace
} // namespace tailor::passes
