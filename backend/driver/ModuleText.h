// A program as text that can be read back: the dumps of `--dump-ir`, `--emit`, `--from` and the IR sections
// of an artifact.
#pragma once

#include "backend/driver/ProgramInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace tailor::backend {

enum class TextLocations { none, inline_ };

/// The module in its assembly form. Deterministic; without locations it reads as documentation.
std::string moduleText(mlir::ModuleOp module, TextLocations locations = TextLocations::none);

/// The same followed by what is not IR (options, schema, source) as `tailor` resources at the end of the
/// file, so that it compiles to a whole artifact. Everything that leaves the compiler for a user is written
/// so.
std::string dumpText(mlir::ModuleOp module, const ProgramInfo& info,
                     TextLocations locations = TextLocations::inline_);

struct ParsedModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ProgramInfo info; ///< empty for a file that was written by hand
};

/// Reads `text`; `name` is the file name in locations and messages. A module without locations gets those of
/// the file. On failure, of which ir::readModule has more reasons than MLIR, the module is null after an error on
/// the context.
ParsedModule parseModule(llvm::StringRef text, llvm::StringRef name, mlir::MLIRContext& context);

} // namespace tailor::backend
