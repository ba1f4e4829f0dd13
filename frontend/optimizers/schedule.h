#pragma once

#include "runtime/base/options.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// A value that changes while training, described for the runtime, which evaluates it on the host and writes
/// it into the control block. Formulas: methods.md 4.3.
struct Schedule {
  std::string name; ///< as recipes write schedule.name
  double peak = 0;
  double warmup_epochs = 0;
  bool per_step = false;               ///< the epoch advances with every step, not only between epochs
  std::vector<double> milestones = {}; ///< step: epochs
  double factor = 0.1;                 ///< step: multiplied in at each milestone
  std::vector<double> values = {};     ///< list, curve: factors on the peak
  std::vector<Schedule> pieces = {};   ///< pieces: one after another
  std::vector<double> ends = {};       ///< pieces: share of the run at which each ends
};

/// Where the options of a field with option `key` have its schedule: "schedule" for optimizer.lr, else
/// "<key>.schedule".
std::string schedule_prefix(const std::string& key);

/// What the runtime would refuse when training starts, or read as something else: "has the peak nan"; "" if nothing.
std::string problem_of(const Schedule& schedule);

/// The options below the schedule's prefix that describe it: {"name", "cosine"}, {"per", "epoch"}, ...
std::vector<std::pair<std::string, runtime::OptionValue>> options_of(const Schedule& schedule);

namespace schedule {

struct CosineArgs {
  double peak = 0.1;
  bool per_step = false;
};
struct WarmupCosineArgs {
  double peak = 0.1;
  double warmup_epochs = 5;
  bool per_step = false;
};
struct StepArgs {
  double peak = 0.1;
  std::vector<double> milestones;
  double factor = 0.1;
};
struct CurveArgs {
  bool per_step = false;
};
struct Piece {
  double end; ///< share of the run at which it ends, in (0, 1]; the last is 1
  Schedule schedule;
};

Schedule constant(double value);
/// peak / 2 (1 + cos(pi e / E)).
Schedule cosine(const CosineArgs& args);
/// Linear to the peak over warmup_epochs, then cosine: the paper's schedule.
Schedule warmup_cosine(const WarmupCosineArgs& args);
/// peak * factor^(milestones passed).
Schedule step(const StepArgs& args);
/// The schedules of the LDAM (warm-up of 5 epochs, x 1e-2 and 1e-4 from 80 % and 90 % of the run), MiSLAS (the
/// same with 0.1 and 0.01) and SAM (x 0.2 at 30, 60, 80 %) code.
Schedule ldam_step(double peak);
Schedule mislas_step(double peak);
Schedule sam_step(double peak);
/// values[e] in epoch e; a run with more epochs keeps the last. Its peak, which --set may scale, is the largest
/// magnitude among them.
Schedule list(const std::vector<double>& values);
/// value(p) at progress p = e / E (per_step: step / steps) of the run, sampled now at kCurvePoints equal distances
/// and linear between: off by at most max |value''| / (8 (kCurvePoints - 1)^2). A jump becomes a slope over one of
/// the distances; `pieces` has jumps. The peak as in `list`.
Schedule curve(const std::function<double(double progress)>& value, const CurveArgs& args = {});
/// 1.9e-6 max |value''|, below the f32 resolution of a curve that bends once; 2 KB in the artifact.
inline constexpr int kCurvePoints = 257;
/// Schedules one after another, each as if its part of the run, rounded up to whole epochs, were the run:
/// pieces({{0.1, warmup_cosine(...)}, {1, constant(0.01)}}). The peak is the largest of theirs.
Schedule pieces(const std::vector<Piece>& pieces);

} // namespace schedule
} // namespace tailor
