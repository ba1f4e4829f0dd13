#include "runtime/train/schedules/curves.h"

namespace tailor::runtime {
namespace {

const Registered<ScheduleSpec> registered{
    {.name = "mislas_step",
     .text = "a warm-up of 5 epochs, then x 0.1 and 0.01 from 80 and 90 % of the run",
     .source = "methods 4.3",
     .make = [](const ScheduleRequest&) -> Result<ScheduleCurve> {
       return ScheduleCurve{[](const TrainingClock& clock) { return stepped(clock, 1e-1, 1e-2); }};
     }}};

} // namespace
} // namespace tailor::runtime
