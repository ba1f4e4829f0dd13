#pragma once

#include "frontend/nn/module.h"

#include "runtime/options/words.h"

#include <cstdint>

namespace tailor::nn {

enum class Activation : std::uint8_t { relu, gelu, silu };

Array activate(Activation kind, const Operand& x);

} // namespace tailor::nn

template <> struct tailor::runtime::Words<tailor::nn::Activation> {
  using Activation = tailor::nn::Activation;
  static constexpr std::pair<Activation, const char*> kAll[] = {
      {Activation::relu, "relu"}, {Activation::gelu, "gelu"}, {Activation::silu, "silu"}};
};
