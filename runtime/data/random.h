#pragma once
#include "runtime/base/philox.h"

#include <cstdint>
#include <optional>
#include <span>

namespace tailor::runtime {

/// What a random number of the data side decides. The value is the Philox stream, apart from every stream a
/// program uses (those count up from 0), so data and training never share words.
enum class DataPurpose : std::uint32_t {
  kSplit = 0xDA7A0001,         ///< which rows go to train, val, test
  kSubset = 0xDA7A0002,        ///< which rows of a class a long tail keeps
  kClassOrder = 0xDA7A0003,    ///< shuffled class order of a long tail
  kPareto = 0xDA7A0004,        ///< class sizes of the pareto profile
  kEpochOrder = 0xDA7A0005,    ///< order of the rows within an epoch
  kQuantileNoise = 0xDA7A0006, ///< noise added before quantiles are fitted
  kGenerate = 0xDA7A0007,      ///< points of a generated set
  kAugment = 0xDA7A0008,       ///< what is done to an image
};

/// The word sequence of one (seed, purpose, epoch, part, op): a pure function of the five, so the order of an
/// epoch can be computed by any thread at any time. `part` separates classes, columns, splits or rows, `op` what is
/// done to them.
///
///   words 4i .. 4i+3 = philox4x32_10((i, part, epoch, 0),
///                                    (seed_lo ^ op * 0x9E3779B9, seed_hi ^ purpose * 0x85EBCA6B))
///
/// Not thread-safe: one object per thread.
class DataRandom {
public:
  DataRandom(std::uint64_t seed, DataPurpose purpose, std::uint32_t epoch = 0, std::uint32_t part = 0,
             std::uint32_t op = 0);

  std::uint32_t word();
  /// Unbiased in [0, n), n > 0 (Lemire 2019: multiply, reject the short remainder).
  std::uint32_t below(std::uint32_t n);
  /// In [0, 1), a multiple of 2^-53.
  double uniform();
  /// Standard normal. Two uniforms give two draws, sqrt(-2 ln(1 - u1)) times cos(2 pi u2), then sin(2 pi u2).
  double normal();
  /// Fisher-Yates from the end.
  void shuffle(std::span<std::int32_t> values);

private:
  RandomKey key_;
  std::uint32_t next_block_ = 0;
  std::uint32_t used_ = 4;
  PhiloxCounter words_{};
  std::optional<double> second_normal_;
};

/// The words that decide the order of an epoch's rows: what every sampler draws from.
DataRandom epoch_random(std::uint64_t seed, std::int64_t epoch);

} // namespace tailor::runtime
