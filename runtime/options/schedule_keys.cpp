#include "runtime/options/schedule_keys.h"

namespace tailor::runtime {

const KeySet<ScheduleKeys>& ScheduleKeys::keys() {
  static const KeySet<ScheduleKeys> set{key_prefix(),
                                        {
                                            key("name", &ScheduleKeys::name,
                                                {.text = "how the learning rate changes over the run",
                                                 .source = "methods 4.3",
                                                 .choices_of = "schedule"}),
                                        }};
  return set;
}

} // namespace tailor::runtime
