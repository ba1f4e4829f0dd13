// Outlines every fused group, and every op that stayed alone, into a kernel symbol and a launch.
#include "passes/FormKernels.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/analysis/Groups.h"
#include "passes/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "passes/Passes.h.inc"

namespace {

/// What a kernel is made from: a fused group, or a region holding one op.
struct Group {
  ir::FusionKind kind;
  SmallVector<Value> inputs;     ///< without repetitions, except for multi-tensor ops
  SmallVector<unsigned> results; ///< results of the op that somebody reads
  Operation* op;
};

/// Op ids and source lines of everything in the group, in order.
void collectOrigins(Operation* op, llvm::SetVector<int64_t>& ids, SmallVectorImpl<Location>& locations) {
  op->walk([&](Operation* inner) {
    if (std::optional<int64_t> id = ir::opId(inner)) ids.insert(*id);
    if (!isa<ir::YieldOp, ir::FusedOp>(inner)) locations.push_back(inner->getLoc());
  });
}

/// Ids say where an op came from, not what it computes: kernels of equal structure must print alike. (The id
/// of a random key is a proper attribute, because it enters the key, and stays.)
void dropOrigins(Operation* root) {
  root->walk([](Operation* op) {
    op->removeDiscardableAttr(ir::kOpId);
    op->removeDiscardableAttr(ir::kVjpOf);
    op->setLoc(UnknownLoc::get(op->getContext()));
    for (Region& region : op->getRegions())
      for (Block& block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setLoc(op->getLoc());
  });
}

std::string shapeText(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.getRank() == 0) return "scalar";
  return llvm::join(llvm::map_range(tensor.getShape(), [](int64_t size) { return std::to_string(size); }),
                    "x");
}

/// Names of ops may hold a dot ("sam.perturb"); symbols do not.
std::string wordOf(Operation* op) {
  std::string word = op->getName().stripDialect().str();
  llvm::replace(word, '.', '_');
  return word;
}

ir::FusionKind kindOf(Operation* op) {
  auto fused = dyn_cast<ir::FusedOp>(op);
  return fused ? fused.getKind() : kindOfSingle(op);
}

/// True for the ops a kernel is known by; elementwise ops and cheap leaves are company.
bool isPrincipal(Operation* op) {
  switch (ir::fusionClassOf(op)) {
  case ir::FusionClass::Elementwise:
  case ir::FusionClass::Leaf:
  case ir::FusionClass::Map:
  case ir::FusionClass::ChannelMap:
    return false;
  default:
    return true;
  }
}

/// "gemm", "map", "rows_softmax_cross_entropy_with_grad", "sgd_update_ema_update", "conv2d".
std::string familyOf(ir::KernelOp kernel) {
  std::string kind = ir::stringifyFusionKind(kernel.getKind()).str();
  SmallVector<std::string> principal;
  for (Operation& op : kernel.getBlock().without_terminator())
    if (isPrincipal(&op)) principal.push_back(wordOf(&op));
  switch (kernel.getKind()) {
  case ir::FusionKind::Map:
  case ir::FusionKind::Scalar:
  case ir::FusionKind::Gemm:
    return kind;
  case ir::FusionKind::MultiTensor:
  case ir::FusionKind::Channels:
  case ir::FusionKind::Convolution:
  case ir::FusionKind::Single:
  case ir::FusionKind::Horizontal: // FuseLaunches names these
    return principal.empty() ? kind : llvm::join(principal, "_");
  case ir::FusionKind::Rows:
  case ir::FusionKind::Columns:
    return principal.empty() ? kind : kind + "_" + principal.front();
  }
  llvm_unreachable("every kind has a family");
}

/// The sizes a reader wants to see: of a matrix product rows x inner x columns, of an update the number of
/// elements, else the first result.
std::string shapesOf(ir::KernelOp kernel) {
  if (kernel.getKind() == ir::FusionKind::MultiTensor) {
    int64_t elements = 0;
    for (Operation& op : kernel.getBlock())
      if (auto multi = dyn_cast<ir::MultiTensorOpInterface>(op)) {
        ir::TensorRole role = multi.getOperandRoles().front();
        for (unsigned i = 0; i < multi.getNumTensors(); ++i)
          elements += cast<RankedTensorType>(op.getOperand(role.begin + i).getType()).getNumElements();
        break;
      }
    return std::to_string(elements);
  }
  if (kernel.getKind() == ir::FusionKind::Channels) // the images, not the channels that come of them
    for (Operation& op : kernel.getBlock())
      if (ir::fusionClassOf(&op) == ir::FusionClass::ChannelReduction)
        return shapeText(op.getOperand(0).getType());
  Type shown =
      kernel.getResultTypes().empty() ? kernel.getArgumentTypes().front() : kernel.getResultTypes().front();
  if (kernel.getKind() == ir::FusionKind::Gemm)
    for (Operation& op : kernel.getBlock())
      if (auto dot = dyn_cast<ir::DotOp>(op)) {
        int64_t inner = 1;
        for (int64_t dim : dot.getLhsContract())
          inner *= cast<RankedTensorType>(dot.getLhs().getType()).getDimSize(dim);
        auto result = cast<RankedTensorType>(dot.getType());
        if (result.getRank() == 2)
          return (Twine(result.getDimSize(0)) + "x" + Twine(inner) + "x" + Twine(result.getDimSize(1))).str();
      }
  return shapeText(shown);
}

/// Puts the ops of a fused group back into the entry: the trivial form has one op a kernel.
void dissolve(ir::FusedOp fused) {
  OpBuilder builder(fused);
  IRMapping mapping;
  mapping.map(fused.getBlock().getArguments(), fused.getInputs());
  for (Operation& op : fused.getBlock().without_terminator())
    builder.clone(op, mapping);
  for (auto [result, value] : llvm::zip_equal(fused.getResults(), fused.getYield().getValues()))
    result.replaceAllUsesWith(mapping.lookupOrDefault(value));
  fused.erase();
}

/// A constant of different numbers is a table in memory, which kernels read as an operand: it leaves its group. One
/// number everywhere stays a part of the code.
void takeOutTables(ir::FusedOp fused) {
  SmallVector<ir::ConstantOp> tables;
  for (auto constant : fused.getBlock().getOps<ir::ConstantOp>())
    if (!cast<DenseElementsAttr>(constant.getValue()).isSplat()) tables.push_back(constant);
  for (ir::ConstantOp table : tables) {
    Value argument = fused.getBlock().addArgument(table.getType(), table.getLoc());
    table.getResult().replaceAllUsesWith(argument);
    table->moveBefore(fused);
    fused.getInputsMutable().append(table.getResult());
  }
}

class FormKernels : public impl::FormKernelsPassBase<FormKernels> {
public:
  using FormKernelsPassBase::FormKernelsPassBase;

  void runOnOperation() override {
    for (auto program : getOperation().getOps<ir::ProgramOp>()) {
      structures_.clear();
      taken_.clear();
      program.walk([&](ir::FusedOp fused) { trivial ? dissolve(fused) : takeOutTables(fused); });
      for (auto entry : llvm::make_early_inc_range(program.getOps<ir::EntryOp>()))
        outline(program, entry.getBody());
    }
  }

private:
  void outline(ir::ProgramOp program, Region& region) {
    for (Operation& op :
         llvm::make_early_inc_range(llvm::make_range(region.front().begin(), region.front().end()))) {
      if (auto repeat = dyn_cast<ir::RepeatOp>(op)) outline(program, repeat.getBody());
      if (!needsKernel(&op)) continue;
      if (isMemoryEffectFree(&op) && op.use_empty()) {
        op.erase();
        continue;
      }
      outline(program, groupOf(&op));
    }
  }

  static Group groupOf(Operation* op) {
    Group group{kindOf(op), {}, {}, op};
    if (group.kind == ir::FusionKind::MultiTensor) {
      llvm::append_range(group.inputs, op->getOperands()); // roles are runs of operands
    } else {
      llvm::SetVector<Value> inputs(op->operand_begin(), op->operand_end());
      group.inputs.assign(inputs.begin(), inputs.end());
    }
    for (OpResult result : op->getResults())
      if (group.kind == ir::FusionKind::MultiTensor || !result.use_empty())
        group.results.push_back(result.getResultNumber());
    return group;
  }

  void outline(ir::ProgramOp program, const Group& group) {
    OpBuilder builder(group.op);
    SmallVector<Type> resultTypes;
    for (unsigned index : group.results)
      resultTypes.push_back(group.op->getResult(index).getType());
    ir::KernelOp kernel = build(group, resultTypes);
    StringRef name = publish(program, kernel);

    llvm::SetVector<int64_t> ids;
    SmallVector<Location> locations;
    collectOrigins(group.op, ids, locations);
    auto launch =
        ir::LaunchOp::create(builder, builder.getFusedLoc(locations), resultTypes, name, group.inputs,
                             builder.getDenseI64ArrayAttr(ids.getArrayRef()), ArrayAttr(), ArrayAttr());
    for (auto [position, index] : llvm::enumerate(group.results))
      group.op->getResult(index).replaceAllUsesWith(launch.getResult(position));
    group.op->erase();
  }

  /// The kernel of a group, not yet in a program.
  ir::KernelOp build(const Group& group, ArrayRef<Type> resultTypes) {
    OpBuilder builder(&getContext());
    Location loc = builder.getUnknownLoc();
    SmallVector<Type> inputTypes =
        llvm::map_to_vector(group.inputs, [](Value value) { return value.getType(); });
    auto kernel = ir::KernelOp::create(builder, loc, "kernel", group.kind,
                                       builder.getFunctionType(inputTypes, resultTypes));
    builder.setInsertionPointToEnd(&kernel.getBlock());
    IRMapping mapping;
    SmallVector<Value> results;
    if (auto fused = dyn_cast<ir::FusedOp>(group.op)) {
      for (auto [input, argument] : llvm::zip_equal(fused.getInputs(), fused.getBlock().getArguments()))
        mapping.map(argument,
                    kernel.getBlock().getArgument(positionOf(group, input, argument.getArgNumber())));
      for (Operation& op : fused.getBlock().without_terminator())
        builder.clone(op, mapping);
      for (unsigned index : group.results)
        results.push_back(mapping.lookup(fused.getYield().getValues()[index]));
    } else {
      SmallVector<Value> operands;
      for (OpOperand& operand : group.op->getOpOperands())
        operands.push_back(
            kernel.getBlock().getArgument(positionOf(group, operand.get(), operand.getOperandNumber())));
      Operation* copy = group.op->cloneWithoutRegions();
      builder.insert(copy);
      copy->setOperands(operands);
      for (unsigned index : group.results)
        results.push_back(copy->getResult(index));
    }
    ir::YieldOp::create(builder, loc, results);
    dropOrigins(kernel);
    return kernel;
  }

  static unsigned positionOf(const Group& group, Value input, unsigned operandNumber) {
    if (group.kind == ir::FusionKind::MultiTensor) return operandNumber;
    return llvm::find(group.inputs, input) - group.inputs.begin();
  }

  /// Puts the kernel into the program, or finds the equal one that is there.
  StringRef publish(ir::ProgramOp program, ir::KernelOp kernel) {
    std::string structure;
    llvm::raw_string_ostream stream(structure);
    kernel->print(stream, OpPrintingFlags().useLocalScope().printGenericOpForm());
    if (auto known = structures_.find(structure); known != structures_.end()) {
      kernel->erase();
      return known->second;
    }
    std::string prefix = familyOf(kernel) + "_" + shapesOf(kernel) + "_";
    std::string name, salted = structure;
    do { // a second structure under one name is a hash collision: try the next hash
      name = prefix + llvm::utohexstr(llvm::xxh3_64bits(salted) >> 32, /*LowerCase=*/true, /*Width=*/8);
      salted += name;
    } while (!taken_.insert(name).second);
    kernel.setSymName(name);
    program.getBody().front().push_back(kernel);
    return structures_.try_emplace(structure, kernel.getSymNameAttr().getValue()).first->second;
  }

  llvm::StringMap<StringRef> structures_; ///< printed kernel -> symbol
  llvm::StringSet<> taken_;
};

} // namespace

bool needsKernel(Operation* op) {
  return !isa<ir::LoadOp, ir::StoreOp, ir::ControlReadOp, ir::InputOp, ir::ReportOp, ir::OutputOp,
              ir::ConstantOp, ir::ReshapeOp, ir::RepeatOp, ir::YieldOp, ir::LaunchOp>(op);
}

} // namespace tailor::passes
