#include "runtime/base/file.h"

#include "runtime/base/process.h"

#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

class FileTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/file_test_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(FileTest, WritesWholeAndLeavesNoTemporary) {
  const std::string path = folder_ + "/a.txt";
  ASSERT_TRUE(write_file_atomic(path, "first").ok());
  ASSERT_TRUE(write_file_atomic(path, "second").ok());
  EXPECT_EQ(*read_file(path), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, TheTemporaryOfADeadProcessIsRemovedThatOfALivingOneStays) {
  const std::string path = folder_ + "/a.txt";
  for (const char* name : {"/a.txt.tmp12345", "/a.txt.tmp1x", "/b.txt.tmp12345"})
    ASSERT_TRUE(write_file_atomic(folder_ + name, "left behind").ok());
  const std::string used = folder_ + "/a.txt.tmp7";
  const int living = ::open(used.c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::flock(living, LOCK_EX), 0);
  ASSERT_TRUE(write_file_atomic(path, "new").ok());
  EXPECT_FALSE(file_exists(folder_ + "/a.txt.tmp12345"));
  EXPECT_TRUE(file_exists(folder_ + "/a.txt.tmp1x")) << "not a name of ours";
  EXPECT_TRUE(file_exists(folder_ + "/b.txt.tmp12345")) << "of another file";
  EXPECT_TRUE(file_exists(used));
  ::close(living);
}

TEST_F(FileTest, ThreadsMayWriteOneFile) {
  const std::string path = folder_ + "/a.txt";
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(write_file_atomic(path, std::string(1000, 'x')).ok());
    });
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(*read_file(path), std::string(1000, 'x'));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, PastTheLimitOnFileSizesIsAnError) {
  const std::string path = folder_ + "/a.txt";
  ASSERT_TRUE(write_file_atomic(path, "old").ok());
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small { 4096, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  prepare_process(); // ignores SIGXFSZ
  const Status status = write_file_atomic(path, std::string(10000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("File too large"));
  EXPECT_EQ(*read_file(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, EmptyFiles) {
  const std::string path = folder_ + "/empty";
  ASSERT_TRUE(write_file_atomic(path, "").ok());
  EXPECT_EQ(*read_file(path), "");
  EXPECT_TRUE(read_bytes(path)->empty());
}

TEST_F(FileTest, AFileEndsWhereReadingItEnds) {
  // The kernel says 0 bytes of this one.
  EXPECT_THAT(*read_file("/proc/self/status"), HasSubstr("Pid:"));
  EXPECT_THAT(read_file("/proc/self/status", 10).status().message(), HasSubstr("at most 10 are accepted"));
  const std::string large(100000, 'x');
  ASSERT_TRUE(write_file_atomic(folder_ + "/large", large).ok());
  EXPECT_EQ(*read_file(folder_ + "/large"), large);
}

TEST_F(FileTest, AFaultWhileReadingIsAnError) {
  const Status status = read_file("/proc/self/mem").status(); // EIO
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("cannot read '/proc/self/mem' after 0 bytes"));
}

TEST_F(FileTest, APipeThatNobodyWritesIsRefusedAtOnce) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(read_file(pipe).status().message(), HasSubstr("is not a regular file"));
  EXPECT_THAT(read_bytes("/dev/zero").status().message(), HasSubstr("is not a regular file"));
}

TEST_F(FileTest, WhatIsReadIsNotOverwritten) {
  ASSERT_TRUE(write_file_atomic(folder_ + "/r.toml", "x").ok());
  std::filesystem::create_hard_link(folder_ + "/r.toml", folder_ + "/hard");
  std::filesystem::create_symlink("r.toml", folder_ + "/soft");
  const InputFile input[] = {{"table", folder_ + "/none"}, {"recipe", folder_ + "/r.toml"}};
  for (const char* name : {"/r.toml", "/./r.toml", "/hard", "/soft"})
    EXPECT_THAT(check_output(folder_ + name, input).message(), HasSubstr("is the recipe")) << name;
  EXPECT_THAT(check_output(folder_ + "/soft", input).message(),
              HasSubstr("/soft' is the recipe '" + folder_ + "/r.toml' and would be overwritten"));
  EXPECT_TRUE(check_output(folder_ + "/other", input).ok());
  const InputFile device[] = {{"data", "/dev/null"}};
  EXPECT_TRUE(check_output("/dev/null", device).ok());
}

TEST_F(FileTest, FollowsALink) {
  ASSERT_TRUE(write_file_atomic(folder_ + "/target", "old").ok());
  std::filesystem::create_symlink("target", folder_ + "/link");
  ASSERT_TRUE(write_file_atomic(folder_ + "/link", "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "/link"));
  EXPECT_EQ(*read_file(folder_ + "/target"), "new");
  std::filesystem::create_symlink("nowhere", folder_ + "/dangling");
  EXPECT_EQ(write_file_atomic(folder_ + "/dangling", "x").code(), StatusCode::kNotFound);
}

TEST_F(FileTest, APipeTakesTheBytes) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(write_file_atomic(pipe, "through").ok());
  char got[16] = {};
  EXPECT_EQ(::read(reader, got, sizeof(got)), 7);
  EXPECT_STREQ(got, "through");
  ::close(reader);
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST_F(FileTest, ErrorsNameThePath) {
  EXPECT_EQ(read_file(folder_ + "/none").status().code(), StatusCode::kNotFound);
  EXPECT_THAT(read_bytes(folder_ + "/none").status().message(), HasSubstr("/none"));
  EXPECT_THAT(read_file(folder_).status().message(), HasSubstr("is not a regular file"));
  EXPECT_FALSE(write_file_atomic(folder_ + "/no/such/folder", "x").ok());
  ASSERT_TRUE(write_file_atomic(folder_ + "/ten", "0123456789").ok());
  EXPECT_THAT(read_file(folder_ + "/ten", 9).status().message(), HasSubstr("has 10 bytes, at most 9"));
}

TEST_F(FileTest, MakesFolders) {
  EXPECT_TRUE(make_folders(folder_ + "/a/b/c").ok());
  EXPECT_TRUE(make_folders(folder_ + "/a/b/c").ok());
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/a/b/c"));
  ASSERT_TRUE(write_file_atomic(folder_ + "/file", "x").ok());
  EXPECT_THAT(make_folders(folder_ + "/file").message(), HasSubstr("is not a folder"));
  EXPECT_FALSE(make_folders(folder_ + "/file/below").ok());
}

TEST(JoinPath, KeepsAbsolutePaths) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("a", "/b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

} // namespace
} // namespace tailor::runtime
