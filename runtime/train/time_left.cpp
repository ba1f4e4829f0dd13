#include "runtime/train/time_left.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

/// A timing forgets what is older than this or twice as long, so that the estimate follows a machine that becomes busy
/// or free, and an hour's pause of the process is over in the next hour.
constexpr double kMemorySeconds = 600;

/// A checkpoint before the first one was written: copied, hashed and written to the page cache.
constexpr double kCheckpointBytesPerSecond = 1e9;

/// Of one core, as in backend/cpu/CostModel: only their ratio matters here.
constexpr double kFlopsPerSecond = 50e9, kBytesPerSecond = 10e9;

} // namespace

double work_of(const Variant& variant, bool trains) {
  if (variant.commands.empty()) return static_cast<double>(variant.batch) * (trains ? 3 : 1);
  double seconds = 0;
  for (const Command& command : variant.commands)
    seconds += std::max(static_cast<double>(command.flops) / kFlopsPerSecond,
                        static_cast<double>(command.bytes_moved) / kBytesPerSecond);
  return seconds;
}

void TimeLeft::Timing::add(double more, double took) {
  if (seconds > kMemorySeconds) {
    pieces /= 2;
    seconds /= 2;
  }
  pieces += more;
  seconds += took;
}

void TimeLeft::plan(std::vector<Stage> stages, std::uint64_t state_bytes) {
  stages_ = std::move(stages);
  timings_.resize(stages_.size());
  state_bytes_ = state_bytes;
}

void TimeLeft::launched(std::int64_t stage, std::int64_t steps, double seconds) {
  StageTiming& timing = timings_[static_cast<std::size_t>(stage)];
  (is_first_launch_ ? timing.first_launch : timing.steps).add(static_cast<double>(steps), seconds);
  is_first_launch_ = false;
}

void TimeLeft::evaluated(std::int64_t stage, std::int64_t batches, double seconds) {
  if (batches > 0)
    timings_[static_cast<std::size_t>(stage)].batches.add(static_cast<double>(batches), seconds);
}

void TimeLeft::saved(double seconds) {
  checkpoints_.add(1, seconds);
}

std::optional<double> TimeLeft::work_rate(bool evaluation) const {
  double work = 0, seconds = 0;
  const auto add_steps = [&] {
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      work += stages_[i].step_work * timings_[i].best_steps().pieces;
      seconds += timings_[i].best_steps().seconds;
    }
  };
  const auto add_evaluations = [&] {
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      work += stages_[i].batch_work * timings_[i].batches.pieces;
      seconds += timings_[i].batches.seconds;
    }
  };
  evaluation ? add_evaluations() : add_steps();
  if (work <= 0 || seconds <= 0) evaluation ? add_steps() : add_evaluations();
  if (work <= 0 || seconds <= 0) return std::nullopt;
  return work / seconds;
}

double TimeLeft::step_seconds(std::size_t stage) const {
  if (const Timing& steps = timings_[stage].best_steps(); steps.pieces > 0) return steps.mean();
  const std::optional<double> rate = work_rate(/*evaluation=*/false);
  return rate ? stages_[stage].step_work / *rate : 0;
}

double TimeLeft::batch_seconds(std::size_t stage) const {
  if (const Timing& batches = timings_[stage].batches; batches.pieces > 0) return batches.mean();
  const std::optional<double> rate = work_rate(/*evaluation=*/true);
  return rate ? stages_[stage].batch_work / *rate : 0;
}

double TimeLeft::seconds_of_seed(const Position& position) const {
  const double checkpoint = checkpoints_.pieces > 0
                                ? checkpoints_.mean()
                                : static_cast<double>(state_bytes_) / kCheckpointBytesPerSecond;
  double all = 0;
  for (std::size_t i = static_cast<std::size_t>(std::max<std::int64_t>(position.stage, 0));
       i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    const bool here = static_cast<std::int64_t>(i) == position.stage;
    const std::int64_t steps = std::max<std::int64_t>(stage.steps - (here ? position.steps : 0), 0);
    if (here && steps == 0 && position.steps > 0 && i + 1 == stages_.size()) break; // finished
    const std::int64_t per_epoch = std::max<std::int64_t>(stage.steps_per_epoch, 1);
    const std::int64_t epochs = (stage.steps + per_epoch - 1) / per_epoch;
    const std::int64_t epochs_left = std::max<std::int64_t>(epochs - (here ? position.epochs : 0), 0);
    const double seconds =
        static_cast<double>(steps) * step_seconds(i) +
        static_cast<double>(epochs_left * stage.epoch_batches + stage.end_batches) * batch_seconds(i);
    double checkpoints = 1; // a stage ends with one
    if (stage.checkpoint_epochs > 0)
      checkpoints += static_cast<double>(epochs_left / stage.checkpoint_epochs);
    if (stage.checkpoint_seconds > 0) checkpoints += seconds / std::max(stage.checkpoint_seconds, checkpoint);
    all += seconds + checkpoints * checkpoint;
  }
  return all;
}

std::optional<double> TimeLeft::seconds(const Position& now) const {
  if (!work_rate(/*evaluation=*/false)) return std::nullopt;
  double all = seconds_of_seed(now);
  for (const Position& seed : later_)
    all += seconds_of_seed(seed);
  return all;
}

} // namespace tailor::runtime
