// Forms the fused groups. Which groups may be one kernel is decided by GroupJoiner; this file decides who is
// asked in which order, and tells the user what came of it. See Passes.td.
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/STLExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/FusionBudget.h"
#include "passes/JoinGroups.h"
#include "passes/LayerNames.h"
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
    ir::inheritOrigin(swapped, {dot, transpose});
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

/// Below this, reading a value again costs less than the launch of a kernel (0.1 us at 40 GB/s of cache).
constexpr int64_t kWorthBytes = 4096;

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

  /// One remark per group; one per elementwise op that had to be written to memory alone; one per kind of
  /// value that goes through memory between two kernels. Groups over the budget are dissolved.
  void explain() {
    BlockGroups& groups = joiner_.groups();
    LayerNames layers(block_);
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
                layers.prefixOf(group.ops) + describe(group) + " in one " + stringifyFusionKind(*group.kind) +
                    " kernel" + layers.suffix(),
                joiner_.bytesSaved(id), tracedOps(group.ops));
      }
      if (joiner_.numWorkingOps(id) == 1)
        explainAlone(*llvm::find_if(
            group.ops, [](Operation* op) { return ir::fusionClassOf(op) != FusionClass::Leaf; }));
    }
    explainApart(layers);
    explainRewritten();
  }

  void explainAlone(Operation* op) {
    if (ir::fusionClassOf(op) != FusionClass::Elementwise || domainOf(op).columns == 1) return;
    StringRef name = op->getName().stripDialect();
    SmallVector<int64_t> ids = idsWithProducers(op);
    switch (verdicts_.lookup(op)) {
    case JoinVerdict::domain:
      missed(op->getLoc(), kName, "other-domain",
             "'" + name + "' runs over other rows and columns than the kernel that makes its operand", "",
             ids);
      break;
    case JoinVerdict::cycle:
      missed(op->getLoc(), kName, "cycle",
             "'" + name + "' needs another kernel that itself needs the kernel it could join", "", ids);
      break;
    case JoinVerdict::size:
      missed(op->getLoc(), kName, "too-many-ops", "the kernel that makes its operand is full", "", ids);
      break;
    case JoinVerdict::unrelated: // explainApart
    case JoinVerdict::joined:
      break;
    }
  }

  static SmallVector<int64_t> idsWithProducers(Operation* op) {
    SmallVector<Operation*> ops{op};
    for (Value operand : op->getOperands())
      if (Operation* producer = operand.getDefiningOp()) ops.push_back(producer);
    return tracedOps(ops);
  }

  /// Every layer sums its gradient over the rows: nobody can do without, so it is no news.
  static bool isBiasGradient(Operation* op) {
    return isBackward(op) && isa<ir::ReduceSumOp>(op) &&
           ir::fusionClassOf(op) == FusionClass::ColumnReduction;
  }

  /// Values that one kernel writes and another reads element by element, because their kinds do not join: one
  /// remark per pair of kinds. Backward kernels read what forward kernels store anyway; matrix operands are
  /// read whole.
  void explainApart(const LayerNames& layers) {
    BlockGroups& groups = joiner_.groups();
    struct Apart {
      SmallVector<Operation*> ops; ///< readers and makers
      SmallVector<Location> readers;
      DenseSet<Value> values;
      int64_t bytes = 0;
      unsigned numKernels = 0;
    };
    llvm::MapVector<std::pair<FusionKind, FusionKind>, Apart> found;
    for (Operation* op : ops_) {
      std::optional<GroupId> self = groups.groupOf(op);
      if (!self || !groups.group(*self).kind || ir::fusionClassOf(op) == FusionClass::Leaf) continue;
      for (OpOperand& use : op->getOpOperands()) {
        Operation* maker = use.get().getDefiningOp();
        std::optional<GroupId> other = maker ? groups.groupOf(maker) : std::nullopt;
        if (!other || *other == *self || !groups.group(*other).kind ||
            domainOf(use.get().getType()).columns == 1 || readLayout(use) == Layout::whole ||
            isHeldBack(op, *other) || isBiasGradient(op) ||
            joiner_.verdict(*other, *self) != JoinVerdict::unrelated)
          continue;
        Apart& apart = found[{*groups.group(*other).kind, *groups.group(*self).kind}];
        if (!apart.values.insert(use.get()).second) continue;
        apart.ops.append({maker, op});
        apart.readers.push_back(op->getLoc());
        apart.bytes += bytesOf(use.get());
        ++apart.numKernels;
      }
    }
    for (const auto& [kinds, apart] : found) {
      if (apart.bytes < kWorthBytes) continue;
      StringRef from = stringifyFusionKind(kinds.first), to = stringifyFusionKind(kinds.second);
      missed(FusedLoc::get(block_.getParentOp()->getContext(), apart.readers), kName, "kinds-apart",
             layers.prefixOf(apart.ops) + Twine(apart.numKernels) +
                 (apart.numKernels == 1 ? " value" : " values") + " made by " + from + " kernels " +
                 (apart.numKernels == 1 ? "is" : "are") + " read again by " + to + " kernels ('" +
                 apart.ops[1]->getName().stripDialect() +
                 "'): " + whyKindsStayApart(kinds.first, kinds.second) + "; " + Twine(apart.bytes) +
                 " bytes read twice" + layers.suffix(),
             "", tracedOps(apart.ops));
    }
  }

  /// Gradients that a kernel of their own changes (scales, clips) before an update or a norm over all tensors reads
  /// them: its one flat loop holds one op.
  void explainRewritten() {
    BlockGroups& groups = joiner_.groups();
    for (Operation& op : block_) {
      if (!isa<ir::MultiTensorOpInterface>(op)) continue;
      llvm::MapVector<Operation*, int64_t> makers;
      int64_t bytes = 0;
      for (Value operand : op.getOperands()) {
        Operation* maker = operand.getDefiningOp();
        std::optional<GroupId> group = maker ? groups.groupOf(maker) : std::nullopt;
        const bool changes = group &&
                             (groups.group(*group).kind == FusionKind::Map ||
                              groups.group(*group).kind == FusionKind::Scalar) &&
                             ir::fusionClassOf(maker) == FusionClass::Elementwise &&
                             cast<RankedTensorType>(operand.getType()).getRank() > 0;
        if (!changes || !makers.insert({maker, bytesOf(operand)}).second) continue;
        bytes += bytesOf(operand);
      }
      if (bytes < kWorthBytes) continue;
      SmallVector<Operation*> ops{&op};
      SmallVector<Location> locations;
      for (const auto& [maker, size] : makers) {
        ops.push_back(maker);
        locations.push_back(maker->getLoc());
      }
      missed(FusedLoc::get(block_.getParentOp()->getContext(), locations), kName, "one-op-over-all-tensors",
             Twine(makers.size()) + (makers.size() == 1 ? " tensor is" : " tensors are") + " changed by '" +
                 ops[1]->getName().stripDialect() + "' on the way to '" + op.getName().stripDialect() +
                 "', whose kernel holds that op alone; " + Twine(bytes) + " bytes written and read once more",
             "", tracedOps(ops));
    }
  }

  /// Units of work: architecture.md section 5.
  static StringRef whyKindsStayApart(FusionKind from, FusionKind to) {
    if (from == FusionKind::Gemm && to == FusionKind::Columns)
      return "a gemm kernel works on blocks of rows, a sum over the rows needs them all";
    if (from == FusionKind::Rows && to == FusionKind::Columns)
      return "a rows kernel works row by row, a sum over the rows needs them all";
    if (from == FusionKind::Columns) return "a columns kernel works on blocks of columns";
    if (from == FusionKind::Gemm && to == FusionKind::Rows)
      return "a gemm kernel does not hold whole rows of its result";
    return "the two kinds share no unit of work";
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
    // Where it does not come to an end the program is right, only less fused: no reason to refuse it.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));

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
