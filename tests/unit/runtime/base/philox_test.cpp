#include "runtime/base/philox.h"

#include <gtest/gtest.h>

#include <set>

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
  EXPECT_EQ(key.words(4, 11), philox4x32_10({11, 132, 3, 0x30201}, {expected[3], expected[4]}));
}

TEST(Philox, EveryFieldOfThePurposeChangesTheDraw) {
  std::set<std::uint32_t> words;
  for (const RngPurpose& purpose : {RngPurpose{}, RngPurpose{.op_id = 1}, RngPurpose{.stream = 1},
                                    RngPurpose{.pass = 1}, RngPurpose{.view = 1}, RngPurpose{.inner = 1}})
    words.insert(make_random_key({}, purpose).words(0, 0)[0]);
  words.insert(make_random_key({}, {}).words(1, 0)[0]);
  words.insert(make_random_key({}, {}).words(0, 1)[0]);
  EXPECT_EQ(words.size(), 8u);
}

TEST(Philox, UniformIsAMultipleOfTwoToTheMinus24BelowOne) {
  EXPECT_EQ(uniform_from_word(0), 0.0f);
  EXPECT_EQ(uniform_from_word(0xff), 0.0f);
  EXPECT_EQ(uniform_from_word(0x100), 0x1p-24f);
  EXPECT_EQ(uniform_from_word(0xffffffff), 1.0f - 0x1p-24f);
  EXPECT_LT(uniform_from_word(0xffffffff), 1.0f);
}

} // namespace
} // namespace tailor::runtime
