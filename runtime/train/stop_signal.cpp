#include "runtime/train/stop_signal.h"

#include <atomic>
#include <csignal>

namespace tailor::runtime {
namespace {

std::atomic<int> requested_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "written from a signal handler");
struct sigaction former_interrupt, former_terminate;

void handle(int signal) {
  if (requested_signal.exchange(signal, std::memory_order_relaxed) == 0) return;
  // Asked twice: the person means it.
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

} // namespace

StopSignal::StopSignal() {
  requested_signal.store(0, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = handle;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, &former_interrupt);
  ::sigaction(SIGTERM, &action, &former_terminate);
}

StopSignal::~StopSignal() {
  ::sigaction(SIGINT, &former_interrupt, nullptr);
  ::sigaction(SIGTERM, &former_terminate, nullptr);
}

int StopSignal::requested() {
  return requested_signal.load(std::memory_order_relaxed);
}

const char* signal_name(int signal) {
  return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : "a signal";
}

} // namespace tailor::runtime
