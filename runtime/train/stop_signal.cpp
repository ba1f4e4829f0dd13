#include "runtime/train/stop_signal.h"

#include <atomic>
#include <csignal>

namespace tailor::runtime {
namespace {

std::atomic<int> requested_signal{0};
std::atomic<bool> asked_by_a_person{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "written from a signal handler");

struct Handled {
  int signal;
  const char* name;
  bool insists; ///< the second one ends the process
  struct sigaction former;
};
Handled handled[] = {
    {SIGINT, "SIGINT", true, {}},
    {SIGTERM, "SIGTERM", true, {}},
    {SIGHUP, "SIGHUP", false, {}},
    {SIGPIPE, "SIGPIPE", false, {}},
};

void ask(int signal) {
  int none = 0;
  requested_signal.compare_exchange_strong(none, signal, std::memory_order_relaxed);
}

void insist(int signal) {
  ask(signal);
  if (!asked_by_a_person.exchange(true, std::memory_order_relaxed)) return;
  // Asked twice: the person means it.
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

} // namespace

StopSignal::StopSignal() {
  requested_signal.store(0, std::memory_order_relaxed);
  asked_by_a_person.store(false, std::memory_order_relaxed);
  for (Handled& entry : handled) {
    ::sigaction(entry.signal, nullptr, &entry.former);
    if (entry.former.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = entry.insists ? insist : ask;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    ::sigaction(entry.signal, &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (const Handled& entry : handled)
    if (entry.signal == SIGPIPE && requested() == SIGPIPE)
      std::signal(SIGPIPE, SIG_IGN);
    else
      ::sigaction(entry.signal, &entry.former, nullptr);
}

int StopSignal::requested() {
  return requested_signal.load(std::memory_order_relaxed);
}

const char* signal_name(int signal) {
  for (const Handled& entry : handled)
    if (entry.signal == signal) return entry.name;
  return "a signal";
}

} // namespace tailor::runtime
