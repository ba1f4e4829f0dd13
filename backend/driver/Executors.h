// The executor an artifact runs on.
#pragma once

#include "runtime/exec/executor.h"

#include <memory>

namespace tailor::backend {

/// By the name of the artifact's backend. Errors: kIncompatible if nobody runs those; the executor's own.
runtime::Result<std::unique_ptr<runtime::Executor>>
makeExecutor(std::shared_ptr<const runtime::Artifact> artifact, const runtime::ExecutorOptions& options);

} // namespace tailor::backend
