#include "passes/JoinGroups.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/STLExtras.h"

#include "passes/MergeEqual.h"

using namespace mlir;

namespace tailor::passes {
namespace {

using GroupId = BlockGroups::GroupId;
using ir::FusionClass;
using ir::FusionKind;

/// A kernel keeps its values in registers; beyond this many ops they spill.
constexpr unsigned kMaxOps = 64;

/// A scalar kernel runs on one thread without chunks.
constexpr int64_t kMaxScalarElements = 4096;

bool isLeaf(Operation* op) {
  return ir::fusionClassOf(op) == FusionClass::Leaf;
}

/// The kind of group that an op starts; none for ops that stay alone or were fused before.
std::optional<FusionKind> startingKind(Operation* op) {
  if (isa<ir::FusedOp>(op)) return std::nullopt;
  FusionKind kind = kindOfSingle(op);
  if (kind == FusionKind::Single || kind == FusionKind::MultiTensor || kind == FusionKind::Channels)
    return std::nullopt;
  return kind;
}

} // namespace

GroupJoiner::GroupJoiner(Block& block) : groups_((copyLeavesToUsers(block), block)) {
  for (GroupId id : groups_.groups()) {
    Operation* op = groups_.group(id).ops.front();
    if (auto kind = startingKind(op)) groups_.setKind(id, *kind);
    domains_[id] = domainOf(op);
  }
  // A leaf lives with the op that reads it. It has one user, so no cycle can arise; users come after their
  // leaves.
  for (Operation& op : llvm::reverse(block.without_terminator())) {
    if (!isLeaf(&op) || !op.hasOneUse()) continue;
    OpOperand& use = *op.use_begin();
    std::optional<GroupId> user = groups_.groupOf(use.getOwner());
    if (!user || use.getOwner()->getBlock() != &block || readLayout(use) == Layout::whole) continue;
    std::optional<FusionKind> kind = groups_.group(*user).kind;
    if (!kind || !ir::fitsKind(&op, *kind)) continue;
    GroupId leaf = *groups_.groupOf(&op);
    Domain domain = domains_[*user];
    domains_[groups_.join(leaf, *user, *kind)] = domain;
  }
}

void GroupJoiner::copyLeavesToUsers(Block& block) {
  SmallVector<Operation*> leaves;
  for (Operation& op : block.without_terminator())
    if (isLeaf(&op)) leaves.push_back(&op);
  for (Operation* leaf : llvm::reverse(leaves)) { // users first: their copies need copies of what they read
    OpBuilder builder(leaf);
    for (OpOperand& use : llvm::make_early_inc_range(leaf->getUses())) {
      Operation* user = use.getOwner();
      if (leaf->hasOneUse() || user->getBlock() != &block || !startingKind(user) ||
          readLayout(use) == Layout::whole)
        continue;
      builder.setInsertionPoint(user);
      use.set(builder.clone(*leaf)->getResult(cast<OpResult>(use.get()).getResultNumber()));
    }
    if (leaf->use_empty()) leaf->erase();
  }
}

unsigned GroupJoiner::numWorkingOps(GroupId id) const {
  return llvm::count_if(groups_.group(id).ops, [](Operation* op) { return !isLeaf(op); });
}

SmallVector<GroupId> GroupJoiner::producersOf(Operation* op) const {
  // Seen through the leaves of the op's own group.
  std::optional<GroupId> self = groups_.groupOf(op);
  llvm::SmallSetVector<GroupId, 4> found;
  SmallVector<Operation*> open{op};
  while (!open.empty())
    for (Value operand : open.pop_back_val()->getOperands())
      if (Operation* producer = operand.getDefiningOp()) {
        std::optional<GroupId> group = groups_.groupOf(producer);
        if (group == self && isLeaf(producer))
          open.push_back(producer);
        else if (group && group != self)
          found.insert(*group);
      }
  SmallVector<GroupId> producers(found.begin(), found.end());
  llvm::sort(producers);
  return producers;
}

Layout GroupJoiner::layoutOf(Operation* op, Layout alone) const {
  auto relabelled = relabelled_.find(op);
  return relabelled != relabelled_.end() && alone == Layout::full ? relabelled->second : alone;
}

SmallVector<GroupJoiner::Edge> GroupJoiner::edges(GroupId from, GroupId to) const {
  SmallVector<Edge> found;
  for (Operation* op : groups_.group(from).ops)
    for (OpResult result : op->getResults())
      for (OpOperand& use : result.getUses())
        if (groups_.groupOf(use.getOwner()) == to)
          found.push_back({layoutOf(op, writeLayout(result)), layoutOf(use.getOwner(), readLayout(use))});
  return found;
}

std::optional<FusionKind> GroupJoiner::joinedKind(GroupId from, GroupId to) const {
  std::optional<FusionKind> a = groups_.group(from).kind, b = groups_.group(to).kind;
  if (!a || !b) return std::nullopt;
  // A vector that a scalar is made from, or that is made from a scalar.
  if (*a == FusionKind::Scalar || *b == FusionKind::Scalar) {
    const BlockGroups::Group& reducer = groups_.group(to);
    bool isRowTotal = *a == FusionKind::Rows && reducer.ops.size() == 1 &&
                      ir::fusionClassOf(reducer.ops.front()) == FusionClass::FullReduction;
    if (isRowTotal) return FusionKind::Rows;
    bool small = (*a == FusionKind::Scalar || *a == FusionKind::Map) &&
                 (*b == FusionKind::Scalar || *b == FusionKind::Map);
    return small ? std::optional(FusionKind::Scalar) : std::nullopt;
  }
  if (*a == FusionKind::Map) return *b;
  if (*b == FusionKind::Map) return *a;
  if (*a == *b && (*a == FusionKind::Rows || *a == FusionKind::Columns)) return *a;
  return std::nullopt;
}

void GroupJoiner::relabel(GroupId id, Layout layout) {
  for (Operation* op : groups_.group(id).ops)
    relabelled_[op] = layout;
}

GroupJoiner::Join GroupJoiner::plan(GroupId a, GroupId b) const {
  if (a == b) return {JoinVerdict::unrelated};
  GroupId from = a, to = b;
  SmallVector<Edge> between = edges(from, to);
  if (between.empty())
    if (SmallVector<Edge> reverse = edges(to, from); !reverse.empty()) {
      std::swap(from, to);
      between = std::move(reverse);
    }
  std::optional<FusionKind> kind = joinedKind(from, to);
  if (!kind) return {JoinVerdict::unrelated};
  for (GroupId id : {from, to})
    if (!llvm::all_of(groups_.group(id).ops, [&](Operation* op) { return ir::fitsKind(op, *kind); }))
      return {JoinVerdict::unrelated};

  Domain source = domains_.at(from), target = domains_.at(to), joined = source;
  std::optional<std::pair<GroupId, Layout>> change;
  auto allEdges = [&](Layout written, Layout read) {
    return llvm::all_of(between, [&](Edge edge) { return edge.written == written && edge.read == read; });
  };
  if (*kind == FusionKind::Scalar) {
    int64_t elements = 0;
    for (GroupId id : {from, to})
      for (Operation* op : groups_.group(id).ops)
        for (Value result : op->getResults())
          elements += cast<RankedTensorType>(result.getType()).getNumElements();
    if (elements > kMaxScalarElements) return {JoinVerdict::size};
  } else if (source == target) {
    bool laneByLane = llvm::all_of(between, [&](Edge edge) {
      return edge.written == edge.read && edge.written != Layout::whole && edge.written != Layout::scalar;
    });
    if (!laneByLane) return {JoinVerdict::domain};
  } else if (between.empty()) {
    return {JoinVerdict::domain};
  } else if (target.columns == 1 && allEdges(Layout::row, Layout::full) && source.rows == target.rows) {
    change = {to, Layout::row};
  } else if (target.columns == 1 && allEdges(Layout::column, Layout::full) && source.columns == target.rows &&
             *kind == FusionKind::Columns) {
    change = {to, Layout::column};
  } else if (target.columns == 1 && allEdges(Layout::row, Layout::row) && source.rows == target.rows) {
    // a total over the rows of a row result
  } else if (source.columns == 1 && allEdges(Layout::full, Layout::row) && source.rows == target.rows) {
    change = {from, Layout::row};
    joined = target;
  } else {
    return {JoinVerdict::domain};
  }
  if (numWorkingOps(from) + numWorkingOps(to) > kMaxOps) return {JoinVerdict::size};
  if (groups_.joiningCreatesCycle(from, to)) return {JoinVerdict::cycle};
  return {JoinVerdict::joined, from, to, *kind, joined, change};
}

JoinVerdict GroupJoiner::tryJoin(GroupId a, GroupId b) {
  Join join = plan(a, b);
  if (join.verdict != JoinVerdict::joined) return join.verdict;
  if (join.change) relabel(join.change->first, join.change->second);
  domains_[groups_.join(join.from, join.to, join.kind)] = join.domain;
  return JoinVerdict::joined;
}

void GroupJoiner::materialize() {
  groups_.materialize([](ir::FusedOp fused) { mergeEqualOps(fused.getBlock()); });
}

} // namespace tailor::passes
