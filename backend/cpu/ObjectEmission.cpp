#include "backend/cpu/ObjectEmission.h"

#include "backend/cpu/MiniLink.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

#include <chrono>

namespace tailor::backend {
namespace {

/// Kernels arrive with explicit vectors, tiles and accumulators in SSA values, so what is left to do is
/// cleaning up addresses and hoisting. The vectorisers, the unroller and the idiom recogniser (which would
/// call memset) have nothing to win here and are not in the pipeline.
constexpr const char* kPipeline =
    "function(early-cse,instcombine<max-iterations=1;no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(licm),early-cse,adce)";

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
    function.setAlignment(llvm::Align(64));
  }
}

llvm::Error optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  llvm::ModulePassManager passes;
  if (llvm::Error error = builder.parsePassPipeline(passes, kPipeline)) return error;
  passes.run(module, modules);
  return llvm::Error::success();
}

} // namespace

mlir::LogicalResult emitCode(mlir::ModuleOp module, const CpuTarget& target, bool keepLlvmText,
                             CodeBlob& blob, CompileTimes& times) {
  double start = seconds();
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);

  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = mlir::translateModuleToLLVMIR(module, context, "kernels");
  if (!llvmModule) return module.emitError("internal error: kernels could not be translated to LLVM IR");
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target);
  if (!machine) return module.emitError("internal error: LLVM has no x86-64 code generator");
  prepare(*llvmModule, *machine, target);
  double translated = seconds();
  times.lowerSeconds += translated - start;

  if (llvm::Error error = optimize(*llvmModule, *machine))
    return module.emitError("internal error: ") << llvm::toString(std::move(error));
  if (keepLlvmText) {
    llvm::raw_string_ostream stream(blob.llvmText);
    llvmModule->print(stream, nullptr);
  }
  double optimized = seconds();
  times.optimizeSeconds += optimized - translated;

  llvm::SmallVector<char, 0> object;
  {
    llvm::raw_svector_ostream stream(object);
    llvm::legacy::PassManager passes;
    if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile,
                                     /*DisableVerify=*/true))
      return module.emitError("internal error: LLVM cannot emit x86-64 objects");
    passes.run(*llvmModule);
  }
  double generated = seconds();
  times.codegenSeconds += generated - optimized;

  llvm::Expected<LinkedCode> linked =
      linkObject(llvm::MemoryBufferRef(llvm::StringRef(object.data(), object.size()), "kernels"));
  if (!linked) return module.emitError("internal error: ") << llvm::toString(linked.takeError());
  blob.target = target.text;
  blob.bytes = std::move(linked->bytes);
  for (LinkedSymbol& symbol : linked->functions)
    blob.functions.push_back({std::move(symbol.name), symbol.offset, symbol.size, 0});
  times.linkSeconds += seconds() - generated;
  return mlir::success();
}

} // namespace tailor::backend
