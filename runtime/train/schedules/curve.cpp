#include "runtime/train/schedules/curves.h"
#include "runtime/train/schedules/period.h"
#include "runtime/train/schedules/values.h"

namespace tailor::runtime {
namespace {

struct CurveKeys {
  std::vector<double> values = {};
  Period per = Period::kEpoch;

  static const KeySet<CurveKeys>& keys() {
    static const KeySet<CurveKeys> set{ScheduleKeys::key_prefix(),
                                       {values_key(&CurveKeys::values), period_key(&CurveKeys::per)}};
    return set;
  }
};

/// values[0] at progress 0, the last at 1, linear between neighbours.
double interpolated(const std::vector<double>& values, double progress) {
  const double at = std::clamp(progress, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto left = std::min(static_cast<std::size_t>(at), values.size() - 2);
  return std::lerp(values[left], values[left + 1], at - static_cast<double>(left));
}

const Registered<ScheduleSpec> registered{
    {.name = "curve",
     .text = "linear between schedule.values, which lie at equal distances over the run",
     .keys = CurveKeys::keys().specs(),
     .make = [](const ScheduleRequest& request) -> Result<ScheduleCurve> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const CurveKeys keys,
                                     read_keys<CurveKeys>(request.options, request.prefix));
       TAILOR_RETURN_IF_ERROR_AS_IS(check_values(request, keys.values, 2));
       return ScheduleCurve{[keys](const TrainingClock& clock) {
         const Progress progress(clock, keys.per == Period::kStep);
         return interpolated(keys.values, progress.length > 0 ? progress.done / progress.length : 1.0);
       }};
     }}};

} // namespace
} // namespace tailor::runtime
