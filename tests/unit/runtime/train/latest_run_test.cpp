#include "runtime/train/latest_run.h"

#include "tests/unit/runtime/train/toy_program.h"

#include <filesystem>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

TEST(LatestRun, TheLinkFollowsTheLastFolder) {
  const TemporaryFolder folder;
  const std::string link = folder / "fraud-latest";
  for (const std::string name : {"fraud-1", "fraud-2"}) {
    ASSERT_TRUE(make_folders(folder / name).ok());
    ASSERT_TRUE(link_latest_run(folder / name, link).ok());
    EXPECT_EQ(std::filesystem::read_symlink(link), name) << "relative: the folder may be moved with its runs";
  }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("fraud-1", "fraud-2", "fraud-latest"));
  // A link that leads nowhere any more is one too.
  std::filesystem::remove_all(folder / "fraud-2");
  EXPECT_TRUE(link_latest_run(folder / "fraud-1", link).ok());
}

TEST(LatestRun, WhatIsNoLinkStays) {
  const TemporaryFolder folder;
  ASSERT_TRUE(make_folders(folder / "fraud-1").ok());
  ASSERT_TRUE(make_folders(folder / "fraud-latest").ok());
  EXPECT_THAT(link_latest_run(folder / "fraud-1", folder / "fraud-latest").message(),
              testing::HasSubstr("is no link and was left as it is"));
  EXPECT_FALSE(std::filesystem::is_symlink(folder / "fraud-latest"));
}

} // namespace
} // namespace tailor::runtime
