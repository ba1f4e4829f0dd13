#include "passes/EntryPlan.h"

#include "passes/analysis/Intervals.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;

namespace tailor::passes {

namespace {

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

} // namespace

bool isCopy(Operation* op) {
  auto reshape = dyn_cast<ir::ReshapeOp>(op);
  return reshape && reshape.getOperand().getType() == reshape.getType();
}

EntryPlan::EntryPlan(ProgramPlan& plan, ir::EntryOp entry, bool reuse)
    : plan_(plan), entry_(entry), reuse_(reuse) {
  Position position = 0;
  for (Operation& op : entry.getBody().front()) {
    positions_[&op] = position++;
    if (auto load = dyn_cast<ir::LoadOp>(op)) loadsOf_[stateOf(load.getState())].push_back(load);
    if (auto store = dyn_cast<ir::StoreOp>(op)) storesOf_[stateOf(store.getState())].push_back(store);
  }
}

LogicalResult EntryPlan::decide() {
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
  if (storesOf_[state].size() > 1) return false;
  Position written = positionOf(launch);
  ir::KernelOp kernel = plan_.kernelOf(launch);
  for (ir::LoadOp load : loadsOf_[state]) {
    if (positionOf(load) > positionOf(store)) continue;
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
  // A role is one region: what is made for it goes to the states all together, at the distances of their lanes, or
  // not at all. Operands too: they may come from several launches. One role may take away what another has.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto launch : entry_.getOps<ir::LaunchOp>())
      for (const LaunchRole& role : launchRoles(launch, plan_.kernelOf(launch))) {
        std::optional<int64_t> base;
        bool together = llvm::all_of(role.values, [&](Value value) {
          ir::StateOp state = inPlace_.lookup(value);
          if (!state) return false;
          int64_t start = plan_.stateOffsets.lookup(state) - plan_.lanes.laneOf(value)->offset;
          if (!base) base = start;
          return *base == start;
        });
        if (together) continue;
        for (Value value : role.values)
          changed |= inPlace_.erase(value);
      }
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

int64_t EntryPlan::place() {
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
      if (hasOwnPlace(result)) {
        values.push_back(result);
        intervals.push_back({positionOf(&op), lastUseOf(result), bytesOf(result.getType())});
      }
  }
  for (auto output : entry_.getOps<ir::OutputOp>())
    if (!livesInArena(storageOf(output.getValue()))) {
      outputs.push_back(output);
      intervals.push_back({positionOf(output), end, bytesOf(output.getValue().getType())});
    }
  size_t firstTemporary = intervals.size(); ///< of all launches, in order
  for (auto launch : entry_.getOps<ir::LaunchOp>())
    for (ir::TemporaryAttr temporary : temporariesOf(plan_.kernelOf(launch)))
      intervals.push_back({positionOf(launch), positionOf(launch), temporary.getBytes()});
  Placement arena = reuse_ ? placeIntervals(intervals) : placeApart(intervals);
  for (auto [index, value] : llvm::enumerate(values))
    give(value, ir::MemorySpace::Arena, plan_.arenaReserved + arena.offsets[index]);
  plan_.sizes.arena = std::max(plan_.sizes.arena, plan_.arenaReserved + arena.bytes);

  size_t nextTemporary = firstTemporary;
  for (auto launch : entry_.getOps<ir::LaunchOp>()) {
    SmallVector<Attribute> places;
    for (ir::TemporaryAttr temporary : temporariesOf(plan_.kernelOf(launch)))
      places.push_back(bufferAttr(context, ir::MemorySpace::Arena,
                                  plan_.arenaReserved + arena.offsets[nextTemporary++],
                                  temporary.getBytes()));
    if (!places.empty()) launch.setTemporariesAttr(ArrayAttr::get(context, places));
  }

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
  return plan_.arenaReserved + arena.bytes;
}

} // namespace tailor::passes
