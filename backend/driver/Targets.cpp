#include "backend/driver/Targets.h"

#include "backend/cpu/CpuBackend.h"
#include "backend/cuda/CudaBackend.h"
#include "backend/reference/ReferenceBackend.h"

#include "llvm/ADT/STLExtras.h"

namespace tailor::backend {

llvm::ArrayRef<const Backend*> backends() {
  static const CpuBackend cpu;
  static const CudaBackend cuda;
  static const reference::ReferenceBackend reference;
  static const Backend* const all[] = {&cpu, &cuda, &reference};
  return all;
}

runtime::Result<Target> parseTarget(llvm::StringRef text) {
  auto [name, processor] = text.split(':');
  auto found = llvm::find_if(backends(), [&](const Backend* backend) { return backend->name() == name; });
  if (found == backends().end()) {
    std::string known;
    for (const Backend* backend : backends())
      known += (known.empty()                  ? ""
                : backend == backends().back() ? " and "
                                               : ", ") +
               backend->spelling().str();
    return runtime::invalid_argument("unknown target '", text.str(), "'").with_hint("targets are " + known);
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::string resolved, (*found)->resolveProcessor(processor));
  return Target{*found, std::move(resolved)};
}

} // namespace tailor::backend
