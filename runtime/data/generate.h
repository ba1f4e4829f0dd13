#pragma once
#include "runtime/base/result.h"
#include "runtime/options/generated_keys.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tailor::runtime {

/// Built-in sets: deterministic by seed, any size, no file.
///
///   two_moons  K = 2, D = 2: (cos t, sin t) and (1 - cos t, 1/2 - sin t), t uniform in [0, pi], plus
///              N(0, noise^2) on both axes
///   blobs      K clouds centre_k + N(0, noise^2 I) in D dimensions, |centre_k| = separation * noise; the
///              directions are evenly spaced angles 2 pi k / K for D = 2 and uniform on the sphere above;
///              for D = 1 the centres are separation * noise apart, symmetric about 0. So noise is the unit
///              of length of blobs: it scales everything alike and makes nothing easier or harder, which is
///              why recipes set it for two_moons only
struct GeneratedSpec {
  std::int64_t train_per_class = GeneratedKeys{}.samples_per_class;
  std::int64_t val_per_class = GeneratedKeys{}.val_per_class;
  std::int64_t test_per_class = GeneratedKeys{}.test_per_class;
  std::int32_t classes = 2;
  std::int32_t dimensions = 2;
  double noise = GeneratedKeys{}.noise;
  double separation =
      GeneratedKeys{}.separation; ///< distance of the centres from the origin in standard deviations
  std::uint64_t seed = 0;
};

struct GeneratedRows {
  std::vector<std::vector<float>> numeric; ///< [D][rows]
  std::vector<std::int32_t> label;         ///< [rows], classes in turn: 0 1 .. K-1 0 1 ..
};

enum class GeneratedPart : std::uint32_t { kTrain = 0, kVal = 1, kTest = 2 };

/// Errors    kInvalidArgument: per_class < 1, classes outside 2..65536, dimensions outside 1..65536, noise or
///           separation negative or not finite, K * per_class * (D + 1) above 2^31 values.
Result<GeneratedRows> generate_two_moons(const GeneratedSpec& spec, GeneratedPart part);
Result<GeneratedRows> generate_blobs(const GeneratedSpec& spec, GeneratedPart part);

} // namespace tailor::runtime
