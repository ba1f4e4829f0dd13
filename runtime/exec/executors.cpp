#include "runtime/exec/executors.h"

#include "runtime/exec/cpu_executor.h"
#include "runtime/exec/cuda_executor.h"

namespace tailor::runtime {
namespace {

template <typename T>
Result<std::unique_ptr<Executor>> create(std::shared_ptr<const Artifact> artifact,
                                         const ExecutorOptions& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::unique_ptr<T> executor, T::create(std::move(artifact), options));
  return std::unique_ptr<Executor>(std::move(executor));
}

constexpr struct {
  std::string_view backend;
  Result<std::unique_ptr<Executor>> (*create)(std::shared_ptr<const Artifact>, const ExecutorOptions&);
} kExecutors[] = {{"cpu", create<CpuExecutor>}, {"cuda", create<CudaExecutor>}};

} // namespace

Result<std::unique_ptr<Executor>> make_executor(std::shared_ptr<const Artifact> artifact,
                                                const ExecutorOptions& options) {
  const ArtifactSpec& spec = artifact->spec();
  for (const auto& row : kExecutors)
    if (row.backend == spec.target.backend) return row.create(std::move(artifact), options);
  return incompatible("'", spec.name, "' is compiled for target '", spec.target.backend, ":",
                      spec.target.name, "', which this runtime does not execute");
}

} // namespace tailor::runtime
