#include "runtime/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tailor::runtime {
namespace {

Result<ScheduleKind> kind_of(const std::string& name) {
  static constexpr std::pair<const char*, ScheduleKind> kKinds[] = {
      {"constant", ScheduleKind::kConstant},
      {"warmup_cosine", ScheduleKind::kWarmupCosine},
      {"cosine", ScheduleKind::kCosine},
      {"cosine_epoch", ScheduleKind::kCosine},
      {"step", ScheduleKind::kStep},
      {"ldam_step", ScheduleKind::kLdamStep},
      {"mislas_step", ScheduleKind::kMislasStep},
      {"sam_step", ScheduleKind::kSamStep}};
  for (const auto& [known, kind] : kKinds)
    if (name == known) return kind;
  return invalid_argument("unknown schedule '", name, "'");
}

constexpr double kWarmupEpochs = 5;

double half_cosine(double done, double length) {
  if (length <= 0) return 0;
  return 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(done / length, 1.0)));
}

/// Warm-up nobody gave a length: kWarmupEpochs, leaving at least half of the run to the rest.
double default_warmup(double length, double unit) {
  return std::min(kWarmupEpochs * unit, std::floor(length / 2));
}

/// Warm-up, then two drops at shares of the run. In whole numbers: 0.9 * 10 is not 9 in binary.
double stepped(std::int64_t epoch, std::int64_t num_epochs, double after_80_percent,
               double after_90_percent) {
  const double warmup = default_warmup(static_cast<double>(num_epochs), 1.0);
  if (static_cast<double>(epoch) < warmup) return static_cast<double>(epoch + 1) / warmup;
  if (10 * epoch >= 9 * num_epochs) return after_90_percent;
  return 10 * epoch >= 8 * num_epochs ? after_80_percent : 1.0;
}

} // namespace

Result<Schedule> Schedule::create(const Options& options, const std::string& prefix) {
  Schedule schedule;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string name, options.get_string(prefix + ".name", "constant"));
  TAILOR_ASSIGN_OR_RETURN(schedule.kind_, kind_of(name), concat("'", prefix, ".name'"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string per, options.get_string(prefix + ".per", "epoch"));
  if (per != "epoch" && per != "step")
    return invalid_argument("'", prefix, ".per' must be epoch or step, not '", per, "'");
  schedule.per_step_ = per == "step";
  if (options.has_value(prefix + ".warmup_epochs")) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(schedule.warmup_epochs_, options.get_number(prefix + ".warmup_epochs"));
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(schedule.decay_, options.get_number(prefix + ".factor", 0.1));
  if (const Option* milestones = options.find(prefix + ".milestones");
      milestones && milestones->value.as_list()) {
    for (const OptionValue& item : *milestones->value.as_list()) {
      const auto epoch = item.as_number();
      if (!epoch || (!schedule.milestones_.empty() && *epoch <= schedule.milestones_.back()))
        return invalid_argument("'", prefix, ".milestones' must be ascending epochs, not ",
                                milestones->value.to_json());
      schedule.milestones_.push_back(*epoch);
    }
  }
  if (schedule.kind_ == ScheduleKind::kStep && schedule.milestones_.empty())
    return invalid_argument("'", prefix, ".name' is step, but '", prefix,
                            ".milestones' is empty: the rate is constant");
  return schedule;
}

std::string warmup_note(const Options& options) {
  const auto number = [&](const char* key) {
    return options.get_number(key, 0).ok() ? *options.get_number(key, 0) : 0;
  };
  const double warmup = number("schedule.warmup_epochs"), epochs = number("run.epochs");
  const Result<std::string> name = options.get_string("schedule.name", "");
  if (!name.ok() || *name != "warmup_cosine" || warmup < epochs || warmup == 0 || number("run.steps") > 0)
    return "";
  return concat("schedule.warmup_epochs is ", warmup, " in a run of ", epochs,
                epochs == 1 ? " epoch" : " epochs", ": the rate never reaches optimizer.lr");
}

double Schedule::factor(const TrainingClock& clock) const {
  const std::int64_t n = std::max<std::int64_t>(clock.steps_per_epoch, 1);
  const std::int64_t epoch = clock.step / n;
  const std::int64_t num_epochs = (clock.total_steps + n - 1) / n;
  // Progress, length and warm-up in the unit the rate changes in.
  const double done = static_cast<double>(per_step_ ? clock.step : epoch);
  const double length = static_cast<double>(per_step_ ? clock.total_steps : num_epochs);
  const double unit = per_step_ ? static_cast<double>(n) : 1.0;
  const double warmup = warmup_epochs_ ? *warmup_epochs_ * unit : default_warmup(length, unit);
  switch (kind_) {
  case ScheduleKind::kConstant:
    return 1.0;
  case ScheduleKind::kWarmupCosine:
    return done < warmup ? std::min((done + 1.0) / warmup, 1.0) : half_cosine(done - warmup, length - warmup);
  case ScheduleKind::kCosine:
    return half_cosine(done, length);
  case ScheduleKind::kStep:
    return std::pow(decay_,
                    static_cast<double>(std::count_if(milestones_.begin(), milestones_.end(), [&](double m) {
                      return m <= static_cast<double>(epoch);
                    })));
  case ScheduleKind::kLdamStep:
    return stepped(epoch, num_epochs, 1e-2, 1e-4);
  case ScheduleKind::kMislasStep:
    return stepped(epoch, num_epochs, 1e-1, 1e-2);
  case ScheduleKind::kSamStep: {
    // In whole numbers: 0.3 * 10 is not 3 in binary.
    int drops = 0;
    for (const std::int64_t tenths : {3, 6, 8})
      drops += 10 * epoch >= tenths * num_epochs;
    return std::pow(0.2, drops);
  }
  }
  return 1.0;
}

} // namespace tailor::runtime
