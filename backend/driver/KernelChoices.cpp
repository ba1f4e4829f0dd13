#include "backend/driver/KernelChoices.h"

#include "ir/Algorithm.h"
#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/Remarks.h"
#include "runtime/base/glob.h"
#include "runtime/base/wording.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace tailor::backend {
namespace {

/// The value that `value` is outside the fused groups it was handed into, in whatever precision.
Value outermost(Value value) {
  while (true) {
    if (auto cast = value.getDefiningOp<ir::CastOp>()) {
      value = cast.getOperand();
      continue;
    }
    auto argument = dyn_cast<BlockArgument>(value);
    auto fused = dyn_cast_or_null<ir::FusedOp>(argument ? argument.getOwner()->getParentOp() : nullptr);
    if (!fused) return value;
    value = fused.getInputs()[argument.getArgNumber()];
  }
}

/// "layer1.0.conv1" of a convolution whose weight is that state; empty for a weight that is computed.
std::string layerOf(Value weight) {
  auto load = outermost(weight).getDefiningOp<ir::LoadOp>();
  return load ? load.getState().getLeafReference().getValue().rsplit('.').first.str() : "";
}

bool isConvolution(Operation* op) {
  return ir::fusionClassOf(op) == ir::FusionClass::Convolution;
}

void addOnce(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty() && !llvm::is_contained(names, name)) names.push_back(name);
}

} // namespace

runtime::Result<KernelChoices> KernelChoices::read(const std::vector<std::string>& flags,
                                                   const Target& target) {
  KernelChoices choices;
  for (const std::string& text : flags) {
    const std::string flag = "--set-kernel " + text;
    const size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return runtime::invalid_argument("--set-kernel takes PATTERN=ALGORITHM, not '", text, "'")
          .with_hint("for example --set-kernel 'layer1.*=implicit_gemm'");
    const std::string algorithm = text.substr(equals + 1);
    const std::vector<std::string> known = target.backend->algorithms();
    if (known.empty())
      return runtime::invalid_argument(flag, ": target '", target.name(), "' has no kernels to choose");
    if (!llvm::is_contained(known, algorithm))
      return runtime::invalid_argument(flag, ": there is no algorithm '", algorithm, "'")
          .with_hint("target '" + target.name() + "' has " + runtime::listed(known));
    choices.choices_.push_back({flag, text.substr(0, equals), algorithm});
  }
  return choices;
}

void KernelChoices::apply(Operation* convolution, ArrayRef<std::string> names) {
  for (Choice& choice : choices_) {
    if (llvm::none_of(names, [&](const std::string& name) {
          return !name.empty() && runtime::matches_glob(choice.pattern, name);
        }))
      continue;
    choice.matched = true;
    convolution->setAttr(ir::kAlgorithm, StringAttr::get(convolution->getContext(), choice.algorithm));
    convolution->setAttr(ir::kAlgorithmBy, StringAttr::get(convolution->getContext(), choice.flag));
  }
}

void KernelChoices::choose(ModuleOp placed) {
  if (choices_.empty()) return;
  // A weight gradient reads no weight: its layer is that of the op it is the gradient of.
  // Entries for other batch sizes have the same numbers, and a program may record other layers there.
  llvm::DenseMap<std::pair<Operation*, int64_t>, std::string> layers;
  auto idIn = [](Operation* op, int64_t id) {
    return std::pair(op->getParentOfType<ir::EntryOp>().getOperation(), id);
  };
  placed.walk([&](Operation* op) {
    std::optional<int64_t> id = ir::opId(op);
    if (Value weight = isConvolution(op) ? ir::weightOf(op) : Value(); weight && id && !ir::vjpOf(op))
      layers.try_emplace(idIn(op, *id), layerOf(weight));
  });
  placed.walk([&](Operation* op) {
    if (!isConvolution(op)) return;
    std::string layer;
    if (std::optional<int64_t> primal = ir::vjpOf(op)) layer = layers.lookup(idIn(op, *primal));
    if (Value weight = ir::weightOf(op); layer.empty() && weight) layer = layerOf(weight);
    addOnce(layers_, layer);
    llvm::SmallVector<std::string> names{layer};
    if (!layer.empty()) names.push_back(layer + "/" + op->getName().stripDialect().str());
    for (const passes::SourceLine& line : passes::sourceLines(op->getLoc())) {
      names.push_back(line.file + ":" + std::to_string(line.line));
      names.push_back(names.back() + ":" + std::to_string(line.column));
    }
    apply(op, names);
  });
}

void KernelChoices::chooseKernels(ModuleOp kernels) {
  if (choices_.empty()) return;
  kernels.walk([&](ir::KernelOp kernel) {
    for (Operation& op : kernel.getBlock())
      if (isConvolution(&op)) {
        addOnce(kernels_, kernel.getSymName().str());
        apply(&op, {kernel.getSymName().str()});
      }
  });
}

runtime::Status KernelChoices::allMatched() const {
  for (const Choice& choice : choices_) {
    if (choice.matched) continue;
    if (layers_.empty() && kernels_.empty())
      return runtime::invalid_argument(choice.flag, ": there is no convolution in this program");
    return runtime::invalid_argument(choice.flag, ": no convolution has a name like '", choice.pattern, "'")
        .with_hint(
            (layers_.empty() ? "kernels are " + runtime::listed(kernels_)
                             : "layers are " + runtime::listed(layers_)) +
            "; LAYER/conv2d_weight_grad, FILE:LINE and the kernels of `inspect --kernels` are names too");
  }
  return {};
}

} // namespace tailor::backend
