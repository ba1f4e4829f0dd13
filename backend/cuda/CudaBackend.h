#pragma once
#include "backend/backend.h"

namespace tailor::backend {

/// NVIDIA GPUs: command lists of our own kernels, as PTX that the driver finishes when a program is loaded.
class CudaBackend final : public Backend {
public:
  llvm::StringRef name() const override { return "cuda"; }
  llvm::StringRef spelling() const override {
    return "cuda:ARCHITECTURE (cuda:sm_80, cuda:sm_90, cuda:sm_100)";
  }
  passes::Phase lastPhase() const override { return passes::Phase::planned; }
  std::vector<std::string> precisions() const override { return {"f32", "tf32", "bf16"}; }
  bool multipliesNarrow() const override { return true; }
  bool supports(mlir::Operation* op, std::string& reason) const override;
  std::vector<std::string> algorithms() const override;
  std::vector<std::string> features(llvm::StringRef) const override { return {}; }
  runtime::Result<std::string> resolveProcessor(llvm::StringRef processor) const override;
  std::unique_ptr<CodeGenerator> codeGenerator(mlir::MLIRContext* context, llvm::StringRef processor,
                                               const CodeOptions& options) const override;
};

} // namespace tailor::backend
