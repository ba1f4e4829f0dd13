#include "ir/ops/FunctionSyntax.h"
#include "ir/ops/Support.h"

using namespace mlir;

namespace tailor::ir {

// --- body

void BodyOp::build(OpBuilder& builder, OperationState& state, StringRef name, FunctionType type,
                   ArrayRef<StringRef> argNames) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  if (!argNames.empty())
    state.addAttribute(getArgNamesAttrName(state.name), builder.getStrArrayAttr(argNames));
  Block& block = state.addRegion()->emplaceBlock();
  for (Type input : type.getInputs())
    block.addArgument(input, state.location);
}

ReturnOp BodyOp::getReturn() {
  return cast<ReturnOp>(getBlock().getTerminator());
}

ParseResult BodyOp::parse(OpAsmParser& parser, OperationState& result) {
  SmallVector<OpAsmParser::Argument> arguments;
  if (parseFunctionLike(parser, result, getFunctionTypeAttrName(result.name),
                        getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name), arguments))
    return failure();
  // The names of the arguments are kept: `%fc0.weight` stays `%fc0.weight`. Numbers are no names.
  SmallVector<StringRef> names;
  for (const OpAsmParser::Argument& argument : arguments) {
    StringRef name = argument.ssaName.name.drop_front();
    names.push_back(name.empty() || isdigit(static_cast<unsigned char>(name.front())) ? "" : name);
  }
  if (llvm::any_of(names, [](StringRef name) { return !name.empty(); }))
    result.addAttribute(getArgNamesAttrName(result.name), parser.getBuilder().getStrArrayAttr(names));
  return success();
}

void BodyOp::print(OpAsmPrinter& printer) {
  printFunctionLike(printer, *this, {getArgNamesAttrName().strref()});
}

void BodyOp::getAsmBlockArgumentNames(Region& region, OpAsmSetValueNameFn setName) {
  if (!getArgNames() || region.empty()) return;
  for (auto [argument, name] : llvm::zip(region.getArguments(), getArgNames()->getAsValueRange<StringAttr>()))
    if (!name.empty()) setName(argument, name);
}

LogicalResult BodyOp::verify() {
  if (getArgNames() && getArgNames()->size() != getArgumentTypes().size())
    return emitOpError("has ") << getArgumentTypes().size() << " arguments but " << getArgNames()->size()
                               << " argument names";
  return success();
}

LogicalResult BodyOp::verifyRegions() {
  for (Operation& op : getBlock())
    if (!isMemoryEffectFree(&op))
      return op.emitOpError("has effects; a body is pure (load, store, report and output belong in entries)");
  return success();
}

LogicalResult ReturnOp::verify() {
  auto body = cast<BodyOp>((*this)->getParentOp());
  ArrayRef<Type> expected = body.getResultTypes();
  if (getNumOperands() != expected.size())
    return emitOpError("returns ") << getNumOperands() << " values but body @" << body.getSymName() << " has "
                                   << expected.size() << " results";
  for (auto [index, value] : llvm::enumerate(getValues()))
    if (value.getType() != expected[index])
      return emitOpError("value ") << index << " is " << value.getType() << " but result " << index
                                   << " of body @" << body.getSymName() << " is " << expected[index];
  return success();
}

// --- call, value_and_grad

/// "argument 2 ('x')" where the body names it.
static std::string argumentText(BodyOp body, unsigned index) {
  std::string text = "argument " + std::to_string(index);
  std::string name = valueName(body.getArgument(index));
  return name.empty() ? text : text + " ('" + name + "')";
}

/// The body `callee` names, after comparing the types of the arguments.
static FailureOr<BodyOp> verifyArguments(Operation* op, FlatSymbolRefAttr callee, ValueRange arguments,
                                         SymbolTableCollection& symbols) {
  auto body = symbols.lookupNearestSymbolFrom<BodyOp>(op, callee);
  if (!body) return op->emitOpError("names the unknown body ") << callee;
  ArrayRef<Type> expected = body.getArgumentTypes();
  if (arguments.size() != expected.size())
    return op->emitOpError("has ") << arguments.size() << " arguments but body " << callee << " takes "
                                   << expected.size();
  for (auto [index, argument] : llvm::enumerate(arguments))
    if (argument.getType() != expected[index])
      return op->emitOpError() << argumentText(body, index) << " is " << argument.getType() << " but body "
                               << callee << " takes " << expected[index];
  return body;
}

static LogicalResult verifyResults(Operation* op, FlatSymbolRefAttr callee, TypeRange results,
                                   ArrayRef<Type> expected) {
  if (results.size() != expected.size())
    return op->emitOpError("has ") << results.size() << " results but " << callee << " gives "
                                   << expected.size();
  for (auto [index, type] : llvm::enumerate(results))
    if (type != expected[index])
      return op->emitOpError("result ")
             << index << " is " << type << " but " << callee << " gives " << expected[index];
  return success();
}

void CallOp::build(OpBuilder& builder, OperationState& state, BodyOp body, ValueRange arguments) {
  build(builder, state, body.getResultTypes(), FlatSymbolRefAttr::get(body), arguments);
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection& symbols) {
  FailureOr<BodyOp> body = verifyArguments(*this, getCalleeAttr(), getArguments(), symbols);
  if (failed(body)) return failure();
  return verifyResults(*this, getCalleeAttr(), getResultTypes(), body->getResultTypes());
}

void CallOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1) setName(getResult(0), getCallee());
}

void ValueAndGradOp::build(OpBuilder& builder, OperationState& state, BodyOp body, ValueRange arguments,
                           ArrayRef<int64_t> wrt) {
  SmallVector<Type> results(body.getResultTypes());
  for (int64_t index : wrt)
    results.push_back(arguments[index].getType());
  build(builder, state, results, FlatSymbolRefAttr::get(body), arguments, builder.getDenseI64ArrayAttr(wrt));
}

LogicalResult ValueAndGradOp::verify() {
  if (getWrt().empty()) return emitOpError("differentiates with respect to nothing; use tailor.call");
  for (auto [position, index] : llvm::enumerate(getWrt())) {
    if (index < 0 || index >= static_cast<int64_t>(getArguments().size()))
      return emitOpError("differentiates with respect to argument ")
             << index << " but has " << getArguments().size() << " arguments";
    if (llvm::is_contained(getWrt().take_front(position), index))
      return emitOpError("differentiates with respect to argument ") << index << " twice";
  }
  for (int64_t index : getWrt())
    if (!isFloatTensor(getArguments()[index].getType()))
      return emitOpError("differentiates with respect to argument ")
             << index << " of type " << getArguments()[index].getType() << ", which is not floating-point";
  return success();
}

LogicalResult ValueAndGradOp::verifySymbolUses(SymbolTableCollection& symbols) {
  FailureOr<BodyOp> body = verifyArguments(*this, getCalleeAttr(), getArguments(), symbols);
  if (failed(body)) return failure();
  SmallVector<Type> expected(body->getResultTypes());
  auto loss = expected.empty() ? RankedTensorType() : dyn_cast<RankedTensorType>(expected.front());
  if (!loss || loss.getRank() != 0 || !isFloatTensor(loss))
    return emitOpError("expects a scalar loss as first result of body ")
           << getCalleeAttr() << ", got "
           << (expected.empty() ? Type(NoneType::get(getContext())) : expected.front());
  for (int64_t index : getWrt())
    expected.push_back(getArguments()[index].getType());
  return verifyResults(*this, getCalleeAttr(), getResultTypes(), expected);
}

void ValueAndGradOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() > getWrt().size()) setName(getResult(0), getCallee());
  for (auto [index, gradient] : llvm::zip(getWrt(), getGradients())) {
    std::string name = valueName(getArguments()[index]);
    setName(gradient, name.empty() ? "grad" : "d_" + name);
  }
}

// --- repeat

void RepeatOp::build(OpBuilder& builder, OperationState& state, int64_t count, ValueRange initial) {
  OpBuilder::InsertionGuard guard(builder);
  state.addAttribute(getCountAttrName(state.name), builder.getI64IntegerAttr(count));
  state.addOperands(initial);
  state.addTypes(initial.getTypes());
  Block& block = state.addRegion()->emplaceBlock();
  block.addArgument(RankedTensorType::get({}, builder.getI32Type()), state.location);
  for (Value value : initial)
    block.addArgument(value.getType(), value.getLoc());
}

// tailor.repeat 10 iteration(%i) carry(%x = %x0 : tensor<4xf32>) { ... }
ParseResult RepeatOp::parse(OpAsmParser& parser, OperationState& result) {
  Builder& builder = parser.getBuilder();
  IntegerAttr count;
  SmallVector<OpAsmParser::Argument> arguments(1);
  arguments[0].type = RankedTensorType::get({}, builder.getI32Type());
  if (parser.parseAttribute(count, builder.getI64Type(), getCountAttrName(result.name), result.attributes) ||
      parser.parseKeyword("iteration") || parser.parseLParen() || parser.parseArgument(arguments[0]) ||
      parser.parseRParen())
    return failure();
  if (succeeded(parser.parseOptionalKeyword("carry")) && parseBindings(parser, result, arguments))
    return failure();
  for (const OpAsmParser::Argument& argument : ArrayRef(arguments).drop_front())
    result.addTypes(argument.type);
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes)) return failure();
  Region* region = result.addRegion();
  if (parser.parseRegion(*region, arguments)) return failure();
  ensureTerminator(*region, parser.getBuilder(), result.location);
  return success();
}

void RepeatOp::print(OpAsmPrinter& printer) {
  printer << ' ' << getCount() << " iteration(" << getIteration() << ")";
  if (!getInitial().empty()) {
    printer << " carry";
    printBindings(printer, getCarried(), getInitial());
  }
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getCountAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                      /*printBlockTerminators=*/!getInitial().empty());
}

LogicalResult RepeatOp::verify() {
  if (int64_t count = getCount(); count < 1)
    return emitOpError("expects a count of at least 1, got ") << count;
  if (getInitial().getTypes() != getResultTypes())
    return emitOpError("carries ") << getInitial().size() << " values but has " << getNumResults()
                                   << " results, or their types differ";
  return success();
}

LogicalResult RepeatOp::verifyRegions() {
  Block& block = getBlock();
  auto iteration = RankedTensorType::get({}, IntegerType::get(getContext(), 32));
  if (block.getNumArguments() != getInitial().size() + 1 || getIteration().getType() != iteration ||
      getInitial().getTypes() != TypeRange(block.getArgumentTypes()).drop_front())
    return emitOpError("expects the iteration (tensor<i32>) and then the carried values as region arguments");
  return verifyYield(*this, cast<YieldOp>(block.getTerminator()), getResultTypes());
}

// --- stop_gradient, all_reduce

LogicalResult StopGradientOp::buildVjp(OpBuilder&, ValueRange, ArrayRef<bool>,
                                       SmallVectorImpl<Value>& gradients) {
  gradients.assign(1, Value());
  return success();
}

bool StopGradientOp::hasOperandGradient(unsigned) {
  return false;
}

OpFoldResult StopGradientOp::fold(FoldAdaptor adaptor) {
  if (adaptor.getOperand()) return adaptor.getOperand();
  if (getOperand().getDefiningOp<StopGradientOp>()) return getOperand();
  return {};
}

LogicalResult AllReduceOp::verify() {
  return emitOpError("is reserved for data-parallel training, which this version does not have");
}

} // namespace tailor::ir
