#include "backend/reference/Random.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace tailor::backend::reference {
namespace {

uint32_t word(const Tensor& x, int64_t i) {
  return static_cast<uint32_t>(x.integers()[i]);
}

/// Fills a tensor: function(words of the element's block, its word among them).
template <typename Function>
Tensor draw(const runtime::RandomKey& key, Element element, const Shape& shape, Function function) {
  Tensor y(element, shape);
  const int64_t rows = shape.empty() ? 1 : shape.front(), columns = rows == 0 ? 0 : y.size() / rows;
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t c = 0; c < columns; ++c) {
      const runtime::DrawPlace place = runtime::draw_place(static_cast<uint32_t>(c));
      y.set(n * columns + c, function(key.block(static_cast<uint32_t>(n), place.block), place.word));
    }
  return y;
}

} // namespace

runtime::RngState rngStateFrom(const Tensor& rng) {
  return {
      .seed_lo = word(rng, 0), .seed_hi = word(rng, 1), .epoch = word(rng, 2), .draw_position = word(rng, 3)};
}

runtime::RandomKey randomKeyFrom(const Tensor& key) {
  return {word(key, 0), word(key, 1), word(key, 2), {word(key, 3), word(key, 4)}};
}

Tensor toTensor(const runtime::RandomKey& key) {
  Tensor y(Element::i32, {8});
  const auto packed = key.packed();
  for (size_t i = 0; i < packed.size(); ++i)
    y.integers()[i] = static_cast<int32_t>(packed[i]);
  return y;
}

Tensor randomUniform(const runtime::RandomKey& key, Element element, const Shape& shape, double low,
                     double high) {
  return draw(key, element, shape, [=](const runtime::PhiloxCounter& words, uint32_t word) {
    return low + (high - low) * runtime::uniform_from_word(words[word]);
  });
}

Tensor randomNormal(const runtime::RandomKey& key, Element element, const Shape& shape, double mean,
                    double std) {
  return draw(key, element, shape, [=](const runtime::PhiloxCounter& words, uint32_t word) {
    const uint32_t first = word / 2 * 2;
    const double radius =
        std::sqrt(-2.0 * std::log1p(-static_cast<double>(runtime::uniform_from_word(words[first]))));
    const double angle = 2.0 * std::numbers::pi * runtime::uniform_from_word(words[first + 1]);
    return mean + std * radius * (word == first ? std::cos(angle) : std::sin(angle));
  });
}

Tensor bernoulli(const runtime::RandomKey& key, const Shape& shape, double probability) {
  return draw(key, Element::i1, shape, [=](const runtime::PhiloxCounter& words, uint32_t word) {
    return runtime::bernoulli_from_word(words[word], probability) ? 1.0 : 0.0;
  });
}

Tensor randomPermutation(const runtime::RandomKey& key, int64_t n, int64_t valid) {
  Tensor y(Element::i32, {n});
  auto& order = y.integers();
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.begin() + std::clamp<int64_t>(valid, 0, n), [&](int64_t a, int64_t b) {
    const uint32_t wordA = key.word(0, static_cast<uint32_t>(a));
    const uint32_t wordB = key.word(0, static_cast<uint32_t>(b));
    return wordA != wordB ? wordA < wordB : a < b;
  });
  return y;
}

} // namespace tailor::backend::reference
