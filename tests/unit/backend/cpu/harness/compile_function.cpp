#include "tests/unit/backend/cpu/harness/compile_function.h"

#include "backend/cpu/ObjectEmission.h"
#include "backend/llvm/VectorBuilder.h"
#include "tests/unit/backend/cpu/harness/abi_values.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

namespace tailor::backend::testing {

CpuTarget targetNamed(const std::string& text) {
  std::string error;
  mlir::FailureOr<CpuTarget> target = parseCpuTarget(text, error);
  if (mlir::failed(target)) throw std::runtime_error(error);
  return *target;
}

CpuTarget nativeTarget() {
  return targetNamed("cpu:native");
}

bool canRun(const CpuTarget& target) {
  return target.lanes <= nativeTarget().lanes;
}

std::unique_ptr<MappedCode>
compileFunction(const CpuTarget& target, const std::string& symbol,
                const std::function<void(VectorBuilder&, const AbiValues&)>& body) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::arith::ArithDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                      mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  std::string messages;
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic& diagnostic) {
    messages += diagnostic.str() + "\n";
    return mlir::success();
  });
  mlir::OpBuilder builder(&context);
  mlir::Location loc = builder.getUnknownLoc();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  auto pointer = mlir::LLVM::LLVMPointerType::get(&context);
  auto type =
      mlir::LLVM::LLVMFunctionType::get(mlir::LLVM::LLVMVoidType::get(&context),
                                        {pointer, pointer, builder.getI64Type(), builder.getI64Type()});
  builder.setInsertionPointToEnd(module->getBody());
  auto function = mlir::LLVM::LLVMFuncOp::create(builder, loc, symbol, type);
  mlir::Block* entry = function.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);
  VectorBuilder b(builder, loc, entry, target.lanes);
  body(b, {entry->getArgument(0), entry->getArgument(1), entry->getArgument(2), entry->getArgument(3)});
  mlir::LLVM::ReturnOp::create(builder, loc, mlir::ValueRange());
  CodeBlob blob;
  CompileTimes times;
  if (mlir::failed(mlir::verify(*module)) || mlir::failed(emitCode(*module, target, true, blob, times)))
    throw std::runtime_error(messages);
  return std::make_unique<MappedCode>(std::move(blob));
}

} // namespace tailor::backend::testing
