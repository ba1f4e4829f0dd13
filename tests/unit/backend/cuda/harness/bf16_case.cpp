#include "tests/unit/backend/cuda/harness/bf16_case.h"

#include "ir/Tailor.h"
#include "passes/analysis/Groups.h"
#include "tests/unit/backend/cpu/harness/case_text.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <stdexcept>

namespace tailor::backend::testing {
namespace {

bool isWide(llvm::StringRef type) {
  return type.count('x') > 1 && type.ends_with("xf32>");
}

std::string inBf16(llvm::StringRef type) {
  return type.drop_back(4).str() + "bf16>";
}

std::string castText(const llvm::Twine& to, const llvm::Twine& from, const llvm::Twine& fromType,
                     const llvm::Twine& toType) {
  return (to + " = tailor.cast " + from + " : " + fromType + " to " + toType + "\n").str();
}

/// The kind of a group that holds the one op of `text` and casts beside it; empty where there is none, or are several ops.
std::string kindOf(const KernelText& text) {
  const std::string program = "tailor.program @p {\ntailor.body @f(" + text.arguments + ") -> (" +
                              text.results + ") {\n" + text.ops + "\ntailor.return " + text.yields + " : " +
                              text.results + "\n}\n}\n";
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::TailorDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(program, mlir::ParserConfig(&context));
  if (!module) throw std::runtime_error("in\n" + program);
  auto body = *(*module->getOps<ir::ProgramOp>().begin()).getOps<ir::BodyOp>().begin();
  auto ops = body.getBody().front().without_terminator();
  if (!llvm::hasSingleElement(ops)) return "";
  mlir::Operation* op = &*ops.begin();
  if (ir::fusionClassOf(op) == ir::FusionClass::Convolution) return "convolution";
  const ir::FusionKind kind = passes::kindOfSingle(op);
  const bool takesCasts =
      kind != ir::FusionKind::MultiTensor && kind != ir::FusionKind::Scalar && kind != ir::FusionKind::Single;
  return takesCasts ? ir::stringifyFusionKind(kind).str() : "";
}

} // namespace

std::optional<KernelText> bf16KernelText(const conformance::OpCase& opCase) {
  KernelText text = kernelText(opCase);
  const std::string kind = kindOf(text);
  if (kind.empty()) return std::nullopt;
  bool stores = false;
  std::string casts;
  llvm::SmallVector<llvm::StringRef> given, names, types;
  llvm::SmallVector<std::string> arguments, yields, results;
  llvm::SplitString(text.arguments, given, ",");
  for (llvm::StringRef argument : given) {
    auto [name, type] = argument.trim().split(": ");
    if (!isWide(type)) {
      arguments.push_back(argument.trim().str());
      continue;
    }
    stores = true;
    arguments.push_back((name + "_stored: " + inBf16(type)).str());
    casts += castText(name, name + "_stored", inBf16(type), type);
  }
  llvm::SplitString(text.yields, names, ",");
  llvm::SplitString(text.results, types, ",");
  std::string rounded;
  for (auto [i, yielded] : llvm::enumerate(llvm::zip_equal(names, types))) {
    auto [name, type] = yielded;
    // Nothing can be computed in the stores of a weight gradient, which is a sum.
    if (!isWide(type.trim()) || text.ops.find("conv2d_weight_grad") != std::string::npos) {
      yields.push_back(name.trim().str());
      results.push_back(type.trim().str());
      continue;
    }
    stores = true;
    yields.push_back("%stored" + std::to_string(i));
    results.push_back(inBf16(type.trim()));
    rounded += castText(yields.back(), name.trim(), type.trim(), results.back());
  }
  if (!stores) return std::nullopt;
  return KernelText{kind, llvm::join(arguments, ", "), casts + text.ops + "\n" + rounded,
                    llvm::join(yields, ", "), llvm::join(results, ", ")};
}

std::vector<Tensor> bf16KernelArguments(const conformance::OpCase& opCase) {
  std::vector<Tensor> arguments = kernelArguments(opCase);
  for (Tensor& argument : arguments)
    if (argument.element() == Element::f32 && argument.shape().size() > 1) {
      argument = Tensor::real(argument.shape(), argument.reals(), Element::bf16);
      argument.roundToElement();
    }
  return arguments;
}

} // namespace tailor::backend::testing
