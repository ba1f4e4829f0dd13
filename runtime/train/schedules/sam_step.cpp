#include "runtime/train/schedules/curves.h"

namespace tailor::runtime {
namespace {

const Registered<ScheduleSpec> registered{{.name = "sam_step",
                                           .text = "x 0.2 at 30, 60 and 80 % of the run",
                                           .source = "methods 4.3",
                                           .make = [](const ScheduleRequest&) -> Result<ScheduleCurve> {
                                             return ScheduleCurve{[](const TrainingClock& clock) {
                                               // In whole numbers: 0.3 * 10 is not 3 in binary.
                                               int drops = 0;
                                               for (const std::int64_t tenths : {3, 6, 8})
                                                 drops += 10 * clock.epoch() >= tenths * clock.num_epochs();
                                               return std::pow(0.2, drops);
                                             }};
                                           }}};

} // namespace
} // namespace tailor::runtime
