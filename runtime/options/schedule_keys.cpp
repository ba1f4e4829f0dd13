#include "runtime/options/schedule_keys.h"

namespace tailor::runtime {

const KeySet<ScheduleKeys>& ScheduleKeys::keys() {
  static const KeySet<ScheduleKeys> set{
      "schedule.",
      {
          key("name", &ScheduleKeys::name,
              {.text = "learning rate over epochs; ldam_step and mislas_step drop at 80 and 90 % of the run, "
                       "sam_step at 30, 60 and 80 %",
               .source = "methods 4.3",
               .choices_of = "schedule"}),
          key("warmup_epochs", &ScheduleKeys::warmup_epochs,
              {.min = 0,
               .max = 1000000,
               .text = "linear warm-up; default: 5, or half the run where that is less",
               .source = "methods 4.3",
               .only_if = "schedule.name = warmup_cosine"}),
          key("per", &ScheduleKeys::per,
              {.text = "how often the rate changes",
               .source = "methods 4.3",
               .only_if = "schedule.name = warmup_cosine|cosine",
               .choices = {"epoch", "step"}}),
          key("milestones", &ScheduleKeys::milestones,
              {.min = 0,
               .max = kMaxCount,
               .text = "epochs at which step multiplies the rate",
               .only_if = "schedule.name = step"}),
          key("factor", &ScheduleKeys::factor,
              {.min = 0, .max = 1, .text = "factor of step", .only_if = "schedule.name = step"}),
      }};
  return set;
}

} // namespace tailor::runtime
