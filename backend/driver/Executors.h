// The executor an artifact runs on.
#pragma once

#include "runtime/exec/executor.h"

#include <memory>

namespace tailor::backend {

/// A CpuExecutor or, for artifacts of target reference, a ReferenceExecutor. Errors: theirs.
runtime::Result<std::unique_ptr<runtime::Executor>>
makeExecutor(std::shared_ptr<const runtime::Artifact> artifact, const runtime::ExecutorOptions& options);

} // namespace tailor::backend
