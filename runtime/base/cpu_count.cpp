#include "runtime/base/cpu_count.h"

#include "runtime/base/cgroup.h"

#include <algorithm>
#include <cmath>
#include <sched.h>
#include <sstream>
#include <thread>

namespace tailor::runtime {
namespace {

/// Processors that the files of one group grant; 0: no limit here.
double quota_of(const std::string& folder, bool v2) {
  double quota = 0, period = 0;
  if (v2) {
    std::istringstream text(kernel_text(folder + "/cpu.max")); // "max 100000" or "150000 100000"
    if (!(text >> quota >> period)) return 0;
  } else {
    std::istringstream quota_text(kernel_text(folder + "/cpu.cfs_quota_us")); // -1: none
    std::istringstream period_text(kernel_text(folder + "/cpu.cfs_period_us"));
    if (!(quota_text >> quota) || !(period_text >> period)) return 0;
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

} // namespace

double cgroup_cpu_quota(const std::string& root) {
  return least_cgroup_limit("cpu", root, quota_of);
}

int available_cpus() {
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
  // Room for 8192 processors; the kernel refuses a mask that is too small for the machine.
  constexpr int kMostCpus = 8192;
  if (cpu_set_t* mask = CPU_ALLOC(kMostCpus)) {
    const std::size_t bytes = CPU_ALLOC_SIZE(kMostCpus);
    if (::sched_getaffinity(0, bytes, mask) == 0) cpus = CPU_COUNT_S(bytes, mask);
    CPU_FREE(mask);
  }
  if (const double quota = cgroup_cpu_quota(); quota > 0)
    cpus = static_cast<int>(std::min<double>(cpus, std::ceil(quota)));
  return std::max(cpus, 1);
}

} // namespace tailor::runtime
