#pragma once

#include <array>
#include <cstdint>

/// The project's only random number generator: Philox4x32-10, counter based, so a draw depends on what it is
/// for and never on how many draws came before it, on the thread that makes it, or on the batch it sits in.
///
///   counter = (block within the row, draw position of the row, epoch, pass | view << 8 | inner << 16)
///   key     = (seed_lo ^ op_id * 0x9E3779B9, seed_hi ^ stream * 0x85EBCA6B)
///
/// A block is four words. Element e of a row has word e / 16 % 4 of block e / 64 * 16 + e % 16:
///
///   uniform   = (word >> 8) * 2^-24                                                      in [0, 1)
///   bernoulli = word < probability * 2^32
///   normal    = sqrt(-2 ln(1 - uniform(words[2 h]))) * cos(2 pi uniform(words[2 h + 1])) for word 2 h,
///               the same with sin for word 2 h + 1
///
/// So 64 neighbours share 16 blocks: a vector of 16 blocks is four vectors of neighbours, one of 8 four halves of them,
/// with no word left over and none moved between lanes, while the place of a draw still depends on its column alone.
/// Every back end computes these words; this header is their definition (docs/architecture.md, section 3).
/// Source    Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
namespace tailor::runtime {

/// Version of what a step draws, as written above: artifacts and checkpoints carry it, because another version trains
/// other bits. 1 gave each element the first word of a block of its own.
inline constexpr std::uint32_t kRandomVersion = 2;

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// The ten rounds. Arithmetic is modulo 2^32; a round multiplies words 0 and 2 and swaps in the key.
[[nodiscard]] constexpr PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0], product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

/// The well-known control field `rng` (4 x i32, read as unsigned).
struct RngState {
  std::uint32_t seed_lo = 0, seed_hi = 0, epoch = 0;
  std::uint32_t draw_position = 0; ///< position in the epoch of row 0 of the batch; row n adds n
};

/// What a draw is for, beside where it is: the attributes and operands of `tailor.rng_key`.
struct RngPurpose {
  std::uint32_t op_id = 0, stream = 0;
  std::uint32_t pass =
      0; ///< below 256: 0 is the first pass of a SAM step (and both under same_rng), 1 the second
  std::uint32_t view = 0;  ///< below 256
  std::uint32_t inner = 0; ///< below 65536: iteration of an enclosing `tailor.repeat`
};

/// Neighbours that one word of a vector of blocks serves, and those that all four do.
inline constexpr std::uint32_t kWordRun = 16, kBlockRun = 4 * kWordRun;

/// Where the word of an element is.
struct DrawPlace {
  std::uint32_t block, word;
};
[[nodiscard]] constexpr DrawPlace draw_place(std::uint32_t element) {
  return {element / kBlockRun * kWordRun + element % kWordRun, element / kWordRun % 4};
}

/// The value of `tailor.rng_key`: everything of (counter, key) that is common to a batch.
struct RandomKey {
  std::uint32_t draw_position = 0, epoch = 0, pass_view_inner = 0;
  PhiloxKey key{};

  /// The four words of a block of one row.
  [[nodiscard]] constexpr PhiloxCounter block(std::uint32_t row, std::uint32_t index) const {
    return philox4x32_10({index, draw_position + row, epoch, pass_view_inner}, key);
  }
  /// The word of one element of one row.
  [[nodiscard]] constexpr std::uint32_t word(std::uint32_t row, std::uint32_t element) const {
    const DrawPlace place = draw_place(element);
    return block(row, place.block)[place.word];
  }
  /// tensor<8xi32> as the dialect carries it: counter.y, z, w, key.x, key.y, 0, 0, 0.
  [[nodiscard]] constexpr std::array<std::uint32_t, 8> packed() const {
    return {draw_position, epoch, pass_view_inner, key[0], key[1], 0, 0, 0};
  }
};

[[nodiscard]] constexpr RandomKey make_random_key(const RngState& rng, const RngPurpose& purpose) {
  return {rng.draw_position,
          rng.epoch,
          purpose.pass | purpose.view << 8 | purpose.inner << 16,
          {rng.seed_lo ^ purpose.op_id * 0x9E3779B9u, rng.seed_hi ^ purpose.stream * 0x85EBCA6Bu}};
}

/// In [0, 1), a multiple of 2^-24: exact in f32, so all back ends and element types agree to the bit.
[[nodiscard]] constexpr float uniform_from_word(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

/// True with `probability`, in [0, 1].
[[nodiscard]] constexpr bool bernoulli_from_word(std::uint32_t word, double probability) {
  return static_cast<double>(word) < probability * 0x1p32;
}

} // namespace tailor::runtime
