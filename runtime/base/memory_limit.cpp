#include "runtime/base/memory_limit.h"

#include "runtime/base/cgroup.h"

#include <algorithm>
#include <sstream>
#include <unistd.h>

namespace tailor::runtime {
namespace {

/// Bytes that the files of one group grant; 0: no limit here.
double bytes_of(const std::string& folder, bool v2) {
  double bytes = 0;
  std::istringstream text(kernel_text(folder + (v2 ? "/memory.max" : "/memory.limit_in_bytes")));
  return text >> bytes ? bytes : 0; // "max": no number
}

} // namespace

std::uint64_t cgroup_memory_limit(const std::string& root) {
  const double least = least_cgroup_limit("memory", root, bytes_of);
  constexpr double kNone = 4e18; // v1 says "none" with the largest number of pages
  return least < kNone ? static_cast<std::uint64_t>(least) : 0;
}

std::uint64_t memory_limit() {
  const auto machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t groups = cgroup_memory_limit();
  return groups > 0 ? std::min(machine, groups) : machine;
}

} // namespace tailor::runtime
