#include "runtime/exec/pool.h"

#include <array>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <vector>

namespace tailor::runtime {
namespace {

TEST(Pool, RunsEveryChunkOnce) {
  for (const int num_threads : {1, 2, 3, 5}) {
    Pool pool(num_threads);
    ASSERT_EQ(pool.num_threads(), num_threads);
    for (const std::uint32_t num_chunks : {0u, 1u, 2u, 7u, 100u, 4096u}) {
      std::vector<std::uint8_t> runs(
          num_chunks); // plain: a chunk run twice at once is a race the sanitizer sees
      pool.run(
          num_chunks,
          [](void* context, std::uint32_t chunk, std::uint32_t) {
            ++(*static_cast<std::vector<std::uint8_t>*>(context))[chunk];
          },
          &runs);
      for (const std::uint8_t count : runs)
        ASSERT_EQ(count, 1);
    }
  }
}

TEST(Pool, WorkersHaveTheirOwnNumbers) {
  constexpr int kThreads = 4;
  Pool pool(kThreads);
  struct Context {
    std::array<std::atomic<int>, kThreads> busy{};
    std::atomic<int> clashes{0};
  } context;
  for (int round = 0; round < 200; ++round)
    pool.run(
        64,
        [](void* pointer, std::uint32_t, std::uint32_t worker) {
          auto& c = *static_cast<Context*>(pointer);
          if (worker >= kThreads || c.busy[worker].fetch_add(1) != 0) c.clashes.fetch_add(1);
          c.busy[worker].fetch_sub(1);
        },
        &context);
  EXPECT_EQ(context.clashes.load(), 0);
}

/// Writes made by one command are seen by every chunk of the next, with and without sleeping in between.
TEST(Pool, CommandsFollowEachOther) {
  Pool pool(3);
  struct Context {
    std::vector<std::uint64_t> from, to;
  } context{std::vector<std::uint64_t>(257, 1), std::vector<std::uint64_t>(257)};
  constexpr int kRounds = 3000;
  for (int round = 0; round < kRounds; ++round) {
    pool.run(
        257,
        [](void* pointer, std::uint32_t chunk, std::uint32_t) {
          auto& c = *static_cast<Context*>(pointer);
          c.to[chunk] = c.from[256 - chunk] + 1;
        },
        &context);
    std::swap(context.from, context.to);
    if (round % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5)); // workers fall asleep
  }
  for (const std::uint64_t value : context.from)
    ASSERT_EQ(value, static_cast<std::uint64_t>(kRounds) + 1);
}

TEST(Pool, ComesAndGoes) {
  for (int round = 0; round < 100; ++round) {
    Pool pool(3);
    if (round % 2) {
      std::atomic<int> sum{0};
      pool.run(
          5,
          [](void* context, std::uint32_t, std::uint32_t) {
            static_cast<std::atomic<int>*>(context)->fetch_add(1);
          },
          &sum);
      ASSERT_EQ(sum.load(), 5);
    }
  }
}

} // namespace
} // namespace tailor::runtime
