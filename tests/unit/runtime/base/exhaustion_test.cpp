#include "runtime/base/exhaustion.h"

#include "runtime/base/result.h"

#include <gmock/gmock.h>
#include <vector>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

TEST(Exhaustion, BecomesAStatus) {
  const Status no_memory =
      with_exhaustion_as_status("training 'x'", []() -> Status { throw std::bad_alloc(); });
  EXPECT_EQ(no_memory.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(no_memory.message(), "training 'x': out of memory");
  EXPECT_THAT(no_memory.hint(), HasSubstr("fewer rows"));
  const Result<int> too_long = with_exhaustion_as_status("predicting", []() -> Result<int> {
    std::vector<int> values;
    values.reserve(values.max_size() + 1);
    return 1;
  });
  EXPECT_EQ(too_long.status().code(), StatusCode::kResourceExhausted);
  const Status no_thread = with_exhaustion_as_status("training", []() -> Status {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again), "thread");
  });
  EXPECT_EQ(exit_code(no_thread), 1);
}

TEST(Exhaustion, LeavesEverythingElseAlone) {
  EXPECT_EQ(*with_exhaustion_as_status("adding", []() -> Result<int> { return 2; }), 2);
  EXPECT_EQ(with_exhaustion_as_status("reading", [] { return not_found("no file"); }).message(), "no file");
  EXPECT_THROW((void)with_exhaustion_as_status("x", []() -> Status { throw std::runtime_error("ours"); }),
               std::runtime_error);
}

} // namespace
} // namespace tailor::runtime
