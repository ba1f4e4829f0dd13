#include "backend/cpu/ObjectEmission.h"

#include "backend/cpu/MiniLink.h"
#include "backend/cpu/TaskQueue.h"
#include "backend/llvm/LowerToLlvm.h"
#include "backend/llvm/Optimize.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Target/TargetMachine.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace tailor::backend {
namespace {

/// Loop strength reduction takes 40 % of the time of code generation, and the code is 2 % slower for it in convolution
/// networks and as fast in those for tables: addresses are already pointers that loops carry. LLVM has no way to leave it
/// out of one pipeline, only this option of the process, which stays as it is if the command line has set it.
void leaveOutLoopStrengthReduction() {
  static const bool once [[maybe_unused]] = [] {
    constexpr llvm::StringLiteral kName = "disable-lsr";
    llvm::cl::Option* option = llvm::cl::getRegisteredOptions().lookup(kName);
    return option && option->getNumOccurrences() == 0 && !option->addOccurrence(0, kName, "true");
  }();
}

/// Of functions and of the constants of widest vectors: a cache line.
constexpr uint64_t kCodeAlignment = 64;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void prepare(llvm::Module& module, llvm::TargetMachine& machine, const CpuTarget& target) {
  module.setDataLayout(machine.createDataLayout());
  module.setTargetTriple(machine.getTargetTriple());
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    function.addFnAttr("target-cpu", target.cpu);
    function.addFnAttr("prefer-vector-width", std::to_string(target.lanes * 32));
    function.addFnAttr("no-builtins"); // no memcpy, memset or libm call may appear
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.setDSOLocal(true);
    function.setAlignment(llvm::Align(kCodeAlignment));
  }
}

/// A part is compiled by one thread. So many ops take it about a third of a second, in which making a thread, a target
/// machine and a pass pipeline are lost; programs of a few small kernels, as those for tables, are one part.
constexpr size_t kOpsPerPart = 10000;

/// One part of the kernels on its way through LLVM.
struct Part {
  llvm::LLVMContext context; ///< contexts are what LLVM's threads may not share
  std::unique_ptr<llvm::Module> module;
  std::string error; ///< empty: none
  std::string llvmText;
  LinkedCode code;
  double optimizeSeconds = 0, codegenSeconds = 0, linkSeconds = 0;

  void compile(const CpuTarget& target, bool keepLlvmText);
};

void Part::compile(const CpuTarget& target, bool keepLlvmText) {
  double start = seconds();
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target);
  if (!machine) {
    error = "LLVM has no x86-64 code generator";
    return;
  }
  prepare(*module, *machine, target);
  if (llvm::Error failed = optimizeKernels(*module, *machine)) {
    error = llvm::toString(std::move(failed));
    return;
  }
  if (keepLlvmText) {
    llvm::raw_string_ostream stream(llvmText);
    module->print(stream, nullptr);
  }
  double optimized = seconds();
  optimizeSeconds = optimized - start;

  llvm::SmallVector<char, 0> object;
  {
    llvm::raw_svector_ostream stream(object);
    llvm::legacy::PassManager passes;
    if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile,
                                     /*DisableVerify=*/true)) {
      error = "LLVM cannot emit x86-64 objects";
      return;
    }
    passes.run(*module);
  }
  double generated = seconds();
  codegenSeconds = generated - optimized;

  llvm::Expected<LinkedCode> linked =
      linkObject(llvm::MemoryBufferRef(llvm::StringRef(object.data(), object.size()), "kernels"));
  if (linked)
    code = std::move(*linked);
  else
    error = llvm::toString(linked.takeError());
  linkSeconds = seconds() - generated;
}

/// The functions of `module` in their order, in modules of about as many ops: a split that the functions alone decide, so
/// that the code is the same wherever it is compiled. They are taken out of `module`.
llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>> split(mlir::ModuleOp module) {
  llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>> parts;
  size_t ops = kOpsPerPart;
  for (mlir::Operation& function : llvm::make_early_inc_range(*module.getBody())) {
    if (ops >= kOpsPerPart) {
      parts.push_back(mlir::ModuleOp::create(module.getLoc()));
      parts.back()->getOperation()->setAttrs(module->getAttrs());
      ops = 0;
    }
    function.walk([&](mlir::Operation*) { ++ops; });
    function.moveBefore(parts.back()->getBody(), parts.back()->getBody()->end());
  }
  return parts;
}

} // namespace

mlir::LogicalResult emitCode(mlir::ModuleOp module, const CpuTarget& target, bool keepLlvmText,
                             CodeBlob& blob, CompileTimes& times) {
  double start = seconds();
  leaveOutLoopStrengthReduction();
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);

  // This thread makes LLVM IR of one part after another, which MLIR's context takes from one thread alone, while others
  // compile those that are made; then it joins them.
  llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>> modules = split(module);
  std::vector<Part> parts(modules.size());
  TaskQueue queue(parts.size());
  std::string problem;
  for (auto [part, own] : llvm::zip_equal(parts, modules)) {
    if (mlir::failed(lowerToLlvmDialect(*own)))
      problem = "kernels could not be lowered to the llvm dialect";
    else if (part.module = mlir::translateModuleToLLVMIR(*own, part.context, "kernels"); !part.module)
      problem = "kernels could not be translated to LLVM IR";
    if (!problem.empty()) break;
    queue.push([task = &part, &target, keepLlvmText] { task->compile(target, keepLlvmText); });
  }
  const double lowered = seconds() - start;
  queue.finish();

  double optimizing = 0, generating = 0, linking = 0; // of all threads together
  for (const Part& part : parts) {
    optimizing += part.optimizeSeconds, generating += part.codegenSeconds, linking += part.linkSeconds;
    if (problem.empty()) problem = part.error;
  }
  if (!problem.empty()) return module.emitError("internal error: ") << problem;
  // Their shares of the time that went by behind the lowering.
  const double scale = (seconds() - start - lowered) / std::max(optimizing + generating + linking, 1e-9);
  times.lowerSeconds += lowered;
  times.optimizeSeconds += optimizing * scale;
  times.codegenSeconds += generating * scale;
  times.linkSeconds += linking * scale;

  blob.target = target.text;
  for (Part& part : parts) {
    blob.llvmText += part.llvmText;
    blob.bytes.resize(llvm::alignTo(blob.bytes.size(), kCodeAlignment));
    for (LinkedSymbol& symbol : part.code.functions)
      blob.functions.push_back({std::move(symbol.name), blob.bytes.size() + symbol.offset, symbol.size, 0});
    blob.bytes.insert(blob.bytes.end(), part.code.bytes.begin(), part.code.bytes.end());
  }
  return mlir::success();
}

} // namespace tailor::backend
