#pragma once
#include "runtime/base/file.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace tailor::runtime {

/// A made-up /proc and /sys under root_.
class MadeUpSystem : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/made_up_system_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(make_folders((root_ + path).substr(0, (root_ + path).rfind('/'))).ok());
    ASSERT_TRUE(write_file_atomic(root_ + path, text).ok());
  }
  std::string root_;
};

} // namespace tailor::runtime
