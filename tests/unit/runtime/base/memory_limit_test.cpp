#include "runtime/base/memory_limit.h"

#include "tests/unit/runtime/base/made_up_system.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace tailor::runtime {
namespace {

using MemoryLimit = MadeUpSystem;

TEST_F(MemoryLimit, NoneWithoutGroups) {
  EXPECT_EQ(cgroup_memory_limit(root_), 0u);
}

TEST_F(MemoryLimit, V2TakesTheLeastOfAllLevels) {
  write("/proc/self/mountinfo", "34 25 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/user.slice/job.scope\n");
  write("/sys/fs/cgroup/user.slice/job.scope/memory.max", "max\n");
  EXPECT_EQ(cgroup_memory_limit(root_), 0u);
  write("/sys/fs/cgroup/user.slice/memory.max", "8589934592\n");
  EXPECT_EQ(cgroup_memory_limit(root_), 8589934592u);
  write("/sys/fs/cgroup/user.slice/job.scope/memory.max", "1073741824\n");
  EXPECT_EQ(cgroup_memory_limit(root_), 1073741824u);
}

TEST_F(MemoryLimit, V1SaysNoneWithALargeNumber) {
  write("/proc/self/mountinfo", "40 30 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  write("/proc/self/cgroup", "5:memory:/job\n");
  write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(cgroup_memory_limit(root_), 0u);
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n");
  EXPECT_EQ(cgroup_memory_limit(root_), 4294967296u);
}

TEST(MemoryLimitOfThisProcess, IsAtMostTheMachines) {
  const auto machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_LE(memory_limit(), machine);
  EXPECT_GT(memory_limit(), std::uint64_t{1} << 24) << "this test itself runs in it";
}

} // namespace
} // namespace tailor::runtime
