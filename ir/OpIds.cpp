#include "ir/OpIds.h"
#include "ir/Tailor.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace tailor::ir {

static std::optional<int64_t> number(Operation* op, StringRef name) {
  auto attr = op->getAttrOfType<IntegerAttr>(name);
  if (!attr) return std::nullopt;
  return attr.getInt();
}

static void setNumber(Operation* op, StringRef name, int64_t value) {
  op->setAttr(name, IntegerAttr::get(IntegerType::get(op->getContext(), 64), value));
}

std::optional<int64_t> opId(Operation* op) {
  return number(op, kOpId);
}
void setOpId(Operation* op, int64_t id) {
  setNumber(op, kOpId, id);
}
std::optional<int64_t> vjpOf(Operation* op) {
  return number(op, kVjpOf);
}
void setVjpOf(Operation* op, int64_t id) {
  setNumber(op, kVjpOf, id);
}

void inheritOrigin(Operation* made, ArrayRef<Operation*> replaced) {
  made->setDiscardableAttrs(replaced.front()->getDiscardableAttrDictionary());
  auto locations = llvm::map_to_vector(replaced, [](Operation* op) { return op->getLoc(); });
  made->setLoc(FusedLoc::get(made->getContext(), locations));
}

SmallVector<int64_t> tracedOps(Operation* op) {
  SmallVector<int64_t> ids;
  op->walk([&](Operation* inner) {
    if (std::optional<int64_t> id = opId(inner)) ids.push_back(*id);
    if (auto launch = dyn_cast<LaunchOp>(inner); launch && launch.getOpIds())
      llvm::append_range(ids, *launch.getOpIds());
  });
  llvm::sort(ids);
  ids.erase(llvm::unique(ids), ids.end());
  return ids;
}

} // namespace tailor::ir
