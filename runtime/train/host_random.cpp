#include "runtime/train/host_random.h"

#include "runtime/base/philox.h"

#include <cmath>
#include <numbers>

namespace tailor::runtime {
namespace {

constexpr std::uint32_t kHostDomain =
    0x484F5354; // "HOST": apart from every counter of a training step and of init

double unit(std::uint32_t word) {
  return (static_cast<double>(word) + 0.5) * 0x1p-32;
}

/// Logarithm of a Gamma(alpha, 1) draw; an attempt is rejected with probability below 0.05.
double log_gamma_draw(double alpha, std::uint32_t step, std::uint32_t part, PhiloxKey key) {
  const bool boosted = alpha < 1.0;
  const double d = (boosted ? alpha + 1.0 : alpha) - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (std::uint32_t attempt = 0;; ++attempt) {
    const PhiloxCounter w = philox4x32_10({attempt, step, part, kHostDomain}, key);
    const double z = std::sqrt(-2.0 * std::log(unit(w[0]))) * std::cos(2.0 * std::numbers::pi * unit(w[1]));
    const double root = 1.0 + c * z;
    const double v = root * root * root;
    if (v <= 0 || std::log(unit(w[2])) >= 0.5 * z * z + d - d * v + d * std::log(v)) continue;
    return std::log(d * v) + (boosted ? std::log(unit(w[3])) / alpha : 0.0);
  }
}

PhiloxKey key_of(std::uint64_t mixed) {
  return {static_cast<std::uint32_t>(mixed), static_cast<std::uint32_t>(mixed >> 32)};
}

} // namespace

HostRandom::HostRandom(std::string_view field)
    : hash_(0xCBF29CE484222325u) { // FNV-1a: three lines in any language
  for (const char c : field)
    hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
}

double HostRandom::uniform(std::uint64_t seed, std::int64_t step) const {
  return double{uniform_from_word(
      philox4x32_10({0, static_cast<std::uint32_t>(step), 0, kHostDomain}, key_of(seed ^ hash_))[0])};
}

double HostRandom::beta(double alpha, std::uint64_t seed, std::int64_t step) const {
  const PhiloxKey key = key_of(seed ^ hash_);
  const double first = log_gamma_draw(alpha, static_cast<std::uint32_t>(step), 0, key);
  const double second = log_gamma_draw(alpha, static_cast<std::uint32_t>(step), 1, key);
  return 1.0 / (1.0 + std::exp(second - first));
}

} // namespace tailor::runtime
