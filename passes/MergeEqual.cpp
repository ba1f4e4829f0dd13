#include "passes/MergeEqual.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/Hashing.h"

#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tailor::passes {
#define GEN_PASS_DEF_MERGEEQUALOPSPASS
#include "passes/Passes.h.inc"
namespace {

/// Everything that decides the results of an op, in a form that hashes and compares.
struct Computation {
  OperationName name;
  DictionaryAttr attributes; ///< without provenance
  SmallVector<Value> operands;
  SmallVector<Type> results;

  explicit Computation(Operation* op)
      : name(op->getName()), operands(op->getOperands()), results(op->getResultTypes()) {
    NamedAttrList attributes(op->getPropertiesAsAttribute()
                                 ? cast<DictionaryAttr>(op->getPropertiesAsAttribute())
                                 : DictionaryAttr::get(op->getContext()));
    for (NamedAttribute attribute : op->getDiscardableAttrs())
      if (attribute.getName() != ir::kOpId && attribute.getName() != ir::kVjpOf) attributes.append(attribute);
    this->attributes = attributes.getDictionary(op->getContext());
  }

  bool operator==(const Computation& other) const {
    return name == other.name && attributes == other.attributes && operands == other.operands &&
           results == other.results;
  }
};

struct ComputationHash {
  size_t operator()(const Computation& key) const {
    size_t hash = llvm::hash_combine(key.name.getAsOpaquePointer(), key.attributes.getAsOpaquePointer());
    for (Value operand : key.operands)
      hash = llvm::hash_combine(hash, operand.getAsOpaquePointer());
    return hash;
  }
};

} // namespace

unsigned mergeEqualOps(Block& block) {
  std::unordered_map<Computation, Operation*, ComputationHash> known;
  unsigned removed = 0;
  for (Operation& op : llvm::make_early_inc_range(block)) {
    if (op.getNumRegions() > 0 || op.hasTrait<OpTrait::IsTerminator>() || !isPure(&op)) continue;
    auto [entry, isNew] = known.try_emplace(Computation(&op), &op);
    if (isNew) continue;
    op.replaceAllUsesWith(entry->second);
    op.erase();
    ++removed;
  }
  return removed;
}

namespace {

struct MergeEqualOps : impl::MergeEqualOpsPassBase<MergeEqualOps> {
  void runOnOperation() override {
    getOperation().walk([](Block* block) { mergeEqualOps(*block); });
  }
};

} // namespace
} // namespace tailor::passes
