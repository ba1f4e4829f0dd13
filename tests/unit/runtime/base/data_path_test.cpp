#include "runtime/base/data_path.h"

#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

TEST(DataPath, AnotherFolderTakesThePlaceOfTheRecipes) {
  const std::string path = data_path_of("models/recipes", "cifar/./batches");
  EXPECT_EQ(locate_data("", path), "models/recipes/cifar/batches");
  EXPECT_EQ(locate_data("/mnt", path), "/mnt/cifar/batches");
  EXPECT_EQ(locate_data("/mnt", data_path_of("/home/me/recipes", "t.csv")), "/mnt/t.csv");
  EXPECT_EQ(locate_data("", data_path_of("../recipes", "../t.csv")), "../t.csv");
  EXPECT_EQ(locate_data("data", data_path_of("../recipes", "../t.csv")), "data/../t.csv");
}

TEST(DataPath, WhatHasNoFolderStaysAsItIs) {
  EXPECT_EQ(data_path_of("", "t.csv"), "t.csv");
  EXPECT_EQ(data_path_of(".", "t.csv"), "t.csv");
  EXPECT_EQ(data_path_of("recipes", "/abs/t.csv"), "/abs/t.csv");
  EXPECT_EQ(data_path_of("recipes", ""), "");
  EXPECT_EQ(locate_data("/mnt", "/abs/t.csv"), "/abs/t.csv");
  EXPECT_EQ(locate_data("/mnt", "t.csv"), "/mnt/t.csv"); // of a C++ program or the command line
  EXPECT_EQ(locate_data("/mnt", ""), "");
}

} // namespace
} // namespace tailor::runtime
