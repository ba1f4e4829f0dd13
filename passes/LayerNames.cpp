#include "passes/LayerNames.h"

#include "llvm/ADT/StringExtras.h"

#include "ir/OpIds.h"

using namespace mlir;

namespace tailor::passes {

LayerNames::LayerNames(Block& block) : block_(block) {
  for (Operation& op : block)
    if (std::optional<int64_t> id = ir::opId(&op)) byId_[*id] = &op;
}

std::string LayerNames::prefixOf(ArrayRef<Operation*> ops) const {
  Layers layers;
  for (Operation* op : ops)
    addLayers(op, layers);
  return layers.empty() ? "" : llvm::join(layers, ", ") + ": ";
}

std::string LayerNames::suffix() const {
  auto name = block_.getParentOp()->getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
  return name ? (", in " + name.getValue()).str() : "";
}

void LayerNames::addLayers(Operation* op, Layers& layers) const {
  unsigned before = layers.size();
  for (Value operand : op->getOperands())
    if (StringRef name = parameterOf(operand); name.contains('.')) layers.insert(name.rsplit('.').first);
  if (layers.size() > before) return;
  if (std::optional<int64_t> primal = ir::vjpOf(op))
    if (Operation* forward = byId_.lookup(*primal); forward && forward != op && !ir::vjpOf(forward))
      addLayers(forward, layers);
}

/// "fc0.weight" of an argument or a loaded state, also through the broadcast of a bias.
StringRef LayerNames::parameterOf(Value value) const {
  if (auto spread = value.getDefiningOp<ir::BroadcastOp>()) value = spread.getOperand();
  if (auto load = value.getDefiningOp<ir::LoadOp>()) return load.getState().getLeafReference().getValue();
  auto argument = dyn_cast<BlockArgument>(value);
  auto body = dyn_cast_or_null<ir::BodyOp>(argument ? argument.getOwner()->getParentOp() : nullptr);
  ArrayAttr names = body ? body.getArgNamesAttr() : nullptr;
  return names && argument.getArgNumber() < names.size()
             ? cast<StringAttr>(names[argument.getArgNumber()]).getValue()
             : StringRef();
}

} // namespace tailor::passes
