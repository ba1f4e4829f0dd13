#include "tools/tailor/llvm_errors.h"

#include "llvm/Support/ErrorHandling.h"

#include <string_view>
#include <unistd.h>

namespace tailor::tools {
namespace {

/// Allocates nothing: memory may be what ran out.
void say(std::string_view text) {
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

[[noreturn]] void out_of_memory(void*, const char* reason, bool) {
  say("error: out of memory while compiling (");
  say(reason);
  say(")\n");
  ::_exit(1);
}

[[noreturn]] void fatal(void* data, const char* reason, bool crash) {
  const std::string_view text = reason;
  // Some of LLVM's own allocations end here instead: "Unable to allocate section memory!".
  if (text.find("alloc") != text.npos || text.find("memory") != text.npos) out_of_memory(data, reason, crash);
  say("error: internal error: LLVM: ");
  say(reason);
  say("\nhint: this is a bug of the tool\n");
  ::_exit(70);
}

} // namespace

void install_llvm_error_handlers() {
  llvm::install_bad_alloc_error_handler(out_of_memory);
  llvm::install_fatal_error_handler(fatal);
}

} // namespace tailor::tools
