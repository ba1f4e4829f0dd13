#include "runtime/options/schedule_keys.h"
#include "runtime/train/schedules/curves.h"
#include "runtime/train/schedules/period.h"

namespace tailor::runtime {
namespace {

struct CosineKeys {
  Period per = Period::kEpoch;

  static const KeySet<CosineKeys>& keys() {
    static const KeySet<CosineKeys> set{ScheduleKeys::key_prefix(), {period_key(&CosineKeys::per)}};
    return set;
  }
};

const Registered<ScheduleSpec> registered{
    {.name = "cosine",
     .text = "(1 + cos(pi e / E)) / 2 in epoch e of E",
     .source = "methods 4.3",
     .keys = CosineKeys::keys().specs(),
     .make = [](const ScheduleRequest& request) -> Result<ScheduleCurve> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const CosineKeys keys,
                                     read_keys<CosineKeys>(request.options, request.prefix));
       return ScheduleCurve{[per_step = keys.per == Period::kStep](const TrainingClock& clock) {
         const Progress progress(clock, per_step);
         return half_cosine(progress.done, progress.length);
       }};
     }}};

} // namespace
} // namespace tailor::runtime
