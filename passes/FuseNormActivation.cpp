// Batch normalisation with its elementwise neighbours in one column kernel. See Passes.td.
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/FusionBudget.h"
#include "passes/JoinGroups.h"
#include "passes/LayerNames.h"
#include "passes/MergeEqual.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FUSENORMACTIVATIONPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "fuse-norm-activation";

using GroupId = BlockGroups::GroupId;

bool isNorm(Operation* op) {
  return ir::fusionClassOf(op) == ir::FusionClass::BatchNorm;
}
bool isBackward(Operation* op) {
  return ir::vjpOf(op).has_value();
}

class NormFuser {
public:
  NormFuser(Block& block, FusionBudget& budget)
      : block_(block), joiner_(block), layers_(block), budget_(budget) {}

  void run() {
    SmallVector<Operation*> norms;
    for (Operation& op : block_)
      if (isNorm(&op)) norms.push_back(&op);
    for (Operation* norm : norms)
      absorbNeighbours(norm);
    for (GroupId id : joiner_.groups().groups())
      settle(id);
    joiner_.materialize();
    mergeEqualOps(block_); // copies of cheap ops that no kernel took
  }

private:
  /// Forward, the ops that read the normalised value; backward, those that make the gradient that enters.
  /// Forward and backward never meet in one kernel.
  void absorbNeighbours(Operation* norm) {
    std::optional<ir::FusionKind> kind = kindOf(norm);
    if (kind != ir::FusionKind::Columns)
      return missed(norm->getLoc(), kName, "not-a-matrix",
                    "'" + norm->getName().stripDialect() + "' does not work on [rows, columns] values");
    SmallVector<Operation*> open{norm};
    while (!open.empty()) {
      Operation* op = open.pop_back_val();
      for (Operation* neighbour : isBackward(norm) ? producers(op) : consumers(op)) {
        std::optional<GroupId> other = joiner_.groups().groupOf(neighbour);
        GroupId self = *joiner_.groups().groupOf(norm);
        if (!other || *other == self || isNorm(neighbour) || isBackward(neighbour) != isBackward(norm) ||
            kindOf(neighbour) != ir::FusionKind::Map)
          continue;
        SmallVector<Operation*> candidates = llvm::to_vector(ArrayRef(joiner_.groups().group(*other).ops));
        JoinVerdict verdict = joiner_.tryJoin(self, *other);
        if (verdict == JoinVerdict::joined)
          llvm::append_range(open, candidates);
        else
          explainMiss(norm, neighbour, verdict);
      }
    }
  }

  SmallVector<Operation*> producers(Operation* op) {
    SmallVector<Operation*> found;
    for (Value operand : op->getOperands())
      if (Operation* producer = operand.getDefiningOp()) found.push_back(producer);
    return found;
  }

  SmallVector<Operation*> consumers(Operation* op) {
    return llvm::map_to_vector(op->getUsers(), [](Operation* user) { return user; });
  }

  std::optional<ir::FusionKind> kindOf(Operation* op) {
    std::optional<GroupId> id = joiner_.groups().groupOf(op);
    return id ? joiner_.groups().group(*id).kind : std::nullopt;
  }

  void explainMiss(Operation* norm, Operation* neighbour, JoinVerdict verdict) {
    Location loc = FusedLoc::get(norm->getContext(), {norm->getLoc(), neighbour->getLoc()});
    StringRef name = neighbour->getName().stripDialect();
    SmallVector<int64_t> ops = tracedOps({norm, neighbour});
    if (verdict == JoinVerdict::cycle)
      missed(loc, kName, "cycle", "'" + name + "' also needs a kernel that needs the normalised value", "",
             ops);
    else if (verdict == JoinVerdict::size)
      missed(loc, kName, "too-many-ops", "the normalisation kernel is full; '" + name + "' runs alone", "",
             ops);
  }

  /// Keeps the groups around a norm and dissolves the others, which are FuseElementwise's.
  void settle(GroupId id) {
    const BlockGroups::Group& group = joiner_.groups().group(id);
    if (llvm::none_of(group.ops, isNorm) || joiner_.numWorkingOps(id) < 2)
      return joiner_.groups().dissolve(id);
    if (!budget_.take()) {
      missed(group.ops.front()->getLoc(), kName, "fuse-limit", "the limit on fusions is reached");
      return joiner_.groups().dissolve(id);
    }
    SmallVector<Location> locations;
    for (Operation* op : group.ops)
      if (ir::fusionClassOf(op) != ir::FusionClass::Leaf) locations.push_back(op->getLoc());
    taken(FusedLoc::get(block_.getParentOp()->getContext(), locations), kName, "columns",
          layers_.prefixOf(group.ops) + "normalisation and " + Twine(joiner_.numWorkingOps(id) - 1) +
              " neighbouring ops in one pass over the columns" + layers_.suffix(),
          joiner_.bytesSaved(id), tracedOps(group.ops));
  }

  Block& block_;
  GroupJoiner joiner_;
  LayerNames layers_;
  FusionBudget& budget_;
};

struct FuseNormActivation : impl::FuseNormActivationPassBase<FuseNormActivation> {
  void runOnOperation() override {
    FusionBudget budget(getOperation());
    SmallVector<Block*> blocks;
    getOperation().walk([&](Block* block) {
      if (!isa<ir::FusedOp>(block->getParentOp()) &&
          llvm::any_of(*block, [](Operation& op) { return isNorm(&op); }))
        blocks.push_back(block);
    });
    for (Block* block : blocks)
      NormFuser(*block, budget).run();
  }
};

} // namespace
} // namespace tailor::passes
