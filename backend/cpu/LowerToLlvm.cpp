#include "backend/cpu/ObjectEmission.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace tailor::backend {

mlir::LogicalResult lowerToLlvmDialect(mlir::ModuleOp module) {
  mlir::MLIRContext* context = module.getContext();
  context->loadDialect<mlir::cf::ControlFlowDialect, mlir::LLVM::LLVMDialect>();
  {
    mlir::RewritePatternSet patterns(context);
    mlir::populateSCFToControlFlowConversionPatterns(patterns);
    mlir::ConversionTarget target(*context);
    target.addIllegalDialect<mlir::scf::SCFDialect>();
    target.markUnknownOpDynamicallyLegal([](mlir::Operation*) { return true; });
    if (mlir::failed(mlir::applyPartialConversion(module, target, std::move(patterns))))
      return mlir::failure();
  }
  mlir::LLVMTypeConverter converter(context);
  mlir::RewritePatternSet patterns(context);
  mlir::arith::populateArithToLLVMConversionPatterns(converter, patterns);
  mlir::populateMathToLLVMConversionPatterns(converter, patterns);
  mlir::populateVectorToLLVMConversionPatterns(converter, patterns);
  mlir::cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  mlir::LLVMConversionTarget target(*context);
  target.addLegalOp<mlir::ModuleOp>();
  return mlir::applyFullConversion(module, target, std::move(patterns));
}

} // namespace tailor::backend
