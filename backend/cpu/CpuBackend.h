#pragma once
#include "backend/backend.h"

namespace tailor::backend {

/// x86-64 with AVX2 or AVX-512: command lists of our own kernels.
class CpuBackend final : public Backend {
public:
  llvm::StringRef name() const override { return "cpu"; }
  llvm::StringRef spelling() const override {
    return "cpu:PROCESSOR (cpu:native, cpu:x86-64-v3, cpu:znver4)";
  }
  passes::Phase lastPhase() const override { return passes::Phase::planned; }
  bool supports(mlir::Operation* op, std::string& reason) const override;
  std::vector<std::string> algorithms() const override;
  std::vector<std::string> features(llvm::StringRef processor) const override;
  runtime::Result<std::string> resolveProcessor(llvm::StringRef processor) const override;
  std::unique_ptr<CodeGenerator> codeGenerator(mlir::MLIRContext* context, llvm::StringRef processor,
                                               const CodeOptions& options) const override;
};

} // namespace tailor::backend
