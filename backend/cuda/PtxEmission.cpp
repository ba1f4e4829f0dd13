#include "backend/cuda/PtxEmission.h"

#include "backend/llvm/LowerToLlvm.h"
#include "backend/llvm/Optimize.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/StructuralHash.h"
#include "llvm/Target/TargetMachine.h"

namespace tailor::backend::cuda {

std::string stampOf(const llvm::Module& module) {
  return "// of LLVM IR 0x" + llvm::utohexstr(llvm::StructuralHash(module, /*DetailedHash=*/true)) + "\n";
}

mlir::FailureOr<PtxCode> emitPtx(mlir::ModuleOp module, const CudaTarget& target, bool keepLlvmText) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  auto failed = [&](const llvm::Twine& why) { return module.emitError("internal error: ") << why; };

  if (mlir::failed(lowerToLlvmDialect(module))) return mlir::failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = mlir::translateModuleToLLVMIR(module, context, "kernels");
  if (!code) return failed("kernels could not be translated to LLVM IR");
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target);
  if (!machine) return failed("LLVM has no PTX code generator");
  code->setDataLayout(machine->createDataLayout());
  code->setTargetTriple(machine->getTargetTriple());
  for (llvm::Function& function : *code)
    if (!function.isDeclaration()) function.addFnAttr(llvm::Attribute::NoUnwind);
  if (llvm::Error error = optimizeKernels(*code, *machine)) return failed(llvm::toString(std::move(error)));

  PtxCode result;
  if (keepLlvmText) {
    llvm::raw_string_ostream stream(result.llvmText);
    code->print(stream, nullptr);
  }
  result.ptx = stampOf(*code);
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile,
                                   /*DisableVerify=*/true))
    return failed("LLVM cannot emit PTX");
  passes.run(*code);
  result.ptx.append(text.begin(), text.end());
  return result;
}

} // namespace tailor::backend::cuda
