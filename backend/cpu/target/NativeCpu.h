#pragma once
/// Which instruction sets a processor has, and what `cpu:native` means on a machine.

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <memory>
#include <string>
#include <vector>

namespace llvm {
class MCSubtargetInfo;
}

namespace tailor::backend {

/// The only kind of machine that code is generated for.
inline constexpr const char* kTriple = "x86_64-unknown-linux-gnu";

/// LLVM's description of processor `cpu`; null for a name that it does not know.
std::unique_ptr<llvm::MCSubtargetInfo> subtargetOf(llvm::StringRef cpu);

/// The instruction sets that code for processor `cpu` may use, by LLVM's names, sorted; none for an unknown name.
std::vector<std::string> codeFeatures(llvm::StringRef cpu);

/// What `cpu:native` means on a machine that LLVM calls `hostName` and that has `hostFeatures`: its own name if LLVM
/// knows it and the machine has all that the name implies (a virtual machine may hide some), else the widest of
/// x86-64-v4 and x86-64-v3 whose instructions it has, however it is called. Empty if there is none.
std::string nativeCpu(llvm::StringRef hostName, const llvm::StringMap<bool>& hostFeatures);

} // namespace tailor::backend
