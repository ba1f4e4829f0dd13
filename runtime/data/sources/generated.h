#pragma once
#include "runtime/data/source.h"
#include "runtime/options/generated_keys.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tailor::runtime {

/// A built-in set: deterministic by seed, any size, no file.
struct GeneratedSpec {
  std::int64_t train_per_class = GeneratedKeys{}.samples_per_class;
  std::int64_t val_per_class = GeneratedKeys{}.val_per_class;
  std::int64_t test_per_class = GeneratedKeys{}.test_per_class;
  std::int32_t classes = 2;
  std::int32_t dimensions = 2;
  double noise = GeneratedKeys{}.noise;
  double separation = GeneratedKeys{}.separation;
  std::uint64_t seed = 0;

  /// As the keys say; classes and dimensions stay.
  static Result<GeneratedSpec> from(const Options& options);
};

struct GeneratedRows {
  std::vector<std::vector<float>> numeric; ///< [D][rows]
  std::vector<std::int32_t> label;         ///< [rows], classes in turn: 0 1 .. K-1 0 1 ..
};

enum class GeneratedPart : std::uint32_t { kTrain = 0, kVal = 1, kTest = 2 };

/// two_moons  K = 2, D = 2: (cos t, sin t) and (1 - cos t, 1/2 - sin t), t uniform in [0, pi], plus
///            N(0, noise^2) on both axes
/// blobs      K clouds centre_k + N(0, noise^2 I) in D dimensions, |centre_k| = separation * noise; the
///            directions are evenly spaced angles 2 pi k / K for D = 2 and uniform on the sphere above;
///            for D = 1 the centres are separation * noise apart, symmetric about 0. So noise is the unit
///            of length of blobs: it scales everything alike and makes nothing easier or harder, which is
///            why recipes set it for two_moons only
///
/// Errors    kInvalidArgument: per_class < 1, classes outside 2..65536, dimensions outside 1..65536, noise or
///           separation negative or not finite, K * per_class * (D + 1) above 2^31 values.
Result<GeneratedRows> generate_two_moons(const GeneratedSpec& spec, GeneratedPart part);
Result<GeneratedRows> generate_blobs(const GeneratedSpec& spec, GeneratedPart part);

/// What the sets share: checks of a spec, rows a class of a part, memory for the rows.
Status check_generated(const GeneratedSpec& spec, std::int64_t per_class);
std::int64_t rows_per_class(const GeneratedSpec& spec, GeneratedPart part);
GeneratedRows empty_rows(std::int64_t num_rows, std::int32_t dimensions);

using Generator = std::function<Result<GeneratedRows>(const GeneratedSpec&, GeneratedPart)>;

/// The set as a source: columns x0, x1, ...; every split is generated on its own.
std::shared_ptr<const DataSource> make_generated_source(std::string name, const GeneratedSpec& spec,
                                                        Generator generator);

} // namespace tailor::runtime
