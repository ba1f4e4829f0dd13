#include "runtime/base/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace tailor::runtime {
namespace {

// Pages taken from the kernel and given back to it: an allocator may keep what is freed, and the sanitizers' does.
TEST(ProcessMemory, GrowsByWhatIsTouched) {
  constexpr std::size_t kBytes = 64 << 20;
  const ProcessMemory before = process_memory();
  EXPECT_GT(before.resident, 0u);
  void* pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  for (std::size_t i = 0; i < kBytes; i += 4096)
    static_cast<volatile char*>(pages)[i] = 1;
  EXPECT_GE(process_memory().resident, before.resident + kBytes / 2)
      << "some of before may have been given back";
  // Kernels keep the peak with different care; while the memory is there all of them know it.
  EXPECT_GE(process_memory().peak, before.resident + kBytes / 2);
  ASSERT_EQ(munmap(pages, kBytes), 0);
  EXPECT_LT(process_memory().resident, before.resident + kBytes / 2) << "the pages are gone";
}

} // namespace
} // namespace tailor::runtime
