#pragma once
#include "backend/backend.h"

namespace tailor::backend::reference {

/// The f64 interpreter: no code, the runtime walks the program's IR.
class ReferenceBackend final : public Backend {
public:
  llvm::StringRef name() const override { return "reference"; }
  llvm::StringRef spelling() const override { return "reference"; }
  passes::Phase lastPhase() const override { return passes::Phase::placed; }
  std::vector<std::string> precisions() const override { return {"f32", "tf32", "bf16"}; }
  bool supports(mlir::Operation*, std::string&) const override { return true; }
  std::vector<std::string> features(llvm::StringRef) const override { return {}; }
  runtime::Result<std::string> resolveProcessor(llvm::StringRef processor) const override;
  std::unique_ptr<CodeGenerator> codeGenerator(mlir::MLIRContext*, llvm::StringRef,
                                               const CodeOptions&) const override {
    return nullptr;
  }
};

} // namespace tailor::backend::reference
