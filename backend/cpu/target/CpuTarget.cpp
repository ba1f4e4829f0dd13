#include "backend/cpu/target/CpuTarget.h"

#include "backend/cpu/target/NativeCpu.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

namespace tailor::backend {
namespace {

/// Turns off MachineLICM, which would move every constant of an epilogue (the polynomials of SiLU) in front of all
/// loops, where it takes the registers of a matrix product's accumulators: 36 of the 87 instructions of its inner loop were then spills. LICM proper has run before; what
/// stays in a loop is an operand read from the constant pool. There is no interface but the command-line option.
void keepConstantsWhereUsed() {
  auto& options = llvm::cl::getRegisteredOptions();
  if (auto found = options.find("disable-machine-licm"); found != options.end())
    static_cast<llvm::cl::opt<bool>*>(found->second)->setValue(true);
}

const llvm::Target* x86Target() {
  static std::once_flag registered;
  std::call_once(registered, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86Disassembler();
    keepConstantsWhereUsed();
  });
  std::string error;
  return llvm::TargetRegistry::lookupTarget(llvm::Triple(kTriple), error);
}

} // namespace

mlir::FailureOr<CpuTarget> parseCpuTarget(llvm::StringRef text, std::string& error) {
  llvm::StringRef name = text;
  if (!name.consume_front("cpu:") || name.empty()) {
    error =
        "target '" + text.str() + "' is not of the form cpu:NAME, for example cpu:native or cpu:x86-64-v3";
    return mlir::failure();
  }
  CpuTarget target;
  target.cpu = name.str();
  if (name == "native") {
    target.cpu = nativeCpu(llvm::sys::getHostCPUName(), llvm::sys::getHostCPUFeatures());
    if (target.cpu.empty()) {
      error = "this machine has not all of x86-64-v3 (AVX2, FMA, BMI2, ...), the oldest supported level";
      return mlir::failure();
    }
  }
  target.text = "cpu:" + target.cpu;
  auto info = subtargetOf(target.cpu);
  if (!info) {
    error = "unknown processor '" + name.str() + "'; known ones include native, x86-64-v3, x86-64-v4, znver4";
    return mlir::failure();
  }
  if (!info->checkFeatures("+avx2,+fma")) {
    error = "processor '" + target.cpu + "' has no AVX2 and FMA; the oldest supported level is cpu:x86-64-v3";
    return mlir::failure();
  }
  if (info->checkFeatures("+avx512f,+avx512bw,+avx512vl,+avx512dq")) {
    target.lanes = 16;
    target.registers = 32;
  }
  return target;
}

std::unique_ptr<llvm::TargetMachine> createTargetMachine(const CpuTarget& target) {
  const llvm::Target* x86 = x86Target();
  if (!x86) return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // fused multiply-adds are explicit
  return std::unique_ptr<llvm::TargetMachine>(
      x86->createTargetMachine(llvm::Triple(kTriple), target.cpu, "", options, llvm::Reloc::PIC_,
                               llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

} // namespace tailor::backend
