#include "runtime/exec/pool.h"

#include <algorithm>
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
          [](void* context, std::uint32_t first, std::uint32_t last, std::uint32_t) {
            for (std::uint32_t chunk = first; chunk < last; ++chunk)
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
        [](void* pointer, std::uint32_t, std::uint32_t, std::uint32_t worker) {
          auto& c = *static_cast<Context*>(pointer);
          if (worker >= kThreads || c.busy[worker].fetch_add(1) != 0) c.clashes.fetch_add(1);
          c.busy[worker].fetch_sub(1);
        },
        &context);
  EXPECT_EQ(context.clashes.load(), 0);
}

/// Who asks first is given its fair share at once, on one thread everything; the last chunks come one by one.
TEST(Pool, GivesNeighboursTogether) {
  struct Run {
    std::uint32_t first, count;
  };
  auto runs_of = [](int num_threads, std::uint32_t num_chunks) {
    struct Context {
      std::array<std::vector<Run>, 2> runs;
    } context;
    Pool pool(num_threads);
    pool.run(
        num_chunks,
        [](void* pointer, std::uint32_t first, std::uint32_t last, std::uint32_t worker) {
          static_cast<Context*>(pointer)->runs[worker].push_back({first, last - first});
        },
        &context);
    std::vector<Run> all = context.runs[0];
    all.insert(all.end(), context.runs[1].begin(), context.runs[1].end());
    std::sort(all.begin(), all.end(), [](const Run& a, const Run& b) { return a.first < b.first; });
    std::vector<std::uint32_t> counts;
    for (const Run& run : all)
      counts.push_back(run.count);
    return counts;
  };
  EXPECT_EQ(runs_of(1, 16), std::vector<std::uint32_t>({16}));
  EXPECT_EQ(runs_of(2, 16), std::vector<std::uint32_t>({8, 4, 2, 1, 1}));
  EXPECT_EQ(runs_of(2, 3), std::vector<std::uint32_t>({1, 1, 1}));
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
        [](void* pointer, std::uint32_t first, std::uint32_t last, std::uint32_t) {
          auto& c = *static_cast<Context*>(pointer);
          for (std::uint32_t chunk = first; chunk < last; ++chunk)
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
          [](void* context, std::uint32_t first, std::uint32_t last, std::uint32_t) {
            static_cast<std::atomic<int>*>(context)->fetch_add(static_cast<int>(last - first));
          },
          &sum);
      ASSERT_EQ(sum.load(), 5);
    }
  }
}

} // namespace
} // namespace tailor::runtime
