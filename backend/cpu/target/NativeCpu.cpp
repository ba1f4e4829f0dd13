#include "backend/cpu/target/NativeCpu.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"

#include <algorithm>

namespace tailor::backend {

std::unique_ptr<llvm::MCSubtargetInfo> subtargetOf(llvm::StringRef cpu) {
  static const llvm::Target* const x86 = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    std::string error;
    return llvm::TargetRegistry::lookupTarget(llvm::Triple(kTriple), error);
  }();
  if (!x86) return nullptr;
  const llvm::Triple triple(kTriple);
  // Asked first: LLVM prints about names it does not know.
  std::unique_ptr<llvm::MCSubtargetInfo> generic(x86->createMCSubtargetInfo(triple, "x86-64", ""));
  if (!generic || !generic->isCPUStringValid(cpu)) return nullptr;
  return std::unique_ptr<llvm::MCSubtargetInfo>(x86->createMCSubtargetInfo(triple, cpu, ""));
}

std::vector<std::string> codeFeatures(llvm::StringRef cpu) {
  // What the code generator may reach for; the rest of a processor (virtualisation, crypto keys, ...) does
  // not appear in loops over floats, and refusing a machine for it would be wrong.
  static const llvm::StringSet<> kUsable = {"cmov",           "sse",        "sse2",        "sse3",
                                            "ssse3",          "sse4.1",     "sse4.2",      "popcnt",
                                            "movbe",          "avx",        "avx2",        "bmi",
                                            "bmi2",           "f16c",       "fma",         "lzcnt",
                                            "avx512f",        "avx512bw",   "avx512cd",    "avx512dq",
                                            "avx512vl",       "avx512bf16", "avx512ifma",  "avx512vbmi",
                                            "avxvnni",        "gfni",       "avx512vnni",  "adx",
                                            "avx512fp16",     "vaes",       "avx512vbmi2", "avx512bitalg",
                                            "avx512vpopcntdq"};
  // Of the subtarget that generates code: the lists of X86TargetParser lack AVX2 of an alderlake and CMOV of a znver.
  std::vector<std::string> used;
  if (auto info = subtargetOf(cpu))
    for (const llvm::SubtargetFeatureKV& feature : info->getEnabledProcessorFeatures())
      if (kUsable.contains(feature.Key)) used.push_back(feature.Key);
  std::sort(used.begin(), used.end());
  return used;
}

std::string nativeCpu(llvm::StringRef hostName, const llvm::StringMap<bool>& hostFeatures) {
  auto fits = [&](llvm::StringRef cpu) {
    return subtargetOf(cpu) && llvm::all_of(codeFeatures(cpu), [&](llvm::StringRef feature) {
             return hostFeatures.lookup(feature);
           });
  };
  // The widest vectors count; of two names with the same, the host's own, which says how to schedule.
  for (llvm::StringRef level : {"x86-64-v4", "x86-64-v3"}) {
    if (!fits(level)) continue;
    if (!fits(hostName)) return level.str();
    std::vector<std::string> ofLevel = codeFeatures(level), ofName = codeFeatures(hostName);
    bool isAsWide = std::includes(ofName.begin(), ofName.end(), ofLevel.begin(), ofLevel.end());
    return isAsWide ? hostName.str() : level.str();
  }
  return "";
}

} // namespace tailor::backend
