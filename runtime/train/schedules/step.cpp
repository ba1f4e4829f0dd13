#include "runtime/options/schedule_keys.h"
#include "runtime/train/schedules/curves.h"

namespace tailor::runtime {
namespace {

struct StepKeys {
  std::vector<double> milestones = {};
  double factor = 0.1;

  static const KeySet<StepKeys>& keys();
};

const KeySet<StepKeys>& StepKeys::keys() {
  static const KeySet<StepKeys> set{
      ScheduleKeys::key_prefix(),
      {
          key("milestones", &StepKeys::milestones,
              {.min = 0,
               .max = kMaxCount,
               .text = "epochs at which step multiplies the value",
               .type = KeyType::kInts}),
          key("factor", &StepKeys::factor, {.min = 0, .max = 1, .text = "factor of step"}),
      }};
  return set;
}

Result<ScheduleCurve> make(const ScheduleRequest& request) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const StepKeys keys, read_keys<StepKeys>(request.options, request.prefix));
  const std::string key = request.prefix + "milestones";
  if (keys.milestones.empty())
    return invalid_argument("'", request.prefix, "name' is step, but '", key,
                            "' is empty: the value is constant")
        .about(key)
        .with_hint("milestones = [160, 180] multiplies it by factor at these epochs");
  if (std::adjacent_find(keys.milestones.begin(), keys.milestones.end(), std::greater_equal<>()) !=
      keys.milestones.end())
    return invalid_argument("'", key, "' must be ascending epochs, not ",
                            request.options.find(key)->value.to_json())
        .about(key);
  return ScheduleCurve{[keys](const TrainingClock& clock) {
    const auto epoch = static_cast<double>(clock.epoch());
    const auto passed = std::count_if(keys.milestones.begin(), keys.milestones.end(),
                                      [&](double milestone) { return milestone <= epoch; });
    return std::pow(keys.factor, static_cast<double>(passed));
  }};
}

const Registered<ScheduleSpec> registered{{.name = "step",
                                           .text = "factor ^ (number of milestones <= e)",
                                           .source = "methods 4.3",
                                           .keys = StepKeys::keys().specs(),
                                           .make = make}};

} // namespace
} // namespace tailor::runtime
