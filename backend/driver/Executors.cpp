#include "backend/driver/Executors.h"

#include "backend/reference/ReferenceExecutor.h"
#include "runtime/exec/executors.h"

namespace tailor::backend {

runtime::Result<std::unique_ptr<runtime::Executor>>
makeExecutor(std::shared_ptr<const runtime::Artifact> artifact, const runtime::ExecutorOptions& options) {
  if (artifact->spec().target.backend != "reference")
    return runtime::make_executor(std::move(artifact), options);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(auto executor,
                                reference::ReferenceExecutor::create(std::move(artifact), options));
  return std::unique_ptr<runtime::Executor>(std::move(executor));
}

} // namespace tailor::backend
