#pragma once

namespace tailor::runtime {

/// While one lives, SIGINT, SIGTERM, SIGHUP (the terminal is gone) and SIGPIPE (nobody reads what is printed) ask
/// for a clean stop instead of ending the process. A second SIGINT or SIGTERM ends it at once; the other two
/// come several times without anybody insisting. What the process was started to ignore (nohup, `&` in a
/// script) stays ignored. Former handlers come back in the destructor, but a pipe that broke stays ignored: the
/// lines that say so must not end the process. At most one at a time.
class StopSignal {
public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  /// The signal that asked for a stop since the last one was made, or 0. Cheap enough for every step.
  static int requested();
};

/// "SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE".
const char* signal_name(int signal);

} // namespace tailor::runtime
