#include "backend/cpu/TaskQueue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>
#include <thread>

namespace tailor::backend {
namespace {

TEST(TaskQueue, RunsEveryTaskOnce) {
  std::atomic<int> sum = 0;
  TaskQueue queue(100);
  for (int i = 1; i <= 100; ++i)
    queue.push([&sum, i] { sum += i; });
  queue.finish();
  EXPECT_EQ(sum, 5050);
}

// Memory that runs out on a worker would end the process, unlike on the thread that asked for the work.
TEST(TaskQueue, WhatAWorkerThrowsReachesWhoWaits) {
  const std::thread::id here = std::this_thread::get_id();
  TaskQueue queue(2);
  std::atomic<bool> elsewhere = false;
  queue.push([&] {
    elsewhere = std::this_thread::get_id() != here;
    throw std::bad_alloc();
  });
  // With a worker it has thrown before this thread runs tasks itself; with one core there is none.
  for (int i = 0; i < 1000 && std::thread::hardware_concurrency() > 1 && !elsewhere; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_THROW(queue.finish(), std::bad_alloc);
  EXPECT_NO_THROW(queue.finish()) << "said once";
}

TEST(TaskQueue, OfSeveralTheFirstIsThrown) {
  for (int round = 0; round < 50; ++round) {
    TaskQueue queue(8);
    for (int i = 0; i < 8; ++i)
      queue.push([i] { throw i; });
    try {
      queue.finish();
      FAIL();
    } catch (int first) {
      EXPECT_EQ(first, 0);
    }
  }
}

// Who leaves by an error need not wait for work that nobody will use. For one task there are no threads.
TEST(TaskQueue, WhatNobodyWaitsForIsNotBegun) {
  bool ran = false;
  {
    TaskQueue queue(1);
    queue.push([&ran] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

} // namespace
} // namespace tailor::backend
