#include "passes/Grouping.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace mlir;

namespace tailor::passes {

int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  unsigned bits = type.getElementType().getIntOrFloatBitWidth();
  return type.getNumElements() * static_cast<int64_t>(llvm::divideCeil(bits, 8));
}

namespace {

/// True if two ops with effects must keep their order. A state is touched by name; everything else that
/// writes metrics or outputs stays in program order.
bool mustKeepOrder(Operation* first, Operation* second) {
  auto stateOf = [](Operation* op) -> SymbolRefAttr {
    if (auto load = dyn_cast<ir::LoadOp>(op)) return load.getState();
    if (auto store = dyn_cast<ir::StoreOp>(op)) return store.getState();
    return nullptr;
  };
  SymbolRefAttr firstState = stateOf(first), secondState = stateOf(second);
  if (firstState && secondState)
    return firstState == secondState && (isa<ir::StoreOp>(first) || isa<ir::StoreOp>(second));
  bool firstIsWrite = isa<ir::ReportOp, ir::OutputOp>(first),
       secondIsWrite = isa<ir::ReportOp, ir::OutputOp>(second);
  return !((firstState && secondIsWrite) || (firstIsWrite && secondState));
}

} // namespace

BlockGroups::BlockGroups(Block& block) : block_(block) {
  SmallVector<Operation*> withEffects;
  unsigned position = 0;
  for (Operation& op : block.without_terminator()) {
    position_[&op] = groupOf_[&op] = position;
    groups_[position].ops.push_back(&op);
    ++position;
    // Users inside a nested region (repeat) count as a use by the op that holds the region.
    llvm::SmallSetVector<Operation*, 8> dependents;
    for (Operation* user : op.getUsers())
      if (Operation* here = block.findAncestorOpInBlock(*user); here && here != block.getTerminator())
        dependents.insert(here);
    dependents_[&op].assign(dependents.begin(), dependents.end());
    if (!isMemoryEffectFree(&op)) {
      for (Operation* earlier : withEffects)
        if (mustKeepOrder(earlier, &op)) dependents_[earlier].push_back(&op);
      withEffects.push_back(&op);
    }
  }
}

std::optional<BlockGroups::GroupId> BlockGroups::groupOf(Operation* op) const {
  auto found = groupOf_.find(op);
  return found == groupOf_.end() ? std::nullopt : std::optional(found->second);
}

SmallVector<BlockGroups::GroupId> BlockGroups::groups() const {
  return llvm::map_to_vector(groups_, [](const auto& entry) { return entry.first; });
}

SmallVector<BlockGroups::GroupId> BlockGroups::successors(GroupId id) const {
  llvm::SmallSetVector<GroupId, 8> found;
  for (Operation* op : group(id).ops)
    for (Operation* dependent : dependents_.lookup(op))
      if (GroupId other = groupOf_.lookup(dependent); other != id) found.insert(other);
  return SmallVector<GroupId>(found.begin(), found.end());
}

bool BlockGroups::reachesAround(GroupId from, GroupId to) const {
  SmallVector<GroupId> open;
  for (GroupId next : successors(from))
    if (next != to) open.push_back(next);
  DenseSet<GroupId> seen(open.begin(), open.end());
  while (!open.empty())
    for (GroupId next : successors(open.pop_back_val())) {
      if (next == to) return true;
      if (seen.insert(next).second) open.push_back(next);
    }
  return false;
}

bool BlockGroups::joiningCreatesCycle(GroupId a, GroupId b) const {
  return reachesAround(a, b) || reachesAround(b, a);
}

BlockGroups::GroupId BlockGroups::join(GroupId a, GroupId b, ir::FusionKind kind) {
  GroupId into = std::min(a, b), from = std::max(a, b);
  Group& group = groups_[into];
  for (Operation* op : groups_[from].ops) {
    groupOf_[op] = into;
    group.ops.push_back(op);
  }
  llvm::sort(group.ops,
             [&](Operation* x, Operation* y) { return position_.lookup(x) < position_.lookup(y); });
  group.kind = kind;
  groups_.erase(from);
  return into;
}

int64_t BlockGroups::bytesSaved(GroupId id) const {
  const Group& group = this->group(id);
  auto isInside = [&](Operation* op) { return groupOf(op) == id; };
  int64_t saved = 0;
  DenseSet<Value> read;
  for (Operation* op : group.ops) {
    for (Value operand : op->getOperands()) {
      Operation* producer = operand.getDefiningOp();
      bool made = producer && isInside(producer);
      if (made || !read.insert(operand).second) saved += bytesOf(operand);
    }
    for (Value result : op->getResults())
      if (!result.use_empty() && llvm::all_of(result.getUsers(), isInside)) saved += bytesOf(result);
  }
  return saved;
}

void BlockGroups::materialize(llvm::function_ref<void(ir::FusedOp)> written) {
  llvm::MapVector<GroupId, unsigned> missing; // predecessors not written yet
  for (GroupId id : groups())
    missing.insert({id, 0});
  for (GroupId id : groups())
    for (GroupId next : successors(id))
      ++missing[next];
  std::set<GroupId> ready;
  for (auto [id, count] : missing)
    if (count == 0) ready.insert(id);

  Operation* terminator = block_.getTerminator();
  SmallVector<Group> order;
  while (!ready.empty()) {
    GroupId id = *ready.begin();
    ready.erase(ready.begin());
    for (GroupId next : successors(id))
      if (--missing[next] == 0) ready.insert(next);
    order.push_back(group(id));
  }
  for (const Group& group : order)
    for (Operation* op : group.ops)
      op->moveBefore(terminator);
  for (const Group& group : order)
    if (group.kind && group.ops.size() > 1) written(wrapInFused(group.ops, *group.kind));
}

ir::FusedOp wrapInFused(ArrayRef<Operation*> ops, ir::FusionKind kind) {
  llvm::SmallPtrSet<Operation*, 8> inside(ops.begin(), ops.end());
  llvm::SetVector<Value> inputs, outputs;
  SmallVector<Location> locations;
  for (Operation* op : ops) {
    locations.push_back(op->getLoc());
    for (Value operand : op->getOperands())
      if (Operation* producer = operand.getDefiningOp(); !producer || !inside.contains(producer))
        inputs.insert(operand);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation* user) { return !inside.contains(user); }))
        outputs.insert(result);
  }

  OpBuilder builder(ops.back());
  Location loc = builder.getFusedLoc(locations);
  auto fused = ir::FusedOp::create(builder, loc, ValueRange(outputs.getArrayRef()).getTypes(), kind,
                                   inputs.getArrayRef());
  Block& block = fused.getBlock();
  for (auto [value, result] : llvm::zip_equal(outputs, fused.getResults())) {
    Value output = value;
    output.replaceUsesWithIf(result, [&](OpOperand& use) { return !inside.contains(use.getOwner()); });
  }
  for (Operation* op : ops) {
    op->moveBefore(&block, block.end());
    for (OpOperand& operand : op->getOpOperands())
      if (auto input = llvm::find(inputs, operand.get()); input != inputs.end())
        operand.set(block.getArgument(std::distance(inputs.begin(), input)));
  }
  builder.setInsertionPointToEnd(&block);
  ir::YieldOp::create(builder, loc, outputs.getArrayRef());
  return fused;
}

} // namespace tailor::passes
