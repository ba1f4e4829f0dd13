// Any text as a program of the dialect (a dump that was edited, the IR in somebody's artifact): parsed, verified
// and taken through all passes, or refused with a diagnostic; never a crash, an overrun or a hang.
#include "ir/Tailor.h"
#include "passes/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cstddef>
#include <cstdint>

using namespace mlir;

namespace {

/// Texts beyond these are MLIR's business: its parser recurses on brackets.
constexpr size_t kMaxBytes = 1 << 16;
constexpr int kMaxDepth = 64;

bool isReasonable(llvm::StringRef text) {
  int depth = 0;
  for (char c : text) {
    if (c == '(' || c == '[' || c == '{' || c == '<') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (depth > kMaxDepth) return false;
  }
  return text.size() <= kMaxBytes && text.find('\0') == llvm::StringRef::npos;
}

void compile(llvm::StringRef text) {
  if (!isReasonable(text)) return;
  DialectRegistry registry;
  registry.insert<func::FuncDialect, tailor::ir::TailorDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([](Diagnostic&) { return success(); });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
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
    compile(part.str()); // MLIR reads up to a terminating 0
    text = rest;
  }
  return 0;
}
