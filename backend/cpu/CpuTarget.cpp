#include "backend/cpu/CpuTarget.h"

#include "llvm/ADT/StringMap.h"
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

constexpr const char* kTriple = "x86_64-unknown-linux-gnu";

/// Turns off MachineLICM, which would move every constant of an epilogue (the polynomials of SiLU, the rounds of
/// dropout's random numbers) in front of all loops, where it takes the registers of a matrix product's
/// accumulators: 36 of the 87 instructions of its inner loop were then spills. LICM proper has run before; what
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

std::unique_ptr<llvm::MCSubtargetInfo> subtarget(llvm::StringRef cpu) {
  const llvm::Target* target = x86Target();
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target ? target->createMCSubtargetInfo(llvm::Triple(kTriple), cpu, "") : nullptr);
}

/// The host's own name, or the widest generic level whose instructions it really has: a virtual machine may
/// hide features that the processor's name implies.
std::string resolveNative() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  auto has = [&](llvm::StringRef feature) { return host.lookup(feature); };
  std::string name = llvm::sys::getHostCPUName().str();
  bool hostHasAvx512 = has("avx512f") && has("avx512bw") && has("avx512vl") && has("avx512dq");
  auto info = subtarget(name);
  if (info && info->isCPUStringValid(name)) {
    bool hidden = false;
    for (llvm::StringRef feature : {"avx2", "fma", "bmi2", "avx512f", "avx512bw", "avx512vl", "avx512dq",
                                    "avx512bf16", "avx512vnni", "avx512vbmi", "gfni", "vaes"})
      hidden |= info->checkFeatures(("+" + feature).str()) && !has(feature);
    if (!hidden) return name;
  }
  return hostHasAvx512 ? "x86-64-v4" : "x86-64-v3";
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
  target.cpu = name == "native" ? resolveNative() : name.str();
  target.text = "cpu:" + target.cpu;
  auto generic = subtarget("x86-64");
  if (!generic ||
      !generic->isCPUStringValid(target.cpu)) { // asked first: LLVM prints about names it does not know
    error = "unknown processor '" + name.str() + "'; known ones include native, x86-64-v3, x86-64-v4, znver4";
    return mlir::failure();
  }
  auto info = subtarget(target.cpu);
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
