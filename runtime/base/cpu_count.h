#pragma once
#include <string>

namespace tailor::runtime {

/// Processors this process may keep busy: those of its affinity mask, and no more than the time quota of its
/// control groups pays for (rounded up). At least 1.
int available_cpus();

/// The quota alone, in processors (1.5 = 150 ms of time every 100 ms), 0 without one: the least over the group
/// of this process and all above it, of cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us / cpu.cfs_period_us).
/// `root` stands before /proc and the mount points; "" is the real one.
double cgroup_cpu_quota(const std::string& root = "");

} // namespace tailor::runtime
