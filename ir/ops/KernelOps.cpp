#include "ir/ops/FunctionSyntax.h"
#include "ir/ops/Support.h"

using namespace mlir;

namespace tailor::ir {

/// A FusionKind word.
static ParseResult parseKind(OpAsmParser& parser, OperationState& result, StringAttr name) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word)) return failure();
  std::optional<FusionKind> kind = symbolizeFusionKind(word);
  if (!kind) return parser.emitError(loc, "unknown fusion kind '") << word << "'";
  result.addAttribute(name, FusionKindAttr::get(parser.getContext(), *kind));
  return success();
}

// --- fused

void FusedOp::build(OpBuilder& builder, OperationState& state, TypeRange results, FusionKind kind,
                    ValueRange inputs) {
  state.addAttribute(getKindAttrName(state.name), FusionKindAttr::get(builder.getContext(), kind));
  state.addOperands(inputs);
  state.addTypes(results);
  Block& block = state.addRegion()->emplaceBlock();
  for (Value input : inputs)
    block.addArgument(input.getType(), input.getLoc());
}

YieldOp FusedOp::getYield() {
  return cast<YieldOp>(getBlock().getTerminator());
}

// tailor.fused map (%a = %x : tensor<64x32xf32>) -> tensor<64x32xf32> { ... }
ParseResult FusedOp::parse(OpAsmParser& parser, OperationState& result) {
  SmallVector<OpAsmParser::Argument> arguments;
  if (parseKind(parser, result, getKindAttrName(result.name)) || parseBindings(parser, result, arguments) ||
      parser.parseOptionalArrowTypeList(result.types) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parser.parseRegion(*result.addRegion(), arguments);
}

void FusedOp::print(OpAsmPrinter& printer) {
  printer << ' ' << stringifyFusionKind(getKind()) << ' ';
  printBindings(printer, getBlock().getArguments(), getInputs());
  printer.printOptionalArrowTypeList(getResultTypes());
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getKindAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/true);
}

LogicalResult FusedOp::verifyRegions() {
  if (getInputs().getTypes() != getBlock().getArgumentTypes())
    return emitOpError("expects one region argument per input, of the input's type: ")
           << getInputs().size() << " inputs but " << getBlock().getNumArguments() << " region arguments";
  if (failed(verifyYield(*this, getYield(), getResultTypes()))) return failure();
  return verifyGroup(*this, getBlock(), getKind());
}

// --- kernel, launch

void KernelOp::build(OpBuilder& builder, OperationState& state, StringRef name, FusionKind kind,
                     FunctionType type) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getKindAttrName(state.name), FusionKindAttr::get(builder.getContext(), kind));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  Block& block = state.addRegion()->emplaceBlock();
  for (Type input : type.getInputs())
    block.addArgument(input, state.location);
}

YieldOp KernelOp::getYield() {
  return cast<YieldOp>(getBlock().getTerminator());
}

ParseResult KernelOp::parse(OpAsmParser& parser, OperationState& result) {
  SmallVector<OpAsmParser::Argument> arguments;
  auto kind = [&]() -> ParseResult {
    return failure(parser.parseKeyword("kind") || parser.parseLParen() ||
                   parseKind(parser, result, getKindAttrName(result.name)) || parser.parseRParen());
  };
  return parseFunctionLike(parser, result, getFunctionTypeAttrName(result.name),
                           getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name), arguments,
                           kind);
}

void KernelOp::print(OpAsmPrinter& printer) {
  printFunctionLike(printer, *this, {getKindAttrName().strref()},
                    [&] { printer << " kind(" << stringifyFusionKind(getKind()) << ") "; });
}

LogicalResult KernelOp::verify() {
  auto isTensor = llvm::IsaPred<RankedTensorType>;
  for (Type type : llvm::concat<const Type>(getArgumentTypes(), getResultTypes()))
    if (!isTensor(type)) return emitOpError("takes and gives ranked tensors, got ") << type;
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  if (failed(verifyYield(*this, getYield(), getResultTypes()))) return failure();
  return verifyGroup(*this, getBlock(), getKind());
}

LogicalResult LaunchOp::verify() {
  if (getBuffers() && getBuffers()->size() != getNumResults())
    return emitOpError("has ") << getNumResults() << " results but " << getBuffers()->size() << " buffers";
  return success();
}

/// The types of a launch, or of a part, and those of its kernel agree; a kernel may leave the number of rows open.
static LogicalResult verifyTypes(Operation* user, FlatSymbolRefAttr kernel, StringRef what, TypeRange given,
                                 ArrayRef<Type> expected) {
  if (given.size() != expected.size())
    return user->emitOpError("has ") << given.size() << " " << what << "s but kernel " << kernel << " has "
                                     << expected.size();
  for (auto [index, type] : llvm::enumerate(given)) {
    auto a = cast<RankedTensorType>(type), b = cast<RankedTensorType>(expected[index]);
    if (a.getElementType() != b.getElementType() || !sameShape(a.getShape(), b.getShape()))
      return user->emitOpError() << what << " " << index << " is " << type << " but kernel " << kernel
                                 << " has " << expected[index];
  }
  return success();
}

KernelOp PartOp::lookupKernel() {
  return SymbolTable::lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
}

LogicalResult PartOp::verifySymbolUses(SymbolTableCollection& symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel) return emitOpError("names the unknown kernel ") << getKernelAttr();
  if (kernel.getKind() == FusionKind::Horizontal || kernel.getKind() == FusionKind::MultiTensor)
    return emitOpError("names kernel ") << getKernelAttr() << ", and one of kind "
                                        << stringifyFusionKind(kernel.getKind()) << " is no part of another";
  if (failed(verifyTypes(*this, getKernelAttr(), "input", getInputs().getTypes(), kernel.getArgumentTypes())))
    return failure();
  return verifyTypes(*this, getKernelAttr(), "result", getResultTypes(), kernel.getResultTypes());
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection& symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel) return emitOpError("names the unknown kernel ") << getKernelAttr();
  if (failed(verifyTypes(*this, getKernelAttr(), "input", getInputs().getTypes(), kernel.getArgumentTypes())))
    return failure();
  size_t needed = kernel.getTemporaries() ? kernel.getTemporaries()->size() : 0;
  if (getTemporaries() && getTemporaries()->size() != needed)
    return emitOpError("has ") << getTemporaries()->size() << " temporaries but kernel " << getKernelAttr()
                               << " has " << needed;
  return verifyTypes(*this, getKernelAttr(), "result", getResultTypes(), kernel.getResultTypes());
}

} // namespace tailor::ir
