#include "runtime/data/generate.h"

#include "runtime/data/random.h"

#include <cmath>
#include <numbers>

namespace tailor::runtime {
namespace {

/// Parts of the random sequence: the three splits, then what they share.
constexpr std::uint32_t kCentrePart = 3;

Status check(const GeneratedSpec& spec, std::int64_t per_class) {
  constexpr std::int64_t kMaxSize = 65536, kMaxValues = std::int64_t{1} << 31;
  if (per_class < 1 || per_class > kMaxValues)
    return invalid_argument("a generated set of ", per_class, " rows a class, expected 1 to ", kMaxValues);
  if (spec.classes < 2 || spec.classes > kMaxSize)
    return invalid_argument("a generated set of ", spec.classes, " classes, expected 2 to ", kMaxSize);
  if (spec.dimensions < 1 || spec.dimensions > kMaxSize)
    return invalid_argument("a generated set of ", spec.dimensions, " dimensions, expected 1 to ", kMaxSize);
  if (!std::isfinite(spec.noise) || spec.noise < 0 || !std::isfinite(spec.separation) || spec.separation < 0)
    return invalid_argument("noise ", spec.noise, " and separation ", spec.separation,
                            ", expected finite numbers of at least 0");
  const std::int64_t rows = per_class * spec.classes; // below 2^47
  if (rows > kMaxValues / (spec.dimensions + 1))
    return invalid_argument("a generated set of ", rows, " rows x ", spec.dimensions,
                            " dimensions, expected at most ", kMaxValues, " values");
  return {};
}

std::int64_t rows_per_class(const GeneratedSpec& spec, GeneratedPart part) {
  switch (part) {
  case GeneratedPart::kTrain:
    return spec.train_per_class;
  case GeneratedPart::kVal:
    return spec.val_per_class;
  case GeneratedPart::kTest:
    break;
  }
  return spec.test_per_class;
}

GeneratedRows empty_rows(std::int64_t num_rows, std::int32_t dimensions) {
  GeneratedRows rows;
  rows.numeric.resize(static_cast<std::size_t>(dimensions));
  for (std::vector<float>& column : rows.numeric)
    column.reserve(static_cast<std::size_t>(num_rows));
  rows.label.reserve(static_cast<std::size_t>(num_rows));
  return rows;
}

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

Result<GeneratedRows> generate_two_moons(const GeneratedSpec& spec, GeneratedPart part) {
  GeneratedSpec moons = spec;
  moons.classes = moons.dimensions = 2;
  const std::int64_t per_class = rows_per_class(spec, part);
  TAILOR_RETURN_IF_ERROR(check(moons, per_class), "two_moons");
  GeneratedRows rows = empty_rows(2 * per_class, 2);
  DataRandom random(spec.seed, DataPurpose::kGenerate, 0, static_cast<std::uint32_t>(part));
  for (std::int64_t i = 0; i < per_class; ++i)
    for (std::int32_t label = 0; label < 2; ++label) {
      const double t = std::numbers::pi * random.uniform();
      const double x = label == 0 ? std::cos(t) : 1 - std::cos(t);
      const double y = label == 0 ? std::sin(t) : 0.5 - std::sin(t);
      rows.numeric[0].push_back(static_cast<float>(x + spec.noise * random.normal()));
      rows.numeric[1].push_back(static_cast<float>(y + spec.noise * random.normal()));
      rows.label.push_back(label);
    }
  return rows;
}

Result<GeneratedRows> generate_blobs(const GeneratedSpec& spec, GeneratedPart part) {
  const std::int64_t per_class = rows_per_class(spec, part);
  TAILOR_RETURN_IF_ERROR(check(spec, per_class), "blobs");
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

} // namespace tailor::runtime
