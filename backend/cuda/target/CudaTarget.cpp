#include "backend/cuda/target/CudaTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

namespace tailor::backend::cuda {
namespace {

constexpr const char* kTriple = "nvptx64-nvidia-cuda";

/// The architectures code is made and checked for, and the oldest PTX version that knows each; a driver reads the PTX of its
/// own and all earlier versions.
struct Architecture {
  const char *name, *ptx;
};
constexpr Architecture kArchitectures[] = {{"sm_80", "+ptx80"}, {"sm_90", "+ptx80"}, {"sm_100", "+ptx86"}};

const Architecture* find(llvm::StringRef name) {
  auto found = llvm::find_if(kArchitectures,
                             [&](const Architecture& architecture) { return architecture.name == name; });
  return found == std::end(kArchitectures) ? nullptr : found;
}

} // namespace

mlir::FailureOr<CudaTarget> parseCudaTarget(llvm::StringRef text, std::string& error) {
  llvm::StringRef name = text;
  if (!name.consume_front("cuda:") || !find(name)) {
    error =
        text == "cuda:" ? "target cuda needs an architecture:" : "target '" + text.str() + "' is not one of";
    for (const Architecture& architecture : kArchitectures)
      error += (&architecture == kArchitectures ? " cuda:" : ", cuda:") + std::string(architecture.name);
    return mlir::failure();
  }
  return CudaTarget{text.str(), name.str()};
}

std::unique_ptr<llvm::TargetMachine> createTargetMachine(const CudaTarget& target) {
  static std::once_flag registered;
  std::call_once(registered, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  std::string error;
  const llvm::Triple triple(kTriple);
  const llvm::Target* nvptx = llvm::TargetRegistry::lookupTarget(triple, error);
  const Architecture* architecture = find(target.architecture);
  if (!nvptx || !architecture) return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // fused multiply-adds are explicit
  return std::unique_ptr<llvm::TargetMachine>(
      nvptx->createTargetMachine(triple, target.architecture, architecture->ptx, options, std::nullopt,
                                 std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

} // namespace tailor::backend::cuda
