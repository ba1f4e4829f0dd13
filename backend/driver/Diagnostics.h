// Errors of the compiler as the user sees them: their own lines, a caret, notes.
#pragma once

#include "models/recipe/source.h"
#include "runtime/base/status.h"

#include "mlir/IR/Diagnostics.h"

#include <string>
#include <vector>

namespace tailor::backend {

/// Whose lines a complaint shows.
enum class SourceFiles {
  given,    ///< only of texts that were handed over: who wrote the program may name any file in its locations
  fromDisk, ///< also of files that locations name: the user's own recipe or C++ program, traced in this process
};

/// While alive, collects what the context reports on this thread. Warnings are kept beside the errors.
class Diagnostics {
public:
  /// `texts` holds the recipe and other files already read.
  Diagnostics(mlir::MLIRContext& context, recipe::SourceTexts texts, SourceFiles files);

  /// One more text whose lines can be shown.
  void addText(const std::string& file, std::string text) { texts_.add(file, std::move(text)); }

  bool hasErrors() const { return hasErrors_; }
  /// All of them as `recipe::format` prints them; empty if there were none.
  std::string text();

  /// The first error and everything after it as a Status of `code`; `otherwise` if there was none.
  runtime::Status toStatus(runtime::StatusCode code, const std::string& otherwise);

private:
  void add(mlir::Diagnostic& diagnostic);

  recipe::SourceTexts texts_;
  SourceFiles files_;
  std::vector<recipe::Diagnostic> found_;
  bool hasErrors_ = false;
  mlir::ScopedDiagnosticHandler handler_;
};

} // namespace tailor::backend
