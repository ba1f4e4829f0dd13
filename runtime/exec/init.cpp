#include "runtime/exec/init.h"

#include "runtime/base/philox.h"

#define XXH_INLINE_ALL
#include <cmath>
#include <cstring>
#include <xxhash.h>

namespace tailor::runtime {
namespace {

constexpr std::uint32_t kInitDomain = 0x494E4954; // "INIT": apart from every counter a training step uses

class InitialDraws {
public:
  InitialDraws(const std::string& name, std::uint64_t seed) {
    const std::uint64_t mixed = seed ^ XXH3_64bits(name.data(), name.size());
    key_ = {static_cast<std::uint32_t>(mixed), static_cast<std::uint32_t>(mixed >> 32)};
  }
  double uniform(std::uint64_t element) const { return uniform_from_word(words(element, 0)[0]); }
  double normal(std::uint64_t element, std::uint32_t attempt) const {
    const PhiloxCounter w = words(element, attempt);
    constexpr double kTwoPi = 6.283185307179586476925;
    return std::sqrt(-2.0 * std::log(1.0 - double{uniform_from_word(w[0])})) *
           std::cos(kTwoPi * double{uniform_from_word(w[1])});
  }
  double truncated_normal(std::uint64_t element) const {
    // 64 failures in a row have probability 1e-85.
    for (std::uint32_t attempt = 0; attempt < 64; ++attempt)
      if (const double z = normal(element, attempt); std::fabs(z) <= 2.0) return z;
    return 0;
  }

private:
  PhiloxCounter words(std::uint64_t element, std::uint32_t attempt) const {
    return philox4x32_10({static_cast<std::uint32_t>(element), static_cast<std::uint32_t>(element >> 32),
                          attempt, kInitDomain},
                         key_);
  }
  PhiloxKey key_{};
};

double initial_element(const InitRule& rule, const InitialDraws& draws, std::uint64_t element) {
  switch (rule.kind) {
  case InitKind::kZeros:
  case InitKind::kCopyOf:
    return 0;
  case InitKind::kOnes:
    return 1;
  case InitKind::kConstant:
    return rule.value;
  case InitKind::kUniform:
    return (2.0 * draws.uniform(element) - 1.0) * rule.value;
  case InitKind::kNormal:
    return draws.normal(element, 0) * rule.value;
  case InitKind::kTruncatedNormal:
    return draws.truncated_normal(element) * rule.value;
  }
  return 0;
}

template <class T>
void fill(const InitRule& rule, const InitialDraws& draws, std::span<std::byte> destination) {
  for (std::size_t element = 0; element < destination.size() / sizeof(T); ++element) {
    const T value = static_cast<T>(initial_element(rule, draws, element));
    std::memcpy(destination.data() + element * sizeof(T), &value, sizeof(T));
  }
}

} // namespace

void write_initial_value(const ArtifactSpec& spec, const State& state, std::uint64_t seed,
                         std::span<std::byte> destination) {
  const InitialDraws draws(checkpoint_name(spec, state), seed);
  switch (state.dtype) {
  case DType::kF32:
    return fill<float>(state.init, draws, destination);
  case DType::kF64:
    return fill<double>(state.init, draws, destination);
  case DType::kI32:
    return fill<std::int32_t>(state.init, draws, destination);
  case DType::kI64:
    return fill<std::int64_t>(state.init, draws, destination);
  case DType::kBF16:
  case DType::kI1:
  case DType::kU8:
    return; // the reader refuses states of these types
  }
}

} // namespace tailor::runtime
