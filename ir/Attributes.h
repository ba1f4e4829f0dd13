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

} // namespace tailor::ir
