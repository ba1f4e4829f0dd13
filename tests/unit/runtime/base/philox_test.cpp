#include "runtime/base/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace tailor::runtime {
namespace {

// The three known answers published with Random123 (kat_vectors, "philox4x32 10").
static_assert(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
              PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

TEST(Philox, RunTimeAgreesWithCompileTime) {
  volatile std::uint32_t zero = 0; // keeps the call out of constant evaluation
  const std::uint32_t word = zero;
  EXPECT_EQ(philox4x32_10({word, word, word, word}, {word, word})[0], 0x6627e8d5u);
}

TEST(Philox, KeyPacksPurposeAsTheArchitecturePageSays) {
  const RandomKey key = make_random_key({.seed_lo = 7, .seed_hi = 9, .epoch = 3, .draw_position = 128},
                                        {.op_id = 5, .stream = 2, .pass = 1, .view = 2, .inner = 3});
  const std::array<std::uint32_t, 8> expected{128, 3, 0x30201, 7u ^ 5u * 0x9E3779B9u, 9u ^ 2u * 0x85EBCA6Bu,
                                              0,   0, 0};
  EXPECT_EQ(key.packed(), expected);
  EXPECT_EQ(key.block(4, 11), philox4x32_10({11, 132, 3, 0x30201}, {expected[3], expected[4]}));
}

TEST(Philox, EveryFieldOfThePurposeChangesTheDraw) {
  std::set<std::uint32_t> words;
  for (const RngPurpose& purpose : {RngPurpose{}, RngPurpose{.op_id = 1}, RngPurpose{.stream = 1},
                                    RngPurpose{.pass = 1}, RngPurpose{.view = 1}, RngPurpose{.inner = 1}})
    words.insert(make_random_key({}, purpose).word(0, 0));
  words.insert(make_random_key({}, {}).word(1, 0));
  words.insert(make_random_key({}, {}).word(0, 1));
  EXPECT_EQ(words.size(), 8u);
}

TEST(Philox, UniformIsAMultipleOfTwoToTheMinus24BelowOne) {
  EXPECT_EQ(uniform_from_word(0), 0.0f);
  EXPECT_EQ(uniform_from_word(0xff), 0.0f);
  EXPECT_EQ(uniform_from_word(0x100), 0x1p-24f);
  EXPECT_EQ(uniform_from_word(0xffffffff), 1.0f - 0x1p-24f);
  EXPECT_LT(uniform_from_word(0xffffffff), 1.0f);
}

TEST(Philox, SixtyFourNeighboursShareSixteenBlocks) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> places;
  for (std::uint32_t element = 0; element < 200; ++element) {
    const DrawPlace place = draw_place(element);
    EXPECT_EQ(place.block, element / 64 * 16 + element % 16);
    EXPECT_EQ(place.word, element % 64 / 16);
    EXPECT_TRUE(places.insert({place.block, place.word}).second) << element;
  }
  const RandomKey key = make_random_key({.seed_lo = 7}, {.op_id = 5});
  EXPECT_EQ(key.word(3, 100), key.block(3, 16 + 4)[2]);
}

TEST(Philox, BernoulliComparesIntegers) {
  EXPECT_FALSE(bernoulli_from_word(0, 0.0));
  EXPECT_TRUE(bernoulli_from_word(0xffffffff, 1.0));
  EXPECT_TRUE(bernoulli_from_word(0x7fffffff, 0.5));
  EXPECT_FALSE(bernoulli_from_word(0x80000000, 0.5));
  EXPECT_TRUE(bernoulli_from_word(0, 0x1p-40));
  EXPECT_FALSE(bernoulli_from_word(1, 0x1p-40));
}

// --- how random masks are. The draws are fixed, so these pass always or never; the bounds are five standard deviations of
// truly random masks.

constexpr std::uint32_t kRows = 1024, kColumns = 256;
constexpr double kKeep = 0.9;

/// (mask - p) / sqrt(p (1 - p)): mean 0 and variance 1.
std::vector<double> standard_mask(const RngState& rng, const RngPurpose& purpose) {
  const RandomKey key = make_random_key(rng, purpose);
  std::vector<double> mask;
  for (std::uint32_t row = 0; row < kRows; ++row)
    for (std::uint32_t column = 0; column < kColumns; ++column)
      mask.push_back(((bernoulli_from_word(key.word(row, column), kKeep) ? 1.0 : 0.0) - kKeep) /
                     std::sqrt(kKeep * (1 - kKeep)));
  return mask;
}

/// Sum of a[i] b[i + shift] over its standard deviation if the two are independent.
double correlation(const std::vector<double>& a, const std::vector<double>& b, std::size_t shift = 0) {
  double sum = 0;
  for (std::size_t i = 0; i + shift < a.size(); ++i)
    sum += a[i] * b[i + shift];
  return sum / std::sqrt(static_cast<double>(a.size() - shift));
}

const RngState kRng{.seed_lo = 42, .seed_hi = 0, .epoch = 3, .draw_position = 4096};
const RngPurpose kPurpose{.op_id = 11};

TEST(PhiloxMask, MeansAndVariancesAreThoseOfBernoulli) {
  const std::vector<double> mask = standard_mask(kRng, kPurpose);
  double sum = 0;
  std::vector<double> rows(kRows), columns(kColumns);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    sum += mask[i];
    rows[i / kColumns] += mask[i] / std::sqrt(kColumns);
    columns[i % kColumns] += mask[i] / std::sqrt(kRows);
  }
  EXPECT_LT(std::fabs(sum / std::sqrt(static_cast<double>(mask.size()))), 5);
  // Sums of n squares of about normal numbers have mean n and variance 2 n.
  for (const std::vector<double>& sums : {rows, columns}) {
    double squares = 0;
    for (const double value : sums)
      squares += value * value;
    const auto n = static_cast<double>(sums.size());
    EXPECT_LT(std::fabs(squares - n), 5 * std::sqrt(2 * n)) << n << " sums";
  }
}

TEST(PhiloxMask, NeighboursAreIndependent) {
  const std::vector<double> mask = standard_mask(kRng, kPurpose);
  // The next lane, halves of a vector, words of one block, the next blocks, the next rows.
  for (const std::size_t shift : {1, 2, 3, 8, 15, 16, 17, 32, 48, 63, 64, 65, 128, 256, 512, 2560})
    EXPECT_LT(std::fabs(correlation(mask, mask, shift)), 5) << shift;
}

TEST(PhiloxMask, StepsPassesAndOpsAreIndependent) {
  const std::vector<double> mask = standard_mask(kRng, kPurpose);
  const auto against = [&](const RngState& rng, const RngPurpose& purpose) {
    return std::fabs(correlation(mask, standard_mask(rng, purpose)));
  };
  RngState later = kRng, next_epoch = kRng, other_seed = kRng;
  later.draw_position += kRows; // the batch behind this one
  next_epoch.epoch += 1;
  other_seed.seed_lo += 1;
  for (const RngState& rng : {later, next_epoch, other_seed})
    EXPECT_LT(against(rng, kPurpose), 5);
  RngPurpose next_op = kPurpose, other_stream = kPurpose, second_pass = kPurpose, other_view = kPurpose;
  next_op.op_id += 1;
  other_stream.stream = 1;
  second_pass.pass = 1;
  other_view.view = 1;
  for (const RngPurpose& purpose : {next_op, other_stream, second_pass, other_view})
    EXPECT_LT(against(kRng, purpose), 5);
}

TEST(PhiloxMask, EveryBitOfEveryWordIsFair) {
  const RandomKey key = make_random_key(kRng, kPurpose);
  constexpr std::uint32_t kBlocks = 1u << 16;
  int ones[4][32] = {};
  for (std::uint32_t block = 0; block < kBlocks; ++block) {
    const PhiloxCounter words = key.block(block / 64, block % 64);
    for (int word = 0; word < 4; ++word)
      for (int bit = 0; bit < 32; ++bit)
        ones[word][bit] += words[word] >> bit & 1;
  }
  for (const auto& word : ones)
    for (const int count : word)
      EXPECT_LT(std::fabs(count - kBlocks / 2.0), 5 * std::sqrt(kBlocks / 4.0));
}

} // namespace
} // namespace tailor::runtime
