// Convolutions and reductions over images with the maps around them. See Passes.td; RecomputePlan decides.
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/EraseDead.h"
#include "passes/FusionBudget.h"
#include "passes/Grouping.h"
#include "passes/LayerNames.h"
#include "passes/MergeEqual.h"
#include "passes/Passes.h"
#include "passes/RecomputePlan.h"
#include "passes/Remarks.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FUSECONVOLUTIONSPASS
#include "passes/Passes.h.inc"
namespace {

constexpr llvm::StringLiteral kName = "fuse-convolutions";

using GroupId = BlockGroups::GroupId;
using ir::FusionClass;
using ir::FusionKind;

bool isConvolution(Operation* op) {
  return ir::fusionClassOf(op) == FusionClass::Convolution;
}
bool isReduction(Operation* op) {
  return ir::fusionClassOf(op) == FusionClass::ChannelReduction;
}
bool isLeaf(Operation* op) {
  return ir::fusionClassOf(op) == FusionClass::Leaf;
}

/// "batch_norm_apply and relu": what a user would look for, each once.
std::string namesOf(ArrayRef<Operation*> ops) {
  llvm::SmallSetVector<StringRef, 8> names;
  for (Operation* op : ops)
    if (!isLeaf(op)) names.insert(op->getName().stripDialect());
  std::string text;
  for (auto [index, name] : llvm::enumerate(names)) {
    if (index > 0) text += index + 1 == names.size() ? " and " : ", ";
    text += name;
  }
  return text;
}

class BlockFuser {
public:
  BlockFuser(Block& block, FusionBudget& budget) : block_(block), budget_(budget) {}

  void run() {
    eraseDeadOps(block_);
    {
      RecomputePlan plan(block_);
      explainWritten(plan);
      giveReadersTheirOwn(plan);
    }
    eraseDeadOps(block_); // what was recomputed is nobody's any more
    findVectorArithmetic();
    BlockGroups groups(block_);
    LayerNames layers(block_);
    formGroups(groups);
    joinVectors(groups);
    for (GroupId id : groups.groups())
      settle(groups, id, layers);
    groups.materialize([](ir::FusedOp fused) { mergeEqualOps(fused.getBlock()); });
  }

private:
  /// An op with the copies of what it computes in its loads.
  struct Reader {
    Operation* op;
    SmallVector<Operation*> loads; ///< in program order
    Operation* host = nullptr;     ///< a map in the stores of this convolution
  };

  /// Copies what the plan recomputes in front of everybody who reads it.
  void giveReadersTheirOwn(const RecomputePlan& plan) {
    SmallVector<Operation*> ops;
    for (Operation& op : block_.without_terminator())
      ops.push_back(&op);
    for (Operation* op : ops) {
      const bool isMap = plan.isPlanned(op);
      if (isMap ? plan.isRecomputed(op->getResult(0)) : !isConvolution(op) && !isReduction(op)) continue;
      Reader reader{op, {}, isMap ? plan.hostOf(op) : nullptr};
      OpBuilder builder(op);
      IRMapping copies;
      takeIn(plan, op, builder, copies, reader.loads);
      readers_.push_back(std::move(reader));
    }
  }

  static void takeIn(const RecomputePlan& plan, Operation* op, OpBuilder& builder, IRMapping& copies,
                     SmallVectorImpl<Operation*>& loads) {
    for (OpOperand& use : op->getOpOperands()) {
      Value value = use.get();
      if (!plan.isRecomputed(value) || !takesInLoads(use)) continue;
      if (!copies.contains(value)) {
        Operation* copy = builder.clone(*value.getDefiningOp());
        copies.map(value, copy->getResult(0));
        OpBuilder before(copy);
        takeIn(plan, copy, before, copies, loads);
        loads.push_back(copy);
      }
      use.set(copies.lookup(value));
    }
  }

  void formGroups(BlockGroups& groups) {
    for (const Reader& reader : readers_) {
      if (isConvolution(reader.op))
        joinAll(groups, reader, FusionKind::Convolution);
      else if (isReduction(reader.op))
        joinAll(groups, reader, FusionKind::Channels);
      else if (reader.host)
        joinStores(groups, reader);
      else if (readsForward(reader) || moves(reader))
        joinAll(groups, reader, FusionKind::Map);
    }
  }

  /// Copies have one user each, so no cycle can arise.
  static void joinAll(BlockGroups& groups, const Reader& reader, FusionKind kind) {
    GroupId id = *groups.groupOf(reader.op);
    groups.setKind(id, kind);
    for (Operation* copy : llvm::reverse(reader.loads))
      id = groups.join(id, *groups.groupOf(copy), kind);
  }

  void joinStores(BlockGroups& groups, const Reader& reader) {
    joinAll(groups, reader, FusionKind::Map);
    GroupId convolution = *groups.groupOf(reader.host), stores = *groups.groupOf(reader.op);
    if (!groups.joiningCreatesCycle(convolution, stores)) {
      groups.join(convolution, stores, FusionKind::Convolution);
      inStores_.insert(reader.op);
      inStores_.insert(reader.loads.begin(), reader.loads.end());
      return;
    }
    missed(reader.op->getLoc(), kName, "cycle",
           "'" + reader.op->getName().stripDialect() +
               "' also needs a kernel that needs the convolution before it",
           "", tracedOps({reader.op, reader.host}));
  }

  /// Arithmetic on vectors over the channels that is made of a reduction's results goes behind the reduction: a kernel of
  /// its own costs a launch, for a few numbers.
  void joinVectors(BlockGroups& groups) {
    for (Operation* op : vectorArithmetic_) {
      if (behind_.contains(op)) continue;
      for (Value operand : op->getOperands()) {
        Operation* maker = operand.getDefiningOp();
        if (!maker || !(isReduction(maker) || behind_.contains(maker)) ||
            ir::vjpOf(op).has_value() != ir::vjpOf(maker).has_value())
          continue;
        if (joinVector(groups, op, maker)) break;
      }
    }
  }

  /// Puts `op` into the group of `neighbour`, with the constants and broadcasts it reads and the arithmetic that nobody else reads.
  bool joinVector(BlockGroups& groups, Operation* op, Operation* neighbour) {
    GroupId own = *groups.groupOf(op), id = *groups.groupOf(neighbour);
    if (groups.group(own).kind || groups.joiningCreatesCycle(own, id)) return false;
    groups.join(own, id, FusionKind::Channels);
    behind_.insert(op);
    for (Value operand : op->getOperands()) {
      Operation* maker = operand.getDefiningOp();
      std::optional<GroupId> other = maker ? groups.groupOf(maker) : std::nullopt;
      const bool isRead =
          other && *other != *groups.groupOf(op) && (isLeaf(maker) || isVectorArithmetic(maker)) &&
          llvm::all_of(maker->getUsers(),
                       [&](Operation* user) { return groups.groupOf(user) == groups.groupOf(op); });
      if (isRead) joinVector(groups, maker, op);
    }
    return true;
  }

  static bool isVectorArithmetic(Operation* op) {
    auto isVector = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && tensor.getRank() == 1 && isa<FloatType>(tensor.getElementType());
    };
    return (ir::fusionClassOf(op) == FusionClass::Elementwise || isa<ir::BatchNormUpdateRunningOp>(op)) &&
           llvm::all_of(op->getResultTypes(), isVector);
  }

  /// Constants and broadcasts are made again by everybody who reads them.
  void findVectorArithmetic() {
    for (Operation& op : block_.without_terminator())
      if (isVectorArithmetic(&op)) vectorArithmetic_.push_back(&op);
    for (Operation* op : vectorArithmetic_)
      for (OpOperand& use : op->getOpOperands())
        if (Operation* leaf = use.get().getDefiningOp(); leaf && isLeaf(leaf) && !leaf->hasOneUse())
          use.set(OpBuilder(op).clone(*leaf)->getResult(cast<OpResult>(use.get()).getResultNumber()));
  }

  /// A backward map that recomputes forward values: FuseElementwise would read them from memory, where they are not.
  static bool readsForward(const Reader& reader) {
    return ir::vjpOf(reader.op) &&
           llvm::any_of(reader.loads, [](Operation* copy) { return !isLeaf(copy) && !ir::vjpOf(copy); });
  }

  /// FuseElementwise joins what reads element by element at one position.
  static bool moves(const Reader& reader) {
    auto isMovement = [](Operation* op) { return ir::fusionClassOf(op) == FusionClass::Movement; };
    return isMovement(reader.op) || llvm::any_of(reader.loads, isMovement);
  }

  void settle(BlockGroups& groups, GroupId id, const LayerNames& layers) {
    const BlockGroups::Group& group = groups.group(id);
    if (!group.kind) return;
    Operation* center = nullptr;
    SmallVector<Operation*> loads, stores, behind, working;
    for (Operation* op : group.ops) {
      if (isConvolution(op) || isReduction(op)) center = op;
      if (isLeaf(op)) continue;
      working.push_back(op);
      if (op != center)
        (inStores_.contains(op) ? stores : behind_.contains(op) ? behind : loads).push_back(op);
    }
    if (group.ops.size() == 1) return groups.dissolve(id);
    if (!budget_.take()) {
      missed(group.ops.back()->getLoc(), kName, "fuse-limit", "the limit on fusions is reached");
      return groups.dissolve(id);
    }
    if (working.size() < 2) return;
    SmallVector<Location> locations =
        llvm::map_to_vector(working, [](Operation* op) { return op->getLoc(); });
    std::string text = layers.prefixOf(working);
    if (!center) {
      text += namesOf(working) + " in one map kernel";
    } else {
      if (!loads.empty()) text += namesOf(loads) + " in the loads";
      if (!stores.empty()) text += (loads.empty() ? "" : ", ") + namesOf(stores) + " in the stores";
      if (loads.empty() && stores.empty()) {
        text += namesOf(behind) + " behind " + center->getName().stripDialect().str();
      } else {
        text += (" of " + center->getName().stripDialect()).str();
        if (!behind.empty()) text += ", " + namesOf(behind) + " behind it";
      }
    }
    taken(FusedLoc::get(block_.getParentOp()->getContext(), locations), kName,
          stringifyFusionKind(*group.kind), text + layers.suffix(), 0, tracedOps(working));
  }

  /// Every normalisation, activation and add over images that has a kernel of its own, and why.
  void explainWritten(const RecomputePlan& plan) {
    LayerNames layers(block_);
    for (Operation& op : block_.without_terminator()) {
      if (!plan.isPlanned(&op) || plan.isRecomputed(op.getResult(0)) || plan.hostOf(&op)) continue;
      const std::string name =
          layers.prefixOf({&op}) + "'" + op.getName().stripDialect().str() + "' is written to memory: ";
      if (Operation* reader = plan.memoryReaderOf(op.getResult(0))) {
        missed(op.getLoc(), kName, "read-whole",
               name + "'" + reader->getName().stripDialect() + "' reads it there" + layers.suffix(), "",
               tracedOps({&op, reader}));
        continue;
      }
      missed(op.getLoc(), kName, "read-often",
             name + Twine(plan.readersOf(op.getResult(0)).size()) +
                 " kernels read it, and each would read all that it is made from" + layers.suffix(),
             "", tracedOps({&op}));
    }
  }

  Block& block_;
  FusionBudget& budget_;
  SmallVector<Reader> readers_;
  SmallVector<Operation*> vectorArithmetic_; ///< in program order
  DenseSet<Operation*> inStores_, behind_;
};

struct FuseConvolutions : impl::FuseConvolutionsPassBase<FuseConvolutions> {
  void runOnOperation() override {
    FusionBudget budget(getOperation());
    SmallVector<Block*> blocks;
    getOperation().walk([&](Block* block) {
      if (!isa<ir::FusedOp>(block->getParentOp()) &&
          llvm::any_of(*block, [](Operation& op) { return isConvolution(&op) || isReduction(&op); }))
        blocks.push_back(block);
    });
    for (Block* block : blocks)
      BlockFuser(*block, budget).run();
  }
};

} // namespace
} // namespace tailor::passes
