#include "runtime/train/schedules/values.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

struct ListKeys {
  std::vector<double> values = {};

  static const KeySet<ListKeys>& keys() {
    static const KeySet<ListKeys> set{ScheduleKeys::key_prefix(), {values_key(&ListKeys::values)}};
    return set;
  }
};

const Registered<ScheduleSpec> registered{
    {.name = "list",
     .text = "schedule.values[e] in epoch e; epochs past its end keep the last value",
     .keys = ListKeys::keys().specs(),
     .make = [](const ScheduleRequest& request) -> Result<ScheduleCurve> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const ListKeys keys,
                                     read_keys<ListKeys>(request.options, request.prefix));
       TAILOR_RETURN_IF_ERROR_AS_IS(check_values(request, keys.values, 1));
       return ScheduleCurve{[values = keys.values](const TrainingClock& clock) {
         return values[std::min(static_cast<std::size_t>(clock.epoch()), values.size() - 1)];
       }};
     }}};

} // namespace
} // namespace tailor::runtime
