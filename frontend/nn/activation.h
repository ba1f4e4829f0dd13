#pragma once

#include "frontend/nn/module.h"

#include <string_view>

namespace tailor::nn {

enum class Activation : std::uint8_t { relu, gelu, silu };

Array activate(Activation kind, const Operand& x);
/// "relu" | "gelu" | "silu"; TraceError for any other word, with the choices.
Activation activation_from_name(std::string_view name, const Location& location = {});
std::string_view to_string(Activation activation);

} // namespace tailor::nn
