#include "tools/tailor/ceilings.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace tailor::tools {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Bodies that are inlined into functions of one instruction set each: the program itself runs on any x86-64.
template <typename V, int lanes> [[gnu::always_inline]] inline double peak_of() {
  constexpr int kChains = 12; // hides the latency of 4 cycles at 2 a cycle, fits 16 registers
  constexpr int kRounds = 1 << 20;
  V sums[kChains], a, b;
  for (int lane = 0; lane < lanes; ++lane)
    a[lane] = 0.999f, b[lane] = 1e-3f;
  for (V& sum : sums)
    sum = b;
  double best = 0;
  for (int repeat = 0; repeat < 8; ++repeat) {
    const Clock::time_point start = Clock::now();
    for (int round = 0; round < kRounds; ++round) {
      for (V& sum : sums)
        sum = sum * a + b;
    }
    asm volatile("" : : "m"(sums) :);
    best = std::max(best, 2.0 * lanes * kChains * kRounds / seconds_since(start));
  }
  return best;
}

template <typename V, int lanes>
[[gnu::always_inline]] inline void read_of(const float* buffer, std::int64_t count) {
  typedef V Unaligned __attribute__((aligned(4)));
  V sums[4] = {};
  for (std::int64_t i = 0; i + 4 * lanes <= count; i += 4 * lanes)
    for (int part = 0; part < 4; ++part)
      sums[part] += *reinterpret_cast<const Unaligned*>(buffer + i + part * lanes);
  asm volatile("" : : "m"(sums) :);
}

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

[[gnu::target("avx512f,fma")]] double peak_avx512() {
  return peak_of<Vector16, 16>();
}
[[gnu::target("avx2,fma")]] double peak_avx2() {
  return peak_of<Vector8, 8>();
}
[[gnu::target("avx512f,fma")]] void read_avx512(const float* buffer, std::int64_t count) {
  read_of<Vector16, 16>(buffer, count);
}
[[gnu::target("avx2,fma")]] void read_avx2(const float* buffer, std::int64_t count) {
  read_of<Vector8, 8>(buffer, count);
}
void read_any(const float* buffer, std::int64_t count) {
  read_of<Vector4, 4>(buffer, count);
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f");
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

} // namespace

double peak_flops() {
  if (has_avx512()) return peak_avx512();
  return has_avx2() ? peak_avx2() : peak_of<Vector4, 4>();
}

double read_bandwidth(std::int64_t bytes) {
  const auto read = has_avx512() ? read_avx512 : has_avx2() ? read_avx2 : read_any;
  const std::vector<float> buffer(static_cast<std::size_t>(bytes) / sizeof(float), 1.0f);
  const auto count = static_cast<std::int64_t>(buffer.size());
  const std::int64_t rounds =
      std::max<std::int64_t>(1, (std::int64_t{16} << 20) / std::max<std::int64_t>(bytes, 1));
  double best = 0;
  for (int repeat = 0; repeat < 10; ++repeat) {
    const Clock::time_point start = Clock::now();
    for (std::int64_t round = 0; round < rounds; ++round)
      read(buffer.data(), count);
    best = std::max(best, static_cast<double>(rounds * bytes) / seconds_since(start));
  }
  return best;
}

} // namespace tailor::tools
