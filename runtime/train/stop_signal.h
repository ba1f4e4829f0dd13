#pragma once

namespace tailor::runtime {

/// While one lives, SIGINT and SIGTERM ask for a clean stop instead of ending the process; a second signal
/// ends it at once. Former handlers come back in the destructor. At most one at a time.
class StopSignal {
public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  /// The signal that asked for a stop, or 0. Cheap enough for every step.
  static int requested();
};

/// "SIGINT", "SIGTERM".
const char* signal_name(int signal);

} // namespace tailor::runtime
