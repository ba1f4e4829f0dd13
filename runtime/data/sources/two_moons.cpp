#include "runtime/data/random.h"
#include "runtime/data/sources/generated.h"

#include <cmath>
#include <numbers>

namespace tailor::runtime {

Result<GeneratedRows> generate_two_moons(const GeneratedSpec& spec, GeneratedPart part) {
  GeneratedSpec moons = spec;
  moons.classes = moons.dimensions = 2;
  const std::int64_t per_class = rows_per_class(spec, part);
  TAILOR_RETURN_IF_ERROR(check_generated(moons, per_class), "two_moons");
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

namespace {

const Registered<SourceSpec> registered{
    {.name = "two_moons",
     .text = "two interleaved half circles: 2 classes, 2 dimensions",
     .source = "methods 13",
     .keys = GeneratedKeys::keys().specs(),
     .make = [](const SourceRequest& request) -> Result<std::shared_ptr<const DataSource>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const GeneratedSpec spec, GeneratedSpec::from(request.options));
       return make_generated_source("two_moons", spec, generate_two_moons);
     }}};

} // namespace
} // namespace tailor::runtime
