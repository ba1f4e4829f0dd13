#include "runtime/base/memory_limit.h"

#include "runtime/base/file.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

/// A made-up /proc and /sys.
class MemoryLimit : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/memory_limit_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(make_folders((root_ + path).substr(0, (root_ + path).rfind('/'))).ok());
    ASSERT_TRUE(write_file_atomic(root_ + path, text).ok());
  }
  std::string root_;
};

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

TEST(MemoryLimitOfThisProcess, IsSomething) {
  EXPECT_GT(memory_limit(), std::uint64_t{1} << 20);
}

} // namespace
} // namespace tailor::runtime
