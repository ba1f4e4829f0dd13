#include "runtime/base/process.h"

#include <cerrno>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <new>
#include <string_view>
#include <unistd.h>

namespace tailor::runtime {
namespace {

/// Allocates nothing: memory may be what ran out.
void say(std::string_view text) {
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

[[noreturn]] void end_process() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
    say("error: internal error: the process ended itself\n");
  } catch (const std::bad_alloc&) {
    say("error: out of memory\n");
    ::_exit(1);
  } catch (const std::exception& error) {
    say("error: internal error: ");
    say(error.what());
    say("\n");
  } catch (...) {
    say("error: internal error: an exception of unknown type\n");
  }
  ::_exit(70);
}

} // namespace

void prepare_process() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)!::open("/dev/null", O_RDWR); // the lowest free: fd
  std::signal(SIGXFSZ, SIG_IGN);
  std::set_terminate(end_process);
}

} // namespace tailor::runtime
