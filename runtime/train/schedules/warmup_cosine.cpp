#include "runtime/options/schedule_keys.h"
#include "runtime/train/schedules/curves.h"
#include "runtime/train/schedules/period.h"

#include <optional>

namespace tailor::runtime {
namespace {

struct WarmupCosineKeys {
  std::optional<double> warmup_epochs; ///< W
  Period per = Period::kEpoch;

  static const KeySet<WarmupCosineKeys>& keys();
};

const KeySet<WarmupCosineKeys>& WarmupCosineKeys::keys() {
  static const KeySet<WarmupCosineKeys> set{
      ScheduleKeys::key_prefix(),
      {
          key("warmup_epochs", &WarmupCosineKeys::warmup_epochs,
              {.min = 0,
               .max = 1000000,
               .text = "linear warm-up; default: 5, or half the run where that is less",
               .source = "methods 4.3"}),
          period_key(&WarmupCosineKeys::per),
      }};
  return set;
}

Result<ScheduleCurve> make(const ScheduleRequest& request) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const WarmupCosineKeys keys,
                                read_keys<WarmupCosineKeys>(request.options, request.prefix));
  const auto factor = [keys](const TrainingClock& clock) {
    const Progress progress(clock, keys.per == Period::kStep);
    const double warmup = keys.warmup_epochs ? *keys.warmup_epochs * progress.epoch
                                             : default_warmup(progress.length, progress.epoch);
    return progress.done < warmup ? std::min((progress.done + 1.0) / warmup, 1.0)
                                  : half_cosine(progress.done - warmup, progress.length - warmup);
  };
  return ScheduleCurve{factor, keys.warmup_epochs.value_or(0), request.prefix + "warmup_epochs"};
}

const Registered<ScheduleSpec> registered{
    {.name = "warmup_cosine",
     .text = "(e + 1) / W in the first W epochs, then (1 + cos(pi (e - W) / (E - W))) / 2",
     .source = "methods 4.3",
     .keys = WarmupCosineKeys::keys().specs(),
     .make = make}};

} // namespace
} // namespace tailor::runtime
