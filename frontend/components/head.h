#pragma once

#include "frontend/nn/linear.h"
#include "runtime/options/key_set.h"

#include <cstdint>
#include <memory>

namespace tailor {

/// What the last layer of a network gives.
enum class Head : std::uint8_t {
  linear, ///< <x, W_k> + b_k
  cosine  ///< the cosine of x and W_k (methods.md 2.4)
};

} // namespace tailor

template <> struct tailor::runtime::Words<tailor::Head> {
  static constexpr std::pair<tailor::Head, const char*> kAll[] = {{tailor::Head::linear, "linear"},
                                                                  {tailor::Head::cosine, "cosine"}};
};

namespace tailor {

/// The key model.head of every model that lists it and makes its last layer with make_head.
struct HeadKeys {
  Head head = Head::linear;

  static const runtime::KeySet<HeadKeys>& keys();
};

/// A last layer of `in` features and `out` logits; `linear` says how a linear one starts.
std::unique_ptr<nn::Layer> make_head(Head head, std::int64_t in, std::int64_t out,
                                     const nn::LinearOptions& linear = {});

} // namespace tailor
