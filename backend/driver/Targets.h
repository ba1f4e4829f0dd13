// The targets this build knows.
#pragma once

#include "backend/backend.h"

namespace tailor::backend {

/// All backends, in the order in which `--help` lists them.
llvm::ArrayRef<const Backend*> backends();

/// By name ("cpu", "reference"); nullptr if there is none.
const Backend* findBackend(llvm::StringRef name);

struct Target {
  const Backend* backend = nullptr;
  passes::TargetInfo info;
};

/// Reads `--target`: "cpu:znver4", "cpu:x86-64-v3", "cpu:native", "reference". "cpu" alone is "cpu:native".
/// Errors: kInvalidArgument with the known names as hint.
runtime::Result<Target> parseTarget(llvm::StringRef text);

} // namespace tailor::backend
