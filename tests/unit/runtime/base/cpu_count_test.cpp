#include "runtime/base/cpu_count.h"

#include "tests/unit/runtime/base/made_up_system.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace tailor::runtime {
namespace {

using CpuQuota = MadeUpSystem;

TEST_F(CpuQuota, NoneWithoutGroups) {
  EXPECT_EQ(cgroup_cpu_quota(root_), 0);
}

TEST_F(CpuQuota, V2TakesTheLeastOfAllLevels) {
  write("/proc/self/mountinfo", "25 30 0:23 / /proc rw - proc proc rw\n"
                                "34 25 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/user.slice/job.scope\n");
  write("/sys/fs/cgroup/user.slice/job.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 0);
  write("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 1.5);
  write("/sys/fs/cgroup/user.slice/job.scope/cpu.max", "400000 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 1.5) << "a group cannot have more than the one above";
}

TEST_F(CpuQuota, V2InAContainerLooksAtItsMount) {
  write("/proc/self/mountinfo", "34 25 0:29 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 0.5);
}

TEST_F(CpuQuota, V1WithAndWithoutAContainer) {
  write("/proc/self/mountinfo",
        "40 30 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "41 30 0:34 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n");
  write("/proc/self/cgroup", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc/deep\n0::/\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 3);
  write("/sys/fs/cgroup/cpu,cpuacct/deep/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu,cpuacct/deep/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 3);
  write("/sys/fs/cgroup/cpu,cpuacct/deep/cpu.cfs_quota_us", "20000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 0.2);
}

TEST(AvailableCpus, FollowsTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_LE(available_cpus(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(available_cpus(), 1);
  ::sched_setaffinity(0, sizeof(before), &before);
}

} // namespace
} // namespace tailor::runtime
