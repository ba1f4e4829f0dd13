#pragma once

/// Parsing, printing and checking shared by the ops that hold a block with arguments: body, kernel, fused,
/// repeat.

#include "ir/Tailor.h"

namespace tailor::ir {

/// `@name(%x: type, ...) -> types attributes {...} { ... }`, after what the op prints first. Fills
/// `arguments`.
mlir::ParseResult parseFunctionLike(mlir::OpAsmParser& parser, mlir::OperationState& result,
                                    mlir::StringAttr typeName, mlir::StringAttr argAttrsName,
                                    mlir::StringAttr resAttrsName,
                                    llvm::SmallVectorImpl<mlir::OpAsmParser::Argument>& arguments,
                                    llvm::function_ref<mlir::ParseResult()> afterName = nullptr);
void printFunctionLike(mlir::OpAsmPrinter& printer, mlir::FunctionOpInterface op,
                       llvm::ArrayRef<llvm::StringRef> elided,
                       llvm::function_ref<void()> afterName = nullptr);

/// `(%a = %x : type, ...)`: appends block arguments to `arguments` and operands to `result`.
mlir::ParseResult parseBindings(mlir::OpAsmParser& parser, mlir::OperationState& result,
                                llvm::SmallVectorImpl<mlir::OpAsmParser::Argument>& arguments);
void printBindings(mlir::OpAsmPrinter& printer, mlir::ValueRange arguments, mlir::ValueRange operands);

/// The values `yield` ends `owner` with have `expected` types.
llvm::LogicalResult verifyYield(mlir::Operation* owner, YieldOp yield, mlir::TypeRange expected);

} // namespace tailor::ir
