#include "runtime/data/random.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace tailor::runtime {

DataRandom::DataRandom(std::uint64_t seed, DataPurpose purpose, std::uint32_t epoch, std::uint32_t part,
                       std::uint32_t op)
    : key_(make_random_key(
          {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), epoch, part},
          {.op_id = op, .stream = static_cast<std::uint32_t>(purpose)})) {}

std::uint32_t DataRandom::word() {
  if (used_ == 4) {
    words_ = key_.block(0, next_block_++);
    used_ = 0;
  }
  return words_[used_++];
}

std::uint32_t DataRandom::below(std::uint32_t n) {
  std::uint64_t product = std::uint64_t{word()} * n;
  if (static_cast<std::uint32_t>(product) < n) {
    const std::uint32_t remainder = -n % n; // 2^32 mod n: this many low products would be counted twice
    while (static_cast<std::uint32_t>(product) < remainder)
      product = std::uint64_t{word()} * n;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

double DataRandom::uniform() {
  const std::uint64_t high = word() >> 5, low = word() >> 6;
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

double DataRandom::normal() {
  if (second_normal_) return *std::exchange(second_normal_, std::nullopt);
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform())), angle = 2.0 * std::numbers::pi * uniform();
  second_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void DataRandom::shuffle(std::span<std::int32_t> values) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[below(static_cast<std::uint32_t>(i))]);
}

DataRandom epoch_random(std::uint64_t seed, std::int64_t epoch) {
  return DataRandom(seed, DataPurpose::kEpochOrder, static_cast<std::uint32_t>(epoch));
}

} // namespace tailor::runtime
