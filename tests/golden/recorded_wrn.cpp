// WRN-10-1 in both variants: wrn10_1.json and wrn10_1_raw.json.
#include "models/networks/wrn.h"
#include "tests/golden/recorded_program.h"

namespace tailor::golden {
namespace {

[[maybe_unused]] const bool added = [] {
  for (const auto& [name, variant] :
       {std::pair("wrn10_1", models::WrnVariant::activated), {"wrn10_1_raw", models::WrnVariant::raw}})
    add_recorded_images(name, [variant](const Recording& recording) {
      return std::make_unique<models::Wrn>(models::WrnOptions{.depth = 10,
                                                              .widen_factor = 1,
                                                              .channels = recording.input[2],
                                                              .num_classes = recording.num_classes(),
                                                              .variant = variant});
    });
  return true;
}();

} // namespace
} // namespace tailor::golden
