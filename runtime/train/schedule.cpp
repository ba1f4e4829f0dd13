#include "runtime/train/schedule.h"

#include "runtime/base/wording.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/schedule_keys.h"

namespace tailor::runtime {
namespace {

std::string name_key(std::string_view prefix) {
  return std::string(prefix) + "name";
}

} // namespace

Result<Schedule> Schedule::create(const Options& options, const std::string& prefix) {
  Schedule schedule;
  const ScheduleRequest request{options, prefix + "."};
  // Not set is not the default of recipes: a program's field without a schedule is constant.
  const std::string key = name_key(request.prefix);
  if (!options.has_value(key)) return schedule;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string name, options.get_string(key));
  const ScheduleSpec* spec = Registry<ScheduleSpec>::find(name);
  if (!spec)
    return invalid_argument("'", key, "': unknown schedule '", name, "', expected ",
                            listed(component_names(ScheduleSpec::kKind), " | "))
        .about(key);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(schedule.curve_, spec->make(request));
  return schedule;
}

std::string warmup_note(const Options& options) {
  const Result<RunKeys> run = read_keys<RunKeys>(options);
  const Result<Schedule> schedule = Schedule::create(options, std::string(ScheduleKeys::kPrefix));
  if (!run.ok() || !schedule.ok() || run->steps > 0) return ""; // whoever runs it says what is wrong
  const ScheduleCurve& curve = schedule->curve();
  if (curve.warmup_epochs == 0 || curve.warmup_epochs < static_cast<double>(run->epochs)) return "";
  return concat(curve.warmup_key, " is ", curve.warmup_epochs, " in a run of ", run->epochs,
                run->epochs == 1 ? " epoch" : " epochs", ": the rate never reaches its peak");
}

} // namespace tailor::runtime
