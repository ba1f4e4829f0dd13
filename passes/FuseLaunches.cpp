// Makes one launch of several that know nothing of each other. See Passes.td.
#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/FusionBudget.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FUSELAUNCHESPASS
#include "passes/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral kName = "fuse-launches";

/// Of the smallest GPU there is a target for (A100): blocks that are all resident there are so on every other.
constexpr int64_t kMultiprocessors = 108;
/// The last part's blocks make as many comparisons before they begin: some hundred cycles, a tenth of what a launch costs.
constexpr unsigned kMostParts = 16;
/// Kernels of which no more blocks are resident use every register that they are given, and spill where anything is added: tiles of 128,
/// of launches that fill a device by themselves.
constexpr int64_t kFewestResident = 3;
/// Pointers of a kernel on target cuda.
constexpr size_t kMostPointers = 512;

ir::GridAttr gridOf(ir::KernelOp kernel) {
  return kernel.getGridAttr();
}

/// Launches that become one, at the place of the first.
struct Group {
  SmallVector<ir::LaunchOp> launches;
  SmallVector<ir::KernelOp> kernels;
  size_t pointers = 0;

  int64_t threads() const { return gridOf(kernels.front()).getThreads(); }
};

size_t pointersOf(ir::LaunchOp launch, ir::KernelOp kernel) {
  ArrayAttr temporaries = kernel.getTemporariesAttr();
  return launch.getNumOperands() + launch.getNumResults() + (temporaries ? temporaries.size() : 0);
}

/// True if each kernel loses nothing where only as many blocks share a multiprocessor as of the one that needs most registers: it
/// needs as many, or all its blocks are resident even so.
bool shareRegisters(ArrayRef<ir::KernelOp> kernels) {
  int64_t resident = gridOf(kernels.front()).getResident();
  for (ir::KernelOp kernel : kernels)
    resident = std::min(resident, gridOf(kernel).getResident());
  return llvm::all_of(kernels, [&](ir::KernelOp kernel) {
    ir::GridAttr grid = gridOf(kernel);
    return grid.getResident() == resident || grid.getBlocks() <= resident * kMultiprocessors;
  });
}

/// The launches of one block, in their order; nothing moves until all groups are known.
class Chooser {
public:
  explicit Chooser(const SymbolTable& symbols) : symbols_(symbols) {}

  SmallVector<Group> groupsOf(Block& block) const {
    SmallVector<Group> groups;
    for (auto launch : block.getOps<ir::LaunchOp>()) {
      auto kernel = symbols_.lookup<ir::KernelOp>(launch.getKernel());
      if (!mayBePart(kernel)) continue;
      if (groups.empty() || !joins(groups.back(), launch, kernel)) groups.emplace_back();
      Group& group = groups.back();
      group.launches.push_back(launch);
      group.kernels.push_back(kernel);
      group.pointers += pointersOf(launch, kernel);
    }
    llvm::erase_if(groups, [](const Group& group) { return group.launches.size() < 2; });
    return groups;
  }

private:
  static bool mayBePart(ir::KernelOp kernel) {
    return kernel.getGridAttr() && gridOf(kernel).getResident() >= kFewestResident &&
           kernel.getKind() != ir::FusionKind::MultiTensor && kernel.getKind() != ir::FusionKind::Horizontal;
  }

  static bool joins(const Group& group, ir::LaunchOp launch, ir::KernelOp kernel) {
    if (group.launches.size() == kMostParts || group.pointers + pointersOf(launch, kernel) > kMostPointers ||
        gridOf(kernel).getThreads() != group.threads())
      return false;
    SmallVector<ir::KernelOp> kernels(group.kernels);
    kernels.push_back(kernel);
    return shareRegisters(kernels) && llvm::all_of(launch.getInputs(), [&](Value input) {
             return isReadyAt(input, group.launches.front());
           });
  }

  /// True if `value` is made before `place`, or is read or a view that can be made there.
  static bool isReadyAt(Value value, Operation* place) {
    Operation* maker = value.getDefiningOp();
    if (!maker || maker->getBlock() != place->getBlock() || maker->isBeforeInBlock(place)) return true;
    if (auto load = dyn_cast<ir::LoadOp>(maker)) return !isStoredBetween(load.getState(), place, load);
    return isa<ir::ReshapeOp, ir::ConstantOp, ir::ControlReadOp>(maker) &&
           llvm::all_of(maker->getOperands(), [&](Value operand) { return isReadyAt(operand, place); });
  }

  static bool isStoredBetween(SymbolRefAttr state, Operation* from, Operation* to) {
    bool stored = false;
    for (Operation* op = from; op != to; op = op->getNextNode())
      op->walk([&](ir::StoreOp store) { stored |= store.getState() == state; });
    return stored;
  }

  const SymbolTable& symbols_;
};

/// Moves what `value` is made by in front of `place`, where isReadyAt.
void makeReadyAt(Value value, Operation* place) {
  Operation* maker = value.getDefiningOp();
  if (!maker || maker->getBlock() != place->getBlock() || maker->isBeforeInBlock(place)) return;
  for (Value operand : maker->getOperands())
    makeReadyAt(operand, place);
  maker->moveBefore(place);
}

/// Makes the kernels and launches of the groups of one program.
class Joiner {
public:
  explicit Joiner(ir::ProgramOp program) : symbols_(program) {}

  const SymbolTable& symbols() const { return symbols_; }

  void join(const Group& group) {
    OpBuilder builder(group.launches.front());
    llvm::SetVector<Value> inputs;
    SmallVector<Value> results;
    SmallVector<Location> locations;
    llvm::SetVector<int64_t> ids;
    for (ir::LaunchOp launch : group.launches) {
      for (Value input : launch.getInputs())
        makeReadyAt(input, group.launches.front());
      inputs.insert(launch.getInputs().begin(), launch.getInputs().end());
      llvm::append_range(results, launch.getResults());
      locations.push_back(launch.getLoc());
      ids.insert_range(ir::tracedOps(launch));
    }
    StringRef kernel = publish(kernelOf(group, inputs.getArrayRef(), TypeRange(ValueRange(results))), group);
    auto joined = ir::LaunchOp::create(
        builder, builder.getFusedLoc(locations), TypeRange(ValueRange(results)), kernel, inputs.getArrayRef(),
        ids.empty() ? DenseI64ArrayAttr() : builder.getDenseI64ArrayAttr(ids.getArrayRef()), ArrayAttr(),
        ArrayAttr());
    explain(joined, group);
    for (auto [before, after] : llvm::zip_equal(results, joined.getResults()))
      before.replaceAllUsesWith(after);
    for (ir::LaunchOp launch : group.launches)
      launch.erase();
  }

private:
  static ir::KernelOp kernelOf(const Group& group, ArrayRef<Value> inputs, TypeRange results) {
    OpBuilder builder(results.front().getContext());
    Location loc = builder.getUnknownLoc();
    auto kernel = ir::KernelOp::create(builder, loc, "kernel", ir::FusionKind::Horizontal,
                                       builder.getFunctionType(TypeRange(ValueRange(inputs)), results));
    builder.setInsertionPointToEnd(&kernel.getBlock());
    SmallVector<Value> yielded;
    SmallVector<Attribute> temporaries;
    int64_t blocks = 0, resident = gridOf(group.kernels.front()).getResident();
    for (auto [member, of] : llvm::zip_equal(group.launches, group.kernels)) {
      ir::LaunchOp launch = member;
      ir::KernelOp part = of;
      auto arguments = llvm::map_to_vector(launch.getInputs(), [&](Value input) -> Value {
        return kernel.getBlock().getArgument(llvm::find(inputs, input) - inputs.begin());
      });
      auto call = ir::PartOp::create(builder, loc, launch.getResultTypes(), launch.getKernel(), arguments);
      llvm::append_range(yielded, call.getResults());
      if (ArrayAttr needed = part.getTemporariesAttr()) llvm::append_range(temporaries, needed);
      blocks += part.getGridAttr().getBlocks();
      resident = std::min(resident, part.getGridAttr().getResident());
    }
    ir::YieldOp::create(builder, loc, yielded);
    if (!temporaries.empty()) kernel.setTemporariesAttr(builder.getArrayAttr(temporaries));
    kernel.setGridAttr(ir::GridAttr::get(builder.getContext(), blocks, group.threads(), resident));
    return kernel;
  }

  /// Puts the kernel into the program, or finds the equal one that is there: "<first part>_and_2_more_<hash>".
  StringRef publish(ir::KernelOp kernel, const Group& group) {
    std::string structure;
    llvm::raw_string_ostream stream(structure);
    kernel->print(stream, OpPrintingFlags().useLocalScope().printGenericOpForm());
    auto [known, isNew] = known_.try_emplace(structure);
    if (!isNew) {
      kernel->erase();
      return known->second;
    }
    const std::string name = ir::KernelOp(group.kernels.front()).getSymName().str() + "_and_" +
                             std::to_string(group.kernels.size() - 1) + "_more_" +
                             llvm::utohexstr(llvm::xxh3_64bits(structure) >> 32, /*LowerCase=*/true,
                                             /*Width=*/8);
    kernel.setSymName(name);
    return known->second = symbols_.insert(kernel).getValue(); // which makes it unique
  }

  static void explain(ir::LaunchOp joined, const Group& group) {
    SmallVector<std::string> kinds;
    for (ir::KernelOp kernel : group.kernels)
      kinds.push_back(ir::stringifyFusionKind(kernel.getKind()).str());
    taken(joined.getLoc(), kName, "launches",
          Twine(kinds.size()) +
              " kernels that do not read each other's results in one launch: " + llvm::join(kinds, ", "),
          0, ir::tracedOps(joined));
  }

  SymbolTable symbols_;
  llvm::StringMap<StringRef> known_; ///< printed kernel -> symbol
};

struct FuseLaunches : impl::FuseLaunchesPassBase<FuseLaunches> {
  using FuseLaunchesPassBase::FuseLaunchesPassBase;

  void runOnOperation() override {
    FusionBudget budget(getOperation());
    for (auto program : getOperation().getOps<ir::ProgramOp>()) {
      Joiner joiner(program);
      SmallVector<Block*> blocks;
      program.walk([&](Block* block) {
        if (isa<ir::EntryOp, ir::RepeatOp>(block->getParentOp())) blocks.push_back(block);
      });
      for (Block* block : blocks)
        for (const Group& group : Chooser(joiner.symbols()).groupsOf(*block))
          if (budget.take()) joiner.join(group);
    }
  }
};

} // namespace
} // namespace tailor::passes
