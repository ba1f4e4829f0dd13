#include "backend/reference/ReferenceBackend.h"

namespace tailor::backend::reference {

runtime::Result<std::string> ReferenceBackend::resolveProcessor(llvm::StringRef processor) const {
  if (!processor.empty())
    return runtime::invalid_argument("target 'reference' has no processor, but '", processor.str(),
                                     "' is given");
  return std::string();
}

} // namespace tailor::backend::reference
