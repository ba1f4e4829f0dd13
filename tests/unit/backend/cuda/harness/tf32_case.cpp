#include "tests/unit/backend/cuda/harness/tf32_case.h"

#include "tests/unit/backend/cpu/harness/case_text.h"

#include "llvm/ADT/StringExtras.h"

#include <map>
#include <regex>

namespace tailor::backend::testing {

std::optional<KernelText> tf32KernelText(const conformance::OpCase& opCase) {
  KernelText text = kernelText(opCase);
  std::smatch product;
  const std::regex form("tailor\\.(dot|conv2d\\w*) (%\\w+), (%\\w+)");
  if (!std::regex_search(text.ops, product, form)) return std::nullopt;
  std::map<std::string, std::string> types;
  llvm::SmallVector<llvm::StringRef> arguments;
  llvm::SplitString(text.arguments, arguments, ",");
  for (llvm::StringRef argument : arguments) {
    auto [name, type] = argument.trim().split(": ");
    types[name.str()] = type.str();
  }
  std::string rounds;
  for (int side : {2, 3}) {
    const std::string name = product[side];
    if (!types.contains(name) || types[name].find("xf32>") == std::string::npos) return std::nullopt;
    rounds += "%t" + std::to_string(side) + " = tailor.round_tf32 " + name + " : " + types[name] + "\n";
  }
  if (text.kind == "single") text.kind = product[1].str().starts_with("conv") ? "convolution" : "gemm";
  text.ops =
      rounds + product.prefix().str() + "tailor." + product[1].str() + " %t2, %t3" + product.suffix().str();
  return text;
}

} // namespace tailor::backend::testing
