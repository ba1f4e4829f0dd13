#include "passes/FusionBudget.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tailor::passes {
namespace {
constexpr llvm::StringLiteral kAttribute = "tailor.fuse_limit";
}

void FusionBudget::install(ModuleOp module, int64_t limit) {
  if (limit >= 0) module->setAttr(kAttribute, Builder(module.getContext()).getI64IntegerAttr(limit));
}

FusionBudget::FusionBudget(ModuleOp module) : module_(module), left_(-1) {
  if (auto limit = module->getAttrOfType<IntegerAttr>(kAttribute)) left_ = limit.getInt();
}

FusionBudget::~FusionBudget() {
  if (left_ >= 0) install(module_, left_);
}

bool FusionBudget::take() {
  if (left_ < 0) return true;
  if (left_ == 0) return false;
  --left_;
  return true;
}

} // namespace tailor::passes
