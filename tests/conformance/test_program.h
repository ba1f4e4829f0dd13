#pragma once

#include "backend/reference/Interpreter.h"
#include "ir/Tailor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "tests/conformance/op_case.h"

namespace tailor::conformance {

/// A program parsed from text, with everything the parser, verifier and interpreter said about it.
class TestProgram {
public:
  explicit TestProgram(const std::string& text);

  /// False if the text did not parse or verify; messages() says why.
  [[nodiscard]] bool ok() const { return static_cast<bool>(module_); }
  [[nodiscard]] const std::string& messages() const { return messages_; }
  [[nodiscard]] mlir::ModuleOp module() { return *module_; }
  [[nodiscard]] ir::ProgramOp program() { return *module_->getOps<ir::ProgramOp>().begin(); }
  [[nodiscard]] ir::BodyOp body(llvm::StringRef name) { return program().lookupSymbol<ir::BodyOp>(name); }
  [[nodiscard]] ir::EntryOp entry(llvm::StringRef name) { return program().lookupSymbol<ir::EntryOp>(name); }

  /// Results of @name on the reference; empty after a failure, which is in messages().
  std::vector<Tensor> call(llvm::StringRef name, const std::vector<Tensor>& arguments,
                           backend::reference::InterpreterOptions options = {});

private:
  mlir::MLIRContext context_;
  std::string messages_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
};

/// Runs the case on the reference; a test failure with the messages, and nothing, if it does not run.
std::vector<Tensor> runReference(const OpCase& opCase);

} // namespace tailor::conformance
