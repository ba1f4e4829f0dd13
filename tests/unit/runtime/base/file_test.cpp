#include "runtime/base/file.h"

#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <sys/stat.h>
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

TEST_F(FileTest, AMappingOutlivesAReplacement) {
  const std::string path = folder_ + "/a.txt";
  ASSERT_TRUE(write_file_atomic(path, "first").ok());
  const Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(write_file_atomic(path, "second").ok());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()), "first");
}

TEST_F(FileTest, EmptyFiles) {
  const std::string path = folder_ + "/empty";
  ASSERT_TRUE(write_file_atomic(path, "").ok());
  EXPECT_EQ(*read_file(path), "");
  const Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->bytes().empty());
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
  EXPECT_THAT(MappedFile::open(folder_ + "/none").status().message(), HasSubstr("/none"));
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
