#include "runtime/base/folder_lock.h"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

TEST(FolderLock, OneAtATime) {
  std::string folder = testing::TempDir() + "/folder_lock_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  {
    const Result<FolderLock> first = FolderLock::take(folder);
    ASSERT_TRUE(first.ok()) << first.status().message();
    const Result<FolderLock> second = FolderLock::take(folder);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.status().message(), "'" + folder + "' is in use by another run");
  }
  EXPECT_TRUE(FolderLock::take(folder).ok()) << "free again";
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "nothing is left behind";
  std::filesystem::remove_all(folder);
  EXPECT_EQ(FolderLock::take(folder).status().code(), StatusCode::kInvalidArgument);
}

} // namespace
} // namespace tailor::runtime
