#include "tests/conformance/test_program.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

namespace tailor::conformance {

TestProgram::TestProgram(const std::string& text) : context_(mlir::MLIRContext::Threading::DISABLED) {
  context_.loadDialect<ir::TailorDialect>();
  context_.getDiagEngine().registerHandler([this](mlir::Diagnostic& diagnostic) {
    messages_ += diagnostic.str() + "\n";
    return mlir::success();
  });
  module_ = mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(&context_));
  if (!module_) messages_ += "in\n" + text;
}

std::vector<Tensor> TestProgram::call(llvm::StringRef name, const std::vector<Tensor>& arguments,
                                      backend::reference::InterpreterOptions options) {
  auto results = backend::reference::Interpreter(program(), options).call(body(name), arguments);
  if (failed(results)) return {};
  return {results->begin(), results->end()};
}

std::vector<Tensor> runReference(const OpCase& opCase) {
  TestProgram program(programText(opCase));
  std::vector<Tensor> results;
  if (program.ok()) results = program.call("f", drawArguments(opCase));
  if (results.empty()) ADD_FAILURE() << opCase.name << ": " << program.messages();
  return results;
}

} // namespace tailor::conformance
