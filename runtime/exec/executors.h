#pragma once
#include "runtime/exec/executor.h"

#include <memory>

namespace tailor::runtime {

/// The executor of the artifact's target.
/// Errors   kIncompatible if the runtime has none for it; the executor's own.
Result<std::unique_ptr<Executor>> make_executor(std::shared_ptr<const Artifact> artifact,
                                                const ExecutorOptions& options);

} // namespace tailor::runtime
