#pragma once
/// What the code generator must know of an x86-64 processor.

#include "mlir/Support/LLVM.h"

#include <cstdint>
#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
}

namespace tailor::backend {

struct CpuTarget {
  std::string text;        ///< as the user wrote it: "cpu:znver4"
  std::string cpu;         ///< LLVM's name: "znver4"; "cpu:native" is resolved here, so the artifact names it
  unsigned lanes = 8;      ///< f32 elements of one vector: 16 with AVX-512, else 8
  unsigned registers = 16; ///< architectural vector registers
};

/// Reads "cpu:znver4", "cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:native" or any x86 name LLVM knows.
/// On failure `error` says what is wrong and which names work: an unknown name, or a processor without AVX2
/// and FMA.
mlir::FailureOr<CpuTarget> parseCpuTarget(llvm::StringRef text, std::string& error);

/// A machine that emits position-independent code for `target`. Registers LLVM's X86 parts on first use;
/// thread-safe.
std::unique_ptr<llvm::TargetMachine> createTargetMachine(const CpuTarget& target);

} // namespace tailor::backend
