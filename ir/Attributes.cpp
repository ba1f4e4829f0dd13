#include "ir/Attributes.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace tailor::ir;

#include "ir/TailorEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/TailorAttrs.cpp.inc"

void TailorDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/TailorAttrs.cpp.inc"
      >();
}

/// Rules written with a number in parentheses.
static bool takesNumber(InitRule rule) {
  return rule == InitRule::Constant || rule == InitRule::Uniform || rule == InitRule::Normal ||
         rule == InitRule::TruncatedNormal;
}

void tailor::ir::printInitRule(AsmPrinter& printer, InitAttr init) {
  printer << stringifyInitRule(init.getRule());
  if (init.getRule() == InitRule::CopyOf) {
    printer << '(' << init.getSource() << ')';
  } else if (takesNumber(init.getRule())) {
    printer << '(';
    printer.printFloat(init.getValue());
    printer << ')';
  }
}

ParseResult tailor::ir::parseInitRule(AsmParser& parser, InitAttr& init) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word)) return failure();
  std::optional<InitRule> rule = symbolizeInitRule(word);
  if (!rule) return parser.emitError(loc, "unknown init rule '") << word << "'";
  double number = 0.0;
  SymbolRefAttr source;
  if (*rule == InitRule::CopyOf || takesNumber(*rule)) {
    if (parser.parseLParen()) return failure();
    if (*rule == InitRule::CopyOf ? failed(parser.parseAttribute(source)) : failed(parser.parseFloat(number)))
      return failure();
    if (parser.parseRParen()) return failure();
  }
  init = InitAttr::getChecked([&] { return parser.emitError(loc); }, parser.getContext(), *rule,
                              APFloat(number), source);
  return success(init != nullptr);
}

LogicalResult InitAttr::verify(function_ref<InFlightDiagnostic()> emitError, InitRule rule, APFloat value,
                               SymbolRefAttr source) {
  StringRef word = stringifyInitRule(rule);
  if ((rule == InitRule::CopyOf) != (source != nullptr))
    return emitError() << (source ? "init rule " + word.str() + " takes no source state"
                                  : std::string("init rule copy_of expects a source state"));
  if (&value.getSemantics() != &APFloat::IEEEdouble())
    return emitError() << "init rule " << word << " expects its number as f64";
  double number = value.convertToDouble();
  if (!takesNumber(rule) && number != 0.0) return emitError() << "init rule " << word << " takes no number";
  if (!std::isfinite(number)) return emitError() << "init rule " << word << " expects a finite number";
  if (takesNumber(rule) && rule != InitRule::Constant && number < 0.0)
    return emitError() << "init rule " << word << " expects a number of at least 0, got " << number;
  return success();
}

Attribute InitAttr::parse(AsmParser& parser, Type) {
  InitAttr init;
  if (parser.parseLess() || parseInitRule(parser, init) || parser.parseGreater()) return {};
  return init;
}

void InitAttr::print(AsmPrinter& printer) const {
  printer << '<';
  printInitRule(printer, *this);
  printer << '>';
}

LogicalResult BufferAttr::verify(function_ref<InFlightDiagnostic()> emitError, MemorySpace, int64_t offset,
                                 int64_t bytes) {
  if (offset < 0 || bytes < 0)
    return emitError() << "buffer expects offset and size of at least 0, got " << offset << " and " << bytes;
  return success();
}

LogicalResult GridAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t blocks, int64_t threads,
                               int64_t resident) {
  constexpr int64_t kMaxBlocks = (int64_t{1} << 31) - 1, kWarp = 32, kMaxThreads = 1024, kMaxResident = 32;
  if (blocks < 1 || blocks > kMaxBlocks)
    return emitError() << "grid expects 1 to " << kMaxBlocks << " blocks, got " << blocks;
  if (threads < 1 || threads > kMaxThreads || threads % kWarp != 0)
    return emitError() << "grid expects blocks of whole warps and at most " << kMaxThreads << " threads, got "
                       << threads;
  if (resident < 1 || resident > kMaxResident)
    return emitError() << "grid expects 1 to " << kMaxResident << " resident blocks, got " << resident;
  return success();
}

LogicalResult TemporaryAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef purpose,
                                    int64_t bytes) {
  constexpr int64_t kMaxBytes = int64_t{1} << 42; // so that the bytes of a whole program can be counted
  if (purpose.empty()) return emitError() << "temporary expects what it is for, got an empty text";
  if (bytes < 1 || bytes > kMaxBytes)
    return emitError() << "temporary expects a size from 1 to " << kMaxBytes << " bytes, got " << bytes;
  return success();
}
