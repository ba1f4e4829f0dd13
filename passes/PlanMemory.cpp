// Gives every value a place in memory.
#include "passes/PlanMemory.h"

#include "passes/analysis/Intervals.h"
#include "passes/analysis/TensorLanes.h"
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

using Position = int64_t; ///< of an op in its entry

/// A reshape that PlanMemory put in to move bytes: source and destination are different places.
bool isCopy(Operation* op) {
  auto reshape = dyn_cast<ir::ReshapeOp>(op);
  return reshape && reshape.getOperand().getType() == reshape.getType();
}

/// The value whose bytes `value` shows: reshapes are views.
Value storageOf(Value value) {
  while (auto reshape = value.getDefiningOp<ir::ReshapeOp>()) {
    if (isCopy(reshape)) break;
    value = reshape.getOperand();
  }
  return value;
}

/// Calls `visit` for every use of the bytes of `value`, through views.
void forEachUse(Value value, llvm::function_ref<void(OpOperand&)> visit) {
  for (OpOperand& use : value.getUses()) {
    auto reshape = dyn_cast<ir::ReshapeOp>(use.getOwner());
    if (reshape && !isCopy(reshape))
      forEachUse(reshape.getResult(), visit);
    else
      visit(use);
  }
}

ir::BufferAttr bufferAttr(MLIRContext* context, ir::MemorySpace space, int64_t offset, int64_t bytes) {
  return ir::BufferAttr::get(context, space, offset, bytes);
}

/// What is common to all entries of a program.
struct ProgramPlan {
  explicit ProgramPlan(ir::ProgramOp program) : program(program), symbols(program) {}

  ir::KernelOp kernelOf(ir::LaunchOp launch) { return symbols.lookup<ir::KernelOp>(launch.getKernel()); }

  ir::ProgramOp program;
  SymbolTable symbols;
  TensorLanes lanes;
  DenseMap<Operation*, int64_t> stateOffsets;
  DenseMap<Operation*, int64_t> controlOffsets;
  llvm::StringMap<int64_t> metricOffsets;
  std::map<std::pair<const void*, const void*>, int64_t> constantOffsets;
  /// Blocks for the regions of multi-tensor roles, by component and span. Nothing else lives there, because
  /// their padding stays zero.
  std::map<std::tuple<unsigned, int64_t, int64_t>, std::vector<int64_t>> regionBlocks;
  MemorySizes sizes;
  int64_t arenaReserved = 0; ///< region blocks, at the start of the arena
};

/// Values of one entry that lie in the arena with the distances of their lanes.
struct Column {
  SmallVector<Value> values;
  unsigned component = 0;
  int64_t low = 0, high = 0; ///< of the lanes
  Position first = 0, last = 0;
  int64_t block = -1; ///< index into ProgramPlan::regionBlocks
};

/// Decides the places of one entry's values.
class EntryPlan {
public:
  EntryPlan(ProgramPlan& plan, ir::EntryOp entry, bool reuse) : plan_(plan), entry_(entry), reuse_(reuse) {
    Position position = 0;
    for (Operation& op : entry.getBody().front())
      positions_[&op] = position++;
  }

  LogicalResult decide() {
    for (Operation& op : entry_.getBody().front())
      if (isa<ir::RepeatOp>(op))
        return op.emitError("the memory plan has no room for 'repeat' yet; it runs on target reference");
    if (reuse_) writeStatesInPlace();
    chooseLoads();
    reportInPlace();
    formColumns();
    colourColumns();
    return success();
  }

  /// After all entries decided, so that the region blocks have their offsets.
  void place();

private:
  Position positionOf(Operation* op) const { return positions_.lookup(op); }
  ir::StateOp stateOf(SymbolRefAttr name) { return plan_.program.lookupState(name); }
  Position lastUseOf(Value value) const;
  bool mayWriteInPlace(ir::StoreOp store, ir::LaunchOp launch, unsigned result);
  void writeStatesInPlace();
  void chooseLoads();
  void reportInPlace();
  void formColumns();
  void colourColumns();
  bool livesInArena(Value value) const;

  ProgramPlan& plan_;
  ir::EntryOp entry_;
  bool reuse_;
  DenseMap<Operation*, Position> positions_;
  DenseMap<Value, ir::StateOp> inPlace_;   ///< launch results written straight into a state
  DenseMap<Value, ir::ReportOp> reported_; ///< launch results written straight into the metrics row
  DenseSet<Operation*> copiedLoads_;       ///< loads whose state is overwritten before their last use
  std::vector<Column> columns_;
  DenseMap<Value, unsigned> columnOf_;
  DenseMap<Value, ir::BufferAttr> buffers_;
};

Position EntryPlan::lastUseOf(Value value) const {
  Position last = positionOf(value.getDefiningOp());
  forEachUse(value, [&](OpOperand& use) {
    // An output is read by the host after the entry has run.
    Position at = isa<ir::OutputOp>(use.getOwner()) ? static_cast<Position>(positions_.size())
                                                    : positionOf(use.getOwner());
    last = std::max(last, at);
  });
  return last;
}

bool EntryPlan::mayWriteInPlace(ir::StoreOp store, ir::LaunchOp launch, unsigned result) {
  ir::StateOp state = stateOf(store.getState());
  Position written = positionOf(launch);
  ir::KernelOp kernel = plan_.kernelOf(launch);
  for (Operation& op : entry_.getBody().front()) {
    if (auto other = dyn_cast<ir::StoreOp>(op); other && other != store && stateOf(other.getState()) == state)
      return false;
    auto load = dyn_cast<ir::LoadOp>(op);
    if (!load || stateOf(load.getState()) != state || positionOf(load) > positionOf(store)) continue;
    bool free = positionOf(load) < written || load->use_empty();
    forEachUse(load.getResult(), [&](OpOperand& use) {
      Position at = positionOf(use.getOwner());
      bool lanewise = at == written && use.get() == load.getResult() &&
                      mayShareBuffer(kernel, use.getOperandNumber(), result);
      free &= at < written || lanewise;
    });
    if (!free) return false;
  }
  return true;
}

void EntryPlan::writeStatesInPlace() {
  for (auto store : entry_.getOps<ir::StoreOp>()) {
    auto launch = store.getValue().getDefiningOp<ir::LaunchOp>();
    if (!launch || inPlace_.contains(store.getValue())) continue;
    unsigned result = cast<OpResult>(store.getValue()).getResultNumber();
    if (mayWriteInPlace(store, launch, result)) inPlace_[store.getValue()] = stateOf(store.getState());
  }
  // A role is one region: its results go to the states all together, at the distances of their lanes, or not
  // at all.
  for (auto launch : entry_.getOps<ir::LaunchOp>())
    for (const LaunchRole& role : launchRoles(launch, plan_.kernelOf(launch))) {
      if (!role.buffer.isResult) continue;
      std::optional<int64_t> base;
      bool together = llvm::all_of(role.values, [&](Value value) {
        ir::StateOp state = inPlace_.lookup(value);
        if (!state) return false;
        int64_t start = plan_.stateOffsets.lookup(state) - plan_.lanes.laneOf(value)->offset;
        if (!base) base = start;
        return *base == start;
      });
      if (!together)
        for (Value value : role.values)
          inPlace_.erase(value);
    }
}

void EntryPlan::chooseLoads() {
  // When each state gets a new value: at the launch that writes in place, else at the store.
  DenseMap<Operation*, SmallVector<Position>> overwritten;
  for (auto store : entry_.getOps<ir::StoreOp>()) {
    ir::StateOp state = stateOf(store.getState());
    bool direct = inPlace_.lookup(store.getValue()) == state;
    overwritten[state].push_back(positionOf(direct ? store.getValue().getDefiningOp() : store));
  }
  for (auto load : entry_.getOps<ir::LoadOp>()) {
    Position last = lastUseOf(load.getResult());
    for (Position at : overwritten.lookup(stateOf(load.getState())))
      if (positionOf(load) < at && at < last) copiedLoads_.insert(load);
  }
  // One tensor of a role in the arena brings the others along.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto launch : entry_.getOps<ir::LaunchOp>())
      for (const LaunchRole& role : launchRoles(launch, plan_.kernelOf(launch))) {
        auto isCopied = [&](Value value) { return copiedLoads_.contains(value.getDefiningOp()); };
        if (llvm::none_of(role.values, isCopied) || llvm::all_of(role.values, isCopied)) continue;
        for (Value value : role.values)
          changed |= copiedLoads_.insert(value.getDefiningOp()).second;
      }
  }
}

void EntryPlan::reportInPlace() {
  for (auto report : entry_.getOps<ir::ReportOp>()) {
    Value value = report.getValue();
    bool isOutput = llvm::any_of(value.getUsers(), llvm::IsaPred<ir::OutputOp>);
    if (!value.getDefiningOp<ir::LaunchOp>() || inPlace_.contains(value) || plan_.lanes.laneOf(value) ||
        isOutput || !reuse_)
      continue;
    reported_.try_emplace(value, report);
  }
}

bool EntryPlan::livesInArena(Value value) const {
  Operation* op = value.getDefiningOp();
  if (isa<ir::LaunchOp>(op)) return !inPlace_.contains(value) && !reported_.contains(value);
  return isa<ir::InputOp>(op) || isCopy(op) || copiedLoads_.contains(op);
}

void EntryPlan::formColumns() {
  for (auto launch : entry_.getOps<ir::LaunchOp>())
    for (const LaunchRole& role : launchRoles(launch, plan_.kernelOf(launch))) {
      auto inState = [&](Value value) {
        return inPlace_.contains(value) ||
               (value.getDefiningOp<ir::LoadOp>() && !copiedLoads_.contains(value.getDefiningOp()));
      };
      if (llvm::all_of(role.values, inState)) continue;

      // The column that holds one of the values already, else a new one.
      unsigned number = columns_.size();
      for (Value value : role.values)
        if (auto known = columnOf_.find(value); known != columnOf_.end())
          number = std::min(number, known->second);
      if (number == columns_.size()) columns_.emplace_back();
      for (Value value : role.values) {
        auto [known, isNew] = columnOf_.try_emplace(value, number);
        if (isNew) columns_[number].values.push_back(value);
      }
    }
  for (Column& column : columns_) {
    column.component = plan_.lanes.laneOf(column.values.front())->component;
    column.low = std::numeric_limits<int64_t>::max();
    column.first = std::numeric_limits<Position>::max();
    for (Value value : column.values) {
      const TensorLanes::Lane& lane = *plan_.lanes.laneOf(value);
      column.low = std::min(column.low, lane.offset);
      column.high = std::max(column.high, lane.offset + lane.bytes);
      column.first = std::min(column.first, positionOf(value.getDefiningOp()));
      column.last = std::max(column.last, lastUseOf(value));
    }
  }
}

void EntryPlan::colourColumns() {
  std::map<std::tuple<unsigned, int64_t, int64_t>, std::vector<Position>> busyUntil;
  llvm::stable_sort(columns_, [](const Column& a, const Column& b) { return a.first < b.first; });
  for (Column& column : columns_) {
    std::tuple key(column.component, column.low, column.high);
    std::vector<Position>& busy = busyUntil[key];
    auto free =
        reuse_ ? llvm::find_if(busy, [&](Position until) { return until < column.first; }) : busy.end();
    column.block = free - busy.begin();
    if (free == busy.end())
      busy.push_back(column.last);
    else
      *free = column.last;
    std::vector<int64_t>& blocks = plan_.regionBlocks[key];
    if (blocks.size() < busy.size()) blocks.resize(busy.size());
  }
}

void EntryPlan::place() {
  MLIRContext* context = entry_.getContext();
  auto give = [&](Value value, ir::MemorySpace space, int64_t offset) {
    buffers_[value] = bufferAttr(context, space, offset, bytesOf(value.getType()));
  };

  // Arena: the roles' regions, then everything else by interval.
  for (const Column& column : columns_) {
    int64_t block = plan_.regionBlocks.at({column.component, column.low, column.high})[column.block];
    for (Value value : column.values)
      give(value, ir::MemorySpace::Arena, block + plan_.lanes.laneOf(value)->offset - column.low);
  }
  SmallVector<Value> values;
  SmallVector<Operation*> outputs; ///< outputs that need a copy in the arena
  SmallVector<Interval> intervals;
  Position end = positions_.size();
  for (Operation& op : entry_.getBody().front()) {
    for (Value result : op.getResults())
      if (livesInArena(result) && !columnOf_.contains(result)) {
        values.push_back(result);
        intervals.push_back({positionOf(&op), lastUseOf(result), bytesOf(result.getType())});
      }
  }
  for (auto output : entry_.getOps<ir::OutputOp>())
    if (!livesInArena(storageOf(output.getValue()))) {
      outputs.push_back(output);
      intervals.push_back({positionOf(output), end, bytesOf(output.getValue().getType())});
    }
  Placement arena = reuse_ ? placeIntervals(intervals) : placeApart(intervals);
  for (auto [index, value] : llvm::enumerate(values))
    give(value, ir::MemorySpace::Arena, plan_.arenaReserved + arena.offsets[index]);
  plan_.sizes.arena = std::max(plan_.sizes.arena, plan_.arenaReserved + arena.bytes);

  // Everything else has its place by name.
  int64_t slotBytes = 0;
  llvm::StringMap<int64_t> slotOffsets;
  for (Operation& op : entry_.getBody().front()) {
    if (auto launch = dyn_cast<ir::LaunchOp>(op)) {
      for (Value result : launch.getResults()) {
        if (ir::StateOp state = inPlace_.lookup(result))
          give(result, ir::MemorySpace::State, plan_.stateOffsets.lookup(state));
        else if (ir::ReportOp report = reported_.lookup(result))
          give(result, ir::MemorySpace::Metrics, plan_.metricOffsets.lookup(report.getMetric()));
      }
    } else if (auto load = dyn_cast<ir::LoadOp>(op)) {
      if (!copiedLoads_.contains(load))
        give(load.getResult(), ir::MemorySpace::State, plan_.stateOffsets.lookup(stateOf(load.getState())));
    } else if (auto read = dyn_cast<ir::ControlReadOp>(op)) {
      Operation* field = SymbolTable::lookupSymbolIn(plan_.program.getControl(), read.getFieldAttr());
      give(read.getResult(), ir::MemorySpace::Control, plan_.controlOffsets.lookup(field));
    } else if (auto constant = dyn_cast<ir::ConstantOp>(op)) {
      std::pair<const void*, const void*> key(constant.getValueAttr().getAsOpaquePointer(),
                                              constant.getType().getAsOpaquePointer());
      auto [known, isNew] = plan_.constantOffsets.try_emplace(key, plan_.sizes.constant);
      if (isNew) plan_.sizes.constant += alignTo64(bytesOf(constant.getType()));
      give(constant.getResult(), ir::MemorySpace::Constant, known->second);
    } else if (auto input = dyn_cast<ir::InputOp>(op)) {
      int64_t bytes = bytesOf(input.getType());
      auto [known, isNew] = slotOffsets.try_emplace(input.getInput(), slotBytes);
      if (isNew) slotBytes += alignTo64(bytes);
      input->setAttr(kSourceAttr, bufferAttr(context, ir::MemorySpace::Slot, known->second, bytes));
    } else if (auto report = dyn_cast<ir::ReportOp>(op)) {
      report->setAttr(kPlaceAttr, bufferAttr(context, ir::MemorySpace::Metrics,
                                             plan_.metricOffsets.lookup(report.getMetric()),
                                             bytesOf(report.getValue().getType())));
    }
  }
  plan_.sizes.slot = std::max(plan_.sizes.slot, slotBytes);

  for (Operation& op : entry_.getBody().front()) {
    if (auto output = dyn_cast<ir::OutputOp>(op)) {
      Value storage = storageOf(output.getValue());
      auto copied = llvm::find(outputs, output);
      int64_t offset = copied == outputs.end()
                           ? buffers_.at(storage).getOffset()
                           : plan_.arenaReserved + arena.offsets[values.size() + (copied - outputs.begin())];
      output->setAttr(kPlaceAttr,
                      bufferAttr(context, ir::MemorySpace::Arena, offset, bytesOf(storage.getType())));
    }
    if (op.getNumResults() == 0) continue;
    SmallVector<Attribute> places;
    for (Value result : op.getResults())
      places.push_back(buffers_.at(storageOf(result)));
    op.setAttr(kBuffersAttr, ArrayAttr::get(context, places));
  }
}

/// A role is one region of memory. Tensors that come from elsewhere (a constant, a batch input, a state
/// beside computed values, one tensor twice) are copied next to the others.
void gatherRoles(ProgramPlan& plan) {
  plan.program.walk([&](ir::LaunchOp launch) {
    OpBuilder builder(launch);
    for (const LaunchRole& role : launchRoles(launch, plan.kernelOf(launch))) {
      if (role.buffer.isResult) continue;
      bool allLoads =
          llvm::all_of(role.values, [](Value value) { return value.getDefiningOp<ir::LoadOp>(); });
      llvm::SmallDenseSet<Value> seen;
      for (auto [index, value] : llvm::enumerate(role.values)) {
        bool fits =
            allLoads || isa_and_nonnull<ir::LaunchOp>(value.getDefiningOp()) || isCopy(value.getDefiningOp());
        if (seen.insert(value).second && fits) continue;
        Value copy = ir::ReshapeOp::create(builder, launch.getLoc(), value.getType(), value);
        launch->setOperand(role.buffer.first + index, copy);
      }
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
    return load ? plan.program.lookupState(load.getState()).getOperation() : nullptr;
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
    state->setAttr(kPlaceAttr, bufferAttr(state.getContext(), ir::MemorySpace::State,
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
      field->setAttr(kPlaceAttr,
                     bufferAttr(field.getContext(), ir::MemorySpace::Control, plan.sizes.control, bytes));
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
