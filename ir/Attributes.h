#pragma once

#include "ir/Tailor.h"

namespace tailor::ir {

/// `uniform(0.125)`, the text of an init rule inside `init(...)` and `#tailor.init<...>`.
void printInitRule(mlir::AsmPrinter& printer, InitAttr init);
mlir::ParseResult parseInitRule(mlir::AsmParser& parser, InitAttr& init);

/// The directive custom<InitRule> of tailor.state.
inline void printInitRule(mlir::OpAsmPrinter& printer, mlir::Operation*, InitAttr init) {
  printInitRule(printer, init);
}

/// The directive custom<Word>: an enum attribute as the bare word, as in `kind(step)`.
template <typename WordAttr> mlir::ParseResult parseWord(mlir::OpAsmParser& parser, WordAttr& attribute) {
  using Words = decltype(attribute.getValue());
  llvm::SMLoc loc = parser.getCurrentLocation();
  llvm::StringRef text;
  if (parser.parseKeyword(&text)) return mlir::failure();
  if (std::optional<Words> word = symbolizeEnum<Words>(text)) {
    attribute = WordAttr::get(parser.getContext(), *word);
    return mlir::success();
  }
  mlir::InFlightDiagnostic diagnostic = parser.emitError(loc, "unknown word '")
                                        << text << "', expected one of";
  for (unsigned i = 0; !stringifyEnum(static_cast<Words>(i)).empty(); ++i)
    diagnostic << (i == 0 ? " " : ", ") << stringifyEnum(static_cast<Words>(i));
  return diagnostic;
}

template <typename WordAttr>
void printWord(mlir::OpAsmPrinter& printer, mlir::Operation*, WordAttr attribute) {
  printer << stringifyEnum(attribute.getValue());
}

} // namespace tailor::ir
