#include "frontend/optimizers/schedule.h"

#include "runtime/base/status.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/schedule_keys.h"

#include <algorithm>
#include <cmath>

namespace tailor {

using runtime::concat;
using runtime::OptionValue;

std::string schedule_prefix(const std::string& key) {
  const std::string schedule(runtime::ScheduleKeys::kPrefix);
  return key == runtime::key_name(&runtime::OptimizerKeys::lr) ? schedule : key + "." + schedule;
}

std::string problem_of(const Schedule& schedule) {
  if (!std::isfinite(schedule.peak)) return concat("has the peak ", schedule.peak);
  if (!(schedule.warmup_epochs >= 0 && std::isfinite(schedule.warmup_epochs)))
    return concat("has a warm-up of ", schedule.warmup_epochs, " epochs");
  if (!(schedule.factor >= 0 && schedule.factor <= 1))
    return concat("has the factor ", schedule.factor, ", which must be in [0, 1]");
  if (schedule.name == "step" && schedule.milestones.empty()) return "has no milestones: it is constant";
  for (std::size_t i = 0; i < schedule.milestones.size(); ++i)
    if (!(schedule.milestones[i] >= 0 && (i == 0 || schedule.milestones[i] > schedule.milestones[i - 1])))
      return concat("has the milestone ", schedule.milestones[i], "; milestones are ascending epochs from 0");
  if (schedule.name == "list" && schedule.values.empty()) return "has no values";
  for (std::size_t i = 0; i < schedule.values.size(); ++i)
    if (!std::isfinite(schedule.values[i])) return concat("has no finite number as value ", i);
  if (schedule.name == "pieces" && schedule.pieces.empty()) return "has no pieces";
  for (std::size_t i = 0; i < schedule.pieces.size(); ++i) {
    const double end = schedule.ends[i];
    if (schedule.pieces[i].name == "pieces") return concat("has pieces within piece ", i);
    if (const std::string problem = problem_of(schedule.pieces[i]); !problem.empty())
      return concat("has a piece ", i, " that ", problem);
    if (!(end > (i == 0 ? 0 : schedule.ends[i - 1]) && end <= 1))
      return concat("has a piece ", i, " that ends at ", end, " of the run; ends ascend from 0 to 1");
  }
  if (!schedule.ends.empty() && schedule.ends.back() != 1)
    return concat("ends at ", schedule.ends.back(), " of the run; its last piece must end at 1");
  return "";
}

std::vector<std::pair<std::string, OptionValue>> options_of(const Schedule& schedule) {
  const auto list = [](const std::vector<double>& numbers) {
    return OptionValue::List(numbers.begin(), numbers.end());
  };
  std::vector<std::pair<std::string, OptionValue>> options = {{"name", schedule.name},
                                                              {"warmup_epochs", schedule.warmup_epochs},
                                                              {"per", schedule.per_step ? "step" : "epoch"},
                                                              {"milestones", list(schedule.milestones)},
                                                              {"factor", schedule.factor}};
  if (!schedule.values.empty()) options.emplace_back("values", list(schedule.values));
  if (schedule.pieces.empty()) return options;
  OptionValue::List names, peaks;
  for (std::size_t i = 0; i < schedule.pieces.size(); ++i) {
    const Schedule& piece = schedule.pieces[i];
    names.push_back(piece.name);
    peaks.push_back(schedule.peak == 0 ? 0.0 : piece.peak / schedule.peak);
    for (auto& [key, value] : options_of(piece))
      if (key != "name") options.emplace_back(concat("piece", i, ".", key), std::move(value));
  }
  options.emplace_back("pieces", std::move(names));
  options.emplace_back("piece_ends", list(schedule.ends));
  options.emplace_back("piece_peaks", std::move(peaks));
  return options;
}

} // namespace tailor

namespace tailor::schedule {
namespace {

/// values / peak with the largest magnitude as peak.
Schedule of_values(const char* name, std::vector<double> values) {
  double peak = 0;
  for (const double value : values)
    peak = std::max(peak, std::abs(value));
  if (peak > 0)
    for (double& value : values)
      value /= peak;
  return {.name = name, .peak = peak, .values = std::move(values)};
}

} // namespace

Schedule constant(double value) {
  return {.name = "constant", .peak = value};
}

Schedule cosine(const CosineArgs& args) {
  return {.name = "cosine", .peak = args.peak, .per_step = args.per_step};
}

Schedule warmup_cosine(const WarmupCosineArgs& args) {
  return {.name = "warmup_cosine",
          .peak = args.peak,
          .warmup_epochs = args.warmup_epochs,
          .per_step = args.per_step};
}

Schedule step(const StepArgs& args) {
  return {.name = "step", .peak = args.peak, .milestones = args.milestones, .factor = args.factor};
}

Schedule ldam_step(double peak) {
  return {.name = "ldam_step", .peak = peak};
}
Schedule mislas_step(double peak) {
  return {.name = "mislas_step", .peak = peak};
}
Schedule sam_step(double peak) {
  return {.name = "sam_step", .peak = peak};
}

Schedule list(const std::vector<double>& values) {
  return of_values("list", values);
}

Schedule curve(const std::function<double(double progress)>& value, const CurveArgs& args) {
  std::vector<double> values;
  for (int i = 0; i < kCurvePoints; ++i)
    values.push_back(value(static_cast<double>(i) / (kCurvePoints - 1)));
  Schedule schedule = of_values("curve", std::move(values));
  schedule.per_step = args.per_step;
  return schedule;
}

Schedule pieces(const std::vector<Piece>& pieces) {
  Schedule schedule{.name = "pieces"};
  for (const Piece& piece : pieces) {
    schedule.peak = std::max(schedule.peak, std::abs(piece.schedule.peak));
    schedule.pieces.push_back(piece.schedule);
    schedule.ends.push_back(piece.end);
  }
  return schedule;
}

} // namespace tailor::schedule
