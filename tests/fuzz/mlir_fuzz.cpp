// Any bytes as a program of the dialect (a dump that was edited, the IR in somebody's artifact): read as every reader
// of ours reads them, verified and taken through all passes, or refused with a diagnostic; never a crash, an overrun
// or a hang.
#include "ir/ReadText.h"
#include "ir/Tailor.h"
#include "passes/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cstddef>
#include <cstdint>

using namespace mlir;

namespace {

/// Longer ones only take longer.
constexpr size_t kMaxBytes = 1 << 16;

void compile(llvm::StringRef text) {
  if (text.size() > kMaxBytes) return;
  DialectRegistry registry;
  registry.insert<func::FuncDialect, tailor::ir::TailorDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([](Diagnostic&) { return success(); });
  OwningOpRef<ModuleOp> module = tailor::ir::readModule(text, "fuzz.mlir", ParserConfig(&context));
  if (!module) return;
  tailor::passes::PipelineOptions options;
  options.startFrom = tailor::passes::phaseOf(*module).value_or(tailor::passes::Phase::traced);
  options.verifyEach = true;
  (void)tailor::passes::runPipeline(*module, options, {});
}

} // namespace

/// LLVM's allocator marks free memory for ASan, but the installed libraries, which use the same blocks, are not
/// built with it and do not unmark what they take.
extern "C" const char* __asan_default_options() {
  return "allow_user_poisoning=0";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  llvm::StringRef text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) { // the parts of a lit test
    auto [part, rest] = text.split("// -----");
    compile(part);
    text = rest;
  }
  return 0;
}
