#include "runtime/train/stop_signal.h"

#include <csignal>
#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

/// As a process starts that nobody told to ignore anything; the tests themselves may run under nohup.
class StopSignalTest : public testing::Test {
protected:
  void SetUp() override {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
      std::signal(signal, SIG_DFL);
  }
  void TearDown() override { SetUp(); }
};
using StopSignalDeath = StopSignalTest;

TEST_F(StopSignalTest, EachAsksForAStop) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    const StopSignal stop;
    EXPECT_EQ(StopSignal::requested(), 0);
    std::raise(signal);
    EXPECT_EQ(StopSignal::requested(), signal) << signal_name(signal);
  }
  EXPECT_TRUE(is_ignored(SIGPIPE)) << "what is printed afterwards does not end the process";
}

TEST_F(StopSignalTest, AHangUpOrABrokenPipeIsNoInsisting) {
  const StopSignal stop; // as a terminal that closes, or a service manager, sends them
  for (const int signal : {SIGHUP, SIGHUP, SIGPIPE, SIGTERM, SIGHUP, SIGPIPE})
    std::raise(signal);
  EXPECT_EQ(StopSignal::requested(), SIGHUP);
}

TEST_F(StopSignalDeath, ASecondRequestEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const StopSignal stop;
        std::raise(SIGINT);
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST_F(StopSignalTest, WhatWasIgnoredStaysIgnored) {
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  {
    const StopSignal stop;
    std::raise(SIGINT);
    std::raise(SIGHUP);
    EXPECT_EQ(StopSignal::requested(), 0);
    EXPECT_TRUE(is_ignored(SIGINT));
  }
  EXPECT_TRUE(is_ignored(SIGHUP));
}

} // namespace
} // namespace tailor::runtime
