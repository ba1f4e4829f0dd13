#pragma once

/// Programs in text that anybody may have written: a dump, the IR in an artifact.

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class ParserConfig;
}

namespace tailor::ir {

/// How deep brackets, and the aliases (`#loc4 = loc(fused[#loc1, #loc2])`) used between them, may be nested: a
/// program of ours is 7 deep. MLIR's parser and printer recurse, with up to 2 KiB of stack a level; a thread has
/// 8 MiB.
inline constexpr unsigned kMaxNesting = 256;

/// Parses and verifies `text`; `name` is the file in locations and messages. Null after an error on the context.
///
/// MLIR's parser trusts whoever gives it text. Refused before it sees the text, each with the place:
///   - MLIR's binary form, whose reader does not check what it reads;
///   - nesting beyond kMaxNesting, which would end the stack;
///   - aliases that stand for more tokens than a program can have (each of twice the one before);
///   - affine maps and sets, which the dialect does not use, and which nest without brackets;
/// and after that constants that are not written as dense<...>.
/// No file is opened, whatever the locations name.
mlir::OwningOpRef<mlir::ModuleOp> readModule(llvm::StringRef text, llvm::StringRef name,
                                             const mlir::ParserConfig& config);

} // namespace tailor::ir
