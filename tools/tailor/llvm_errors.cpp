#include "tools/tailor/llvm_errors.h"

#include "llvm/Support/ErrorHandling.h"

#include <csignal>
#include <cstddef>
#include <string_view>
#include <sys/mman.h>
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

/// MLIR takes the memory of its ops by a malloc that nobody checks, and a stack that cannot grow is no exception either: where
/// the process may have no more memory, a wrong address means that. Any other is a crash as before.
void on_wrong_address(int) {
  constexpr std::size_t kMuch = std::size_t{256} << 20; // larger than any single allocation of a compilation
  void* const memory = ::mmap(nullptr, kMuch, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) out_of_memory(nullptr, "an address without memory", false);
  std::signal(SIGSEGV, SIG_DFL); // the instruction is run again
}

void watch_wrong_addresses() {
  struct sigaction action = {};
  if (::sigaction(SIGSEGV, nullptr, &action) != 0 || action.sa_handler != SIG_DFL)
    return;                                  // a sanitizer's, or the user's
  alignas(16) static std::byte stack[16384]; // the stack may be what could not grow
  const stack_t other = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof(stack)};
  if (::sigaltstack(&other, nullptr) != 0) return;
  action.sa_handler = on_wrong_address;
  action.sa_flags = SA_ONSTACK;
  (void)::sigaction(SIGSEGV, &action, nullptr);
}

} // namespace

void install_llvm_error_handlers() {
  watch_wrong_addresses();
  llvm::install_bad_alloc_error_handler(out_of_memory);
  llvm::install_fatal_error_handler(fatal);
}

} // namespace tailor::tools
