#pragma once

#include "frontend/graph/op_options.h"
#include "runtime/options/words.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tailor {

/// What a class-weighted loss is divided by (methods.md 2): the key `reduction` of methods that give class weights.
inline constexpr const char* kDivisorKey = "reduction";
inline std::string divisor_key(std::string_view method) {
  return "method." + std::string(method) + "." + kDivisorKey;
}

enum class Divisor : std::uint8_t { weighted_mean, batch_mean };

inline Reduction reduction_of(Divisor divisor) {
  return divisor == Divisor::batch_mean ? Reduction::batch_mean : Reduction::weighted_mean;
}

} // namespace tailor

template <> struct tailor::runtime::Words<tailor::Divisor> {
  using Divisor = tailor::Divisor;
  static constexpr std::pair<Divisor, const char*> kAll[] = {{Divisor::weighted_mean, "weighted_mean"},
                                                             {Divisor::batch_mean, "batch_mean"}};
};
