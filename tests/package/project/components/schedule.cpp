// The rate halves every so many steps.
#include "runtime/train/schedule.h"
#include "runtime/options/key_set.h"
#include "runtime/options/schedule_keys.h"

#include <cmath>

namespace {

using namespace tailor::runtime;

struct HalvingKeys {
  double half_life = 100;

  static const KeySet<HalvingKeys>& keys() {
    static const KeySet<HalvingKeys> set{
        ScheduleKeys::key_prefix(),
        {key("half_life", &HalvingKeys::half_life,
             {.min = 0.1, .text = "steps in which schedule halving halves"})}};
    return set;
  }
};

const Registered<ScheduleSpec> registered{
    {.name = "halving",
     .text = "2^(-t / half_life)",
     .keys = HalvingKeys::keys().specs(),
     .make = [](const ScheduleRequest& request) -> Result<ScheduleCurve> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const HalvingKeys keys,
                                     read_keys<HalvingKeys>(request.options, request.prefix));
       return ScheduleCurve{[half_life = keys.half_life](const TrainingClock& clock) {
         return std::exp2(-static_cast<double>(clock.step) / half_life);
       }};
     }}};

} // namespace
