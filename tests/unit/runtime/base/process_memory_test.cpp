#include "runtime/base/process_memory.h"

#include <gtest/gtest.h>
#include <vector>

namespace tailor::runtime {
namespace {

TEST(ProcessMemory, GrowsByWhatIsTouched) {
  constexpr std::size_t kBytes = 64 << 20;
  const ProcessMemory before = process_memory();
  EXPECT_GT(before.resident, 0u);
  {
    std::vector<char> touched(kBytes);
    for (std::size_t i = 0; i < kBytes; i += 4096)
      static_cast<volatile char&>(touched[i]) = 1; // an array that nobody reads would not be made
    EXPECT_GE(process_memory().resident, before.resident + kBytes / 2)
        << "some of before may have been given back";
    // Kernels keep the peak with different care; while the memory is there all of them know it.
    EXPECT_GE(process_memory().peak, before.resident + kBytes / 2);
  }
  EXPECT_LT(process_memory().resident, before.resident + kBytes / 2) << "the vector is gone";
}

} // namespace
} // namespace tailor::runtime
