#include "ir/ops/FunctionSyntax.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;

namespace tailor::ir {

ParseResult parseFunctionLike(OpAsmParser& parser, OperationState& result, StringAttr typeName,
                              StringAttr argAttrsName, StringAttr resAttrsName,
                              SmallVectorImpl<OpAsmParser::Argument>& arguments,
                              function_ref<ParseResult()> afterName) {
  Builder& builder = parser.getBuilder();
  StringAttr name;
  if (parser.parseSymbolName(name, SymbolTable::getSymbolAttrName(), result.attributes)) return failure();
  if (afterName && afterName()) return failure();
  bool isVariadic = false;
  SmallVector<Type> resultTypes;
  SmallVector<DictionaryAttr> resultAttrs;
  SMLoc signature = parser.getCurrentLocation();
  if (function_interface_impl::parseFunctionSignatureWithArguments(parser, /*allowVariadic=*/false, arguments,
                                                                   isVariadic, resultTypes, resultAttrs))
    return failure();
  SmallVector<Type> argumentTypes;
  for (const OpAsmParser::Argument& argument : arguments) {
    if (!argument.type || argument.ssaName.name.empty())
      return parser.emitError(signature, "expects a name for every argument");
    argumentTypes.push_back(argument.type);
  }
  result.addAttribute(typeName, TypeAttr::get(builder.getFunctionType(argumentTypes, resultTypes)));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes)) return failure();
  call_interface_impl::addArgAndResultAttrs(builder, result, arguments, resultAttrs, argAttrsName,
                                            resAttrsName);
  return parser.parseRegion(*result.addRegion(), arguments);
}

void printFunctionLike(OpAsmPrinter& printer, FunctionOpInterface op, ArrayRef<StringRef> elided,
                       function_ref<void()> afterName) {
  printer << ' ';
  printer.printSymbolName(op.getName());
  if (afterName) afterName();
  function_interface_impl::printFunctionSignature(printer, op, op.getArgumentTypes(), /*isVariadic=*/false,
                                                  op.getResultTypes());
  SmallVector<StringRef> hidden(elided);
  hidden.append({"function_type", "arg_attrs", "res_attrs"});
  function_interface_impl::printFunctionAttributes(printer, op, hidden);
  printer << ' ';
  printer.printRegion(op.getFunctionBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/true);
}

ParseResult parseBindings(OpAsmParser& parser, OperationState& result,
                          SmallVectorImpl<OpAsmParser::Argument>& arguments) {
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    OpAsmParser::Argument& argument = arguments.emplace_back();
    OpAsmParser::UnresolvedOperand operand;
    return failure(parser.parseArgument(argument) || parser.parseEqual() || parser.parseOperand(operand) ||
                   parser.parseColonType(argument.type) ||
                   parser.resolveOperand(operand, argument.type, result.operands));
  });
}

void printBindings(OpAsmPrinter& printer, ValueRange arguments, ValueRange operands) {
  printer << '(';
  llvm::interleaveComma(llvm::zip(arguments, operands), printer, [&](auto pair) {
    printer << std::get<0>(pair) << " = " << std::get<1>(pair) << " : " << std::get<1>(pair).getType();
  });
  printer << ')';
}

LogicalResult verifyYield(Operation* owner, YieldOp yield, TypeRange expected) {
  if (yield.getNumOperands() != expected.size())
    return yield.emitOpError("yields ") << yield.getNumOperands() << " values but " << owner->getName()
                                        << " has " << expected.size() << " results";
  for (auto [index, type] : llvm::enumerate(yield.getOperandTypes()))
    if (type != expected[index])
      return yield.emitOpError("value ") << index << " is " << type << " but result " << index << " of "
                                         << owner->getName() << " is " << expected[index];
  return success();
}

} // namespace tailor::ir
