#include "backend/driver/Executors.h"

#include "backend/reference/ReferenceExecutor.h"
#include "runtime/exec/cpu_executor.h"

#include "llvm/ADT/STLExtras.h"

namespace tailor::backend {
namespace {

using runtime::Result;
using Artifact = std::shared_ptr<const runtime::Artifact>;

template <typename Executor>
Result<std::unique_ptr<runtime::Executor>> create(Artifact artifact,
                                                  const runtime::ExecutorOptions& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(auto executor, Executor::create(std::move(artifact), options));
  return std::unique_ptr<runtime::Executor>(std::move(executor));
}

/// Who runs the artifacts of which backend.
constexpr struct {
  std::string_view backend;
  Result<std::unique_ptr<runtime::Executor>> (*create)(Artifact, const runtime::ExecutorOptions&);
} kExecutors[] = {{"cpu", create<runtime::CpuExecutor>}, {"reference", create<reference::ReferenceExecutor>}};

} // namespace

Result<std::unique_ptr<runtime::Executor>> makeExecutor(Artifact artifact,
                                                        const runtime::ExecutorOptions& options) {
  const runtime::ArtifactSpec& spec = artifact->spec();
  auto found = llvm::find_if(kExecutors, [&](const auto& row) { return row.backend == spec.target.backend; });
  if (found == std::end(kExecutors))
    return runtime::incompatible("'", spec.name, "' is compiled for target '", spec.target.backend, ":",
                                 spec.target.name, "', which this build does not execute");
  return found->create(std::move(artifact), options);
}

} // namespace tailor::backend
