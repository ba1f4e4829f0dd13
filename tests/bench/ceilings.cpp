#include "tests/bench/ceilings.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace tailor::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The widest vector this file is compiled for (it is built with -march=native).
#if defined(__AVX512F__)
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif
typedef float Vector __attribute__((vector_size(4 * kLanes)));

} // namespace

double peak_flops() {
  constexpr int kChains = 12; // hides the latency of 4 cycles at 2 a cycle, fits 16 registers
  constexpr int kRounds = 1 << 20;
  Vector sums[kChains], a, b;
  for (int lane = 0; lane < kLanes; ++lane)
    a[lane] = 0.999f, b[lane] = 1e-3f;
  for (Vector& sum : sums)
    sum = b;
  double best = 0;
  for (int repeat = 0; repeat < 8; ++repeat) {
    Clock::time_point start = Clock::now();
    for (int round = 0; round < kRounds; ++round) {
      for (Vector& sum : sums)
        sum = sum * a + b;
    }
    asm volatile("" : : "m"(sums) :);
    best = std::max(best, 2.0 * kLanes * kChains * kRounds / seconds_since(start));
  }
  return best;
}

double read_bandwidth(int64_t bytes) {
  std::vector<float> buffer(bytes / sizeof(float) + 4 * kLanes, 1.0f);
  const int64_t count = bytes / sizeof(float) / (4 * kLanes) * (4 * kLanes);
  double best = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    Clock::time_point start = Clock::now();
    constexpr int kRounds = 20;
    for (int round = 0; round < kRounds; ++round) {
      Vector sums[4] = {};
      for (int64_t i = 0; i < count; i += 4 * kLanes)
        for (int part = 0; part < 4; ++part)
          sums[part] +=
              *reinterpret_cast<const Vector __attribute__((aligned(4)))*>(&buffer[i + part * kLanes]);
      asm volatile("" : : "m"(sums) :);
    }
    best = std::max(best, kRounds * static_cast<double>(bytes) / seconds_since(start));
  }
  return best;
}

int64_t MlpStep::parameters() const {
  return (inputs + 1) * hidden + (hidden_layers - 1) * (hidden + 1) * hidden + (hidden + 1) * classes;
}

double MlpStep::flops() const {
  const double weights =
      static_cast<double>(inputs) * hidden + (hidden_layers - 1.0) * hidden * hidden + 1.0 * hidden * classes;
  return (sam ? 2 : 1) * (6.0 * batch * weights - 2.0 * batch * inputs * hidden);
}

double floor_seconds(const MlpStep& step) {
  const double state_bytes = 4.0 * step.parameters();
  const double passes = step.sam ? 17 : 10;
  const double working_set = state_bytes * (step.sam ? 5 : 4);
  return std::max(step.flops() / peak_flops(),
                  passes * state_bytes / read_bandwidth(static_cast<int64_t>(working_set)));
}

} // namespace tailor::bench
