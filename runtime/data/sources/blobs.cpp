#include "runtime/data/random.h"
#include "runtime/data/sources/generated.h"

#include <cmath>
#include <numbers>

namespace tailor::runtime {
namespace {

/// The part of the random sequence behind those of the three splits, for what they share.
constexpr std::uint32_t kCentrePart = 3;

/// [K][D] points at distance `radius` from the origin (D = 1: `radius` apart).
std::vector<std::vector<double>> centres(const GeneratedSpec& spec, double radius) {
  const auto classes = static_cast<std::size_t>(spec.classes),
             dimensions = static_cast<std::size_t>(spec.dimensions);
  std::vector<std::vector<double>> points(classes, std::vector<double>(dimensions));
  DataRandom random(spec.seed, DataPurpose::kGenerate, 0, kCentrePart);
  for (std::size_t k = 0; k < classes; ++k) {
    std::vector<double>& point = points[k];
    if (dimensions == 1) {
      point[0] = radius * (static_cast<double>(k) - static_cast<double>(classes - 1) / 2);
      continue;
    }
    if (dimensions == 2) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(classes);
      point = {radius * std::cos(angle), radius * std::sin(angle)};
      continue;
    }
    double squares = 0;
    for (double& x : point) {
      x = random.normal();
      squares += x * x;
    }
    for (double& x : point)
      x *= radius / std::sqrt(squares);
  }
  return points;
}

} // namespace

Result<GeneratedRows> generate_blobs(const GeneratedSpec& spec, GeneratedPart part) {
  const std::int64_t per_class = rows_per_class(spec, part);
  TAILOR_RETURN_IF_ERROR(check_generated(spec, per_class), "blobs");
  GeneratedRows rows = empty_rows(per_class * spec.classes, spec.dimensions);
  const std::vector<std::vector<double>> points = centres(spec, spec.separation * spec.noise);
  DataRandom random(spec.seed, DataPurpose::kGenerate, 0, static_cast<std::uint32_t>(part));
  for (std::int64_t i = 0; i < per_class; ++i)
    for (std::int32_t label = 0; label < spec.classes; ++label) {
      for (std::size_t d = 0; d < rows.numeric.size(); ++d)
        rows.numeric[d].push_back(
            static_cast<float>(points[static_cast<std::size_t>(label)][d] + spec.noise * random.normal()));
      rows.label.push_back(label);
    }
  return rows;
}

namespace {

const Registered<SourceSpec> registered{
    {.name = "blobs",
     .text = "a Gaussian cloud for each class: any number of classes and dimensions",
     .source = "methods 13",
     .keys = GeneratedKeys::keys().specs(),
     .make = [](const SourceRequest& request) -> Result<std::shared_ptr<const DataSource>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(GeneratedSpec spec, GeneratedSpec::from(request.options));
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const GeneratedKeys keys, read_keys<GeneratedKeys>(request.options));
       spec.classes = static_cast<std::int32_t>(keys.classes);
       spec.dimensions = static_cast<std::int32_t>(keys.dimensions);
       return make_generated_source("blobs", spec, generate_blobs);
     }}};

} // namespace
} // namespace tailor::runtime
