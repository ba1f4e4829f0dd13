#include "runtime/base/process_memory.h"

#include "runtime/base/cgroup.h"

#include <sstream>
#include <string>

namespace tailor::runtime {

// Not getrusage(): its peak is also that of the program which was replaced by this one.
ProcessMemory process_memory() {
  ProcessMemory memory;
  std::istringstream lines(kernel_text("/proc/self/status"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kibibytes = 0;
    if (!(words >> name >> kibibytes)) continue;
    if (name == "VmRSS:") memory.resident = kibibytes << 10;
    if (name == "VmHWM:") memory.peak = kibibytes << 10;
  }
  return memory;
}

} // namespace tailor::runtime
