// A recipe file, its data schema, its program, its artifact.
#pragma once

#include "backend/driver/Driver.h"

namespace tailor::backend {

/// Parses the recipe with `overrides` ("optimizer.lr=0.05") on top, reads the schema of its data (or
/// `schemaPath`, a schema file, if not empty), builds the training program and compiles it. Data paths start
/// from the recipe's folder.
///
/// Errors   kInvalidArgument with every complaint about the recipe, its data or its program, each at the
/// recipe's line.
runtime::Result<Compilation> compileRecipe(const std::string& path, const std::vector<std::string>& overrides,
                                           const std::string& schemaPath, const CompileOptions& options);

/// Lets C++ programs read schemas (`data::csv`) and evaluate arrays (`Array::eval`) in this process. Call
/// once.
void registerFrontendServices();

} // namespace tailor::backend
