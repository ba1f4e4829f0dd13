// The targets this build knows.
#pragma once

#include "backend/backend.h"

namespace tailor::backend {

/// All backends, in the order in which `--help` lists them.
llvm::ArrayRef<const Backend*> backends();

/// A target as `--target` names it.
struct Target {
  const Backend* backend = nullptr;
  std::string processor; ///< with `native` resolved; empty for a backend without

  /// "cpu:znver4", "reference"
  std::string name() const { return backend->name().str() + (processor.empty() ? "" : ":" + processor); }
};

/// Reads `--target`: "cpu:znver4", "cpu:x86-64-v3", "cpu:native", "reference". "cpu" alone is "cpu:native".
/// Errors: kInvalidArgument with the known names as hint.
runtime::Result<Target> parseTarget(llvm::StringRef text);

} // namespace tailor::backend
