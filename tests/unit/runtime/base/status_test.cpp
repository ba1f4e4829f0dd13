#include "runtime/base/result.h"

#include <gtest/gtest.h>
#include <memory>

namespace tailor::runtime {
namespace {

Result<int> read_shard(bool good) {
  if (good) return 41;
  return data_loss("shard has ", 41, " of ", 50, " records");
}

Result<int> open_dataset(bool good) {
  TAILOR_ASSIGN_OR_RETURN(const int records, read_shard(good), concat("reading '", "train-00003.bin", "'"));
  return records + 1;
}

Status train(bool good) {
  TAILOR_ASSIGN_OR_RETURN(const int records, open_dataset(good), "opening dataset 'cifar10-lt'");
  return records == 42 ? Status() : internal_error("lost ", 42 - records);
}

TEST(Status, ReadsOutsideIn) {
  EXPECT_TRUE(train(true).ok());
  const Status status = train(false);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(),
            "opening dataset 'cifar10-lt': reading 'train-00003.bin': shard has 41 of 50 records");
}

TEST(Status, HintsTravelAlong) {
  Status status = not_found("no 'a'").with_hint("say 'b'").with_context("looking");
  EXPECT_EQ(status.hint(), "say 'b'");
  EXPECT_EQ(status.message(), "looking: no 'a'");
}

TEST(Status, KeepsTheOptionItIsAbout) {
  const Status status = not_found("no column 'x'").about("data.label.column").with_context("looking");
  EXPECT_EQ(status.key(), "data.label.column");
  EXPECT_EQ(status.message(), "looking: no column 'x'");
  EXPECT_EQ(invalid_argument("x").key(), "");
}

TEST(Status, ExitCodes) {
  EXPECT_EQ(exit_code({}), 0);
  EXPECT_EQ(exit_code(invalid_argument("x")), 1);
  EXPECT_EQ(exit_code(incompatible("x")), 1);
  EXPECT_EQ(exit_code(internal_error("x")), 70);
}

TEST(Result, HoldsWhatOnlyMoves) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 3);
}

TEST(Concat, WritesNumbersShortest) {
  EXPECT_EQ(
      concat("x", 1, ' ', 0.1, ' ', -3LL, ' ', true, ' ', std::string("s"), ' ', 18446744073709551615ULL),
      "x1 0.1 -3 true s 18446744073709551615");
  EXPECT_EQ(concat(1048576.0, ' ', 1e6, ' ', -1.0, ' ', 0.0002, ' ', 0.1 + 0.2, ' ', 1e300),
            "1048576 1000000 -1 0.0002 0.30000000000000004 1e+300");
}

} // namespace
} // namespace tailor::runtime
