// Forms the fused groups. Which groups may be one kernel is decided by GroupJoiner; this file decides who is
// asked in which order, and tells the user what came of it. See Passes.td.
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/FusionBudget.h"
#include "passes/JoinGroups.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "fuse-elementwise";

using GroupId = BlockGroups::GroupId;
using ir::FusionClass;
using ir::FusionKind;

//===- transposes ---------------------------------------------------------===//

/// dot(transpose(a), b) -> dot(a, b) with other dimensions. The order of the free dimensions must stay.
struct FoldTransposeIntoDot : OpRewritePattern<ir::DotOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ir::DotOp dot, PatternRewriter& rewriter) const override {
    bool changed = false;
    for (unsigned side : {0u, 1u}) {
      auto transpose = dot->getOperand(side).getDefiningOp<ir::TransposeOp>();
      if (!transpose) continue;
      auto inSource = [&](ArrayRef<int64_t> dims) {
        return llvm::map_to_vector(dims, [&](int64_t dim) { return transpose.getPermutation()[dim]; });
      };
      if (!llvm::is_sorted(inSource(side == 0 ? dot.getLhsFree() : dot.getRhsFree()))) continue;
      rewriter.modifyOpInPlace(dot, [&] {
        if (side == 0) {
          dot.setLhsContract(inSource(dot.getLhsContract()));
          dot.setLhsBatch(inSource(dot.getLhsBatch()));
        } else {
          dot.setRhsContract(inSource(dot.getRhsContract()));
          dot.setRhsBatch(inSource(dot.getRhsBatch()));
        }
        dot->setOperand(side, transpose.getOperand());
      });
      changed = true;
    }
    return success(changed);
  }
};

/// transpose(dot(a, b)) -> dot(b, a) for matrices.
struct SwapTransposedDot : OpRewritePattern<ir::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ir::TransposeOp transpose, PatternRewriter& rewriter) const override {
    auto dot = transpose.getOperand().getDefiningOp<ir::DotOp>();
    if (!dot || !dot->hasOneUse() || !dot.getLhsBatch().empty() ||
        transpose.getPermutation() != ArrayRef<int64_t>{1, 0} || dot.getLhsFree().size() != 1 ||
        dot.getRhsFree().size() != 1)
      return rewriter.notifyMatchFailure(transpose, "not the transpose of a matrix product");
    auto swapped = ir::DotOp::create(rewriter, rewriter.getFusedLoc({dot.getLoc(), transpose.getLoc()}),
                                     dot.getRhs(), dot.getLhs(), dot.getRhsContract(), dot.getLhsContract());
    swapped->setDiscardableAttrs(dot->getDiscardableAttrDictionary());
    rewriter.replaceOp(transpose, swapped);
    return success();
  }
};

//===- groups -------------------------------------------------------------===//

bool isBackward(Operation* op) {
  return ir::vjpOf(op).has_value();
}

/// The names of the working ops of a group as a sentence wants them: "dot, add and relu".
std::string describe(const BlockGroups::Group& group) {
  llvm::SmallSetVector<StringRef, 8> names;
  for (Operation* op : group.ops)
    if (ir::fusionClassOf(op) != FusionClass::Leaf) names.insert(op->getName().stripDialect());
  std::string text;
  for (auto [index, name] : llvm::enumerate(names)) {
    if (index > 0) text += index + 1 == names.size() ? " and " : ", ";
    text += name;
  }
  return text;
}

class BlockFuser {
public:
  BlockFuser(Block& block, FusionBudget& budget) : block_(block), joiner_(block), budget_(budget) {}

  void run() {
    for (Operation& op : block_.without_terminator())
      ops_.push_back(&op);
    for (Operation* op : ops_)
      joinProducers(op);
    joinSiblings();
    explain();
    joiner_.materialize();
  }

private:
  /// Asks the producers of `op`, the most restrictive kind first: a matrix product takes what it can get,
  /// then reductions, then plain maps; among equals the nearest.
  void joinProducers(Operation* op) {
    bool progress = true;
    while (progress) {
      progress = false;
      std::optional<GroupId> self = joiner_.groups().groupOf(op);
      SmallVector<GroupId> producers = joiner_.producersOf(op);
      std::reverse(producers.begin(), producers.end());
      llvm::stable_sort(producers, [&](GroupId a, GroupId b) { return rankOf(a) < rankOf(b); });
      for (GroupId producer : producers) {
        if (isHeldBack(op, producer)) continue;
        JoinVerdict verdict = joiner_.tryJoin(producer, *self);
        if (verdict == JoinVerdict::joined) {
          progress = true;
          break;
        }
        verdicts_[op] = std::max(verdicts_.lookup(op), verdict);
      }
    }
  }

  unsigned rankOf(GroupId id) const {
    switch (const_cast<GroupJoiner&>(joiner_).groups().group(id).kind.value_or(FusionKind::Single)) {
    case FusionKind::Gemm:
      return 0;
    case FusionKind::Rows:
      return 1;
    case FusionKind::Columns:
      return 2;
    case FusionKind::Map:
      return 3;
    default:
      return 4;
    }
  }

  /// A backward op that joined a forward kernel would leave a full-size value in memory until the backward;
  /// it reads what the forward kernel stores anyway instead.
  bool isHeldBack(Operation* op, GroupId producer) {
    return isBackward(op) && llvm::none_of(joiner_.groups().group(producer).ops, isBackward) &&
           llvm::none_of(joiner_.groups().group(producer).ops,
                         [](Operation* other) { return ir::fusionClassOf(other) == FusionClass::Loss; });
  }

  /// Groups that read the same large value, or are so small that the launch costs more than the work.
  void joinSiblings() {
    BlockGroups& groups = joiner_.groups();
    for (Operation* op : ops_) {
      GroupId self = *groups.groupOf(op);
      std::optional<FusionKind> kind = groups.group(self).kind;
      if (!kind) continue;
      if (*kind == FusionKind::Scalar) {
        for (GroupId other : groups.groups())
          if (other < self && groups.group(other).kind == FusionKind::Scalar &&
              joiner_.tryJoin(other, self) == JoinVerdict::joined)
            break;
        continue;
      }
      if (*kind != FusionKind::Rows && *kind != FusionKind::Columns && *kind != FusionKind::Map) continue;
      for (Value operand : op->getOperands()) {
        if (domainOf(operand.getType()) != domainOf(op) || domainOf(op).columns == 1) continue;
        for (Operation* reader : operand.getUsers()) {
          std::optional<GroupId> other = groups.groupOf(reader);
          self = *groups.groupOf(op);
          if (other && *other != self && groups.group(*other).kind == groups.group(self).kind &&
              isBackward(reader) == isBackward(op))
            joiner_.tryJoin(*other, self);
        }
      }
    }
  }

  /// One remark per group; one per elementwise op that had to be written to memory alone. Groups over the
  /// budget are dissolved.
  void explain() {
    BlockGroups& groups = joiner_.groups();
    for (GroupId id : groups.groups()) {
      const BlockGroups::Group& group = groups.group(id);
      if (!group.kind) continue;
      if (group.ops.size() > 1) {
        if (!budget_.take()) {
          missed(group.ops.back()->getLoc(), kName, "fuse-limit", "the limit on fusions is reached");
          groups.dissolve(id);
          continue;
        }
        SmallVector<Location> locations;
        for (Operation* op : group.ops)
          if (ir::fusionClassOf(op) != FusionClass::Leaf) locations.push_back(op->getLoc());
        if (locations.size() > 1)
          taken(FusedLoc::get(group.ops.front()->getContext(), locations), kName,
                stringifyFusionKind(*group.kind),
                describe(group) + " in one " + stringifyFusionKind(*group.kind) + " kernel",
                joiner_.bytesSaved(id));
      }
      if (joiner_.numWorkingOps(id) == 1)
        explainAlone(*llvm::find_if(
            group.ops, [](Operation* op) { return ir::fusionClassOf(op) != FusionClass::Leaf; }));
    }
  }

  void explainAlone(Operation* op) {
    if (ir::fusionClassOf(op) != FusionClass::Elementwise || domainOf(op).columns == 1) return;
    StringRef name = op->getName().stripDialect();
    switch (verdicts_.lookup(op)) {
    case JoinVerdict::domain:
      missed(op->getLoc(), kName, "other-domain",
             "'" + name + "' runs over other rows and columns than the kernel that makes its operand");
      break;
    case JoinVerdict::cycle:
      missed(op->getLoc(), kName, "cycle",
             "'" + name + "' needs another kernel that itself needs the kernel it could join");
      break;
    case JoinVerdict::size:
      missed(op->getLoc(), kName, "too-many-ops", "the kernel that makes its operand is full");
      break;
    case JoinVerdict::unrelated:
    case JoinVerdict::joined:
      break;
    }
  }

  Block& block_;
  GroupJoiner joiner_;
  FusionBudget& budget_;
  SmallVector<Operation*> ops_;
  DenseMap<Operation*, JoinVerdict> verdicts_;
};

struct FuseElementwise : impl::FuseElementwisePassBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldTransposeIntoDot, SwapTransposedDot>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) return signalPassFailure();

    FusionBudget budget(getOperation());
    SmallVector<Block*> blocks; // of bodies, entries and repeats
    getOperation().walk([&](Block* block) {
      if (isa<ir::BodyOp, ir::EntryOp, ir::RepeatOp>(block->getParentOp())) blocks.push_back(block);
    });
    for (Block* block : blocks)
      BlockFuser(*block, budget).run();
  }
};

} // namespace
} // namespace tailor::passes
