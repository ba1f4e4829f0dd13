#include "runtime/train/trainer.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/entry_names.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/metrics/summary.h"
#include "runtime/train/stop_signal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <unistd.h>

namespace tailor::runtime {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// An element of a metric, as the row holds it.
double metric_of(const std::byte* row, const MetricField& field, std::uint32_t element) {
  const std::byte* place = row + field.offset + element * dtype_bytes(field.dtype);
  switch (field.dtype) {
  case DType::kF32: {
    float value = 0;
    std::memcpy(&value, place, sizeof(value));
    return value;
  }
  case DType::kF64: {
    double value = 0;
    std::memcpy(&value, place, sizeof(value));
    return value;
  }
  case DType::kI32: {
    std::int32_t value = 0;
    std::memcpy(&value, place, sizeof(value));
    return value;
  }
  default: {
    std::int64_t value = 0;
    std::memcpy(&value, place, sizeof(value));
    return static_cast<double>(value);
  }
  }
}

} // namespace

Status Trainer::resume_from(const Checkpoint& checkpoint) {
  if (checkpoint.record.seed != setup_.trainer.seed)
    return incompatible("'", last_path(setup_.trainer.folder), "' is of seed ", checkpoint.record.seed,
                        ", its folder is of seed ", setup_.trainer.seed);
  const std::string path = last_path(setup_.trainer.folder);
  if (checkpoint.record.train_hash != record_.train_hash)
    return incompatible("the training split has other rows than the one '", path,
                        "' was trained on: the data or data.* options changed");
  const auto other_rows = [&](const char* split, const char* use) {
    return incompatible("the ", split, " split has other rows than the one '", path, "' ", use,
                        ": the data or data.* options changed")
        .with_hint("put the rows back; other rows need a run of their own, with another --out, and finished "
                   "weights are measured on them by eval --data");
  };
  if (checkpoint.record.val_hash != record_.val_hash)
    return other_rows("validation", "was measured on so far");
  if (checkpoint.record.test_hash != record_.test_hash) return other_rows("test", "was begun with");
  TAILOR_RETURN_IF_ERROR_AS_IS(restore(setup_.executor, checkpoint));
  record_ = checkpoint.record;
  // best.safetensors.next was written before this checkpoint and would have been renamed after it.
  const std::string best = best_path(setup_.trainer.folder), next = best + ".next";
  const auto is_best = [&](const std::string& file) {
    const Result<Checkpoint> candidate = load_checkpoint(setup_.executor, file, CheckpointUse::kWeights);
    return candidate.ok() && candidate->record.best == record_.best;
  };
  if (file_exists(next)) {
    if (is_best(next)) {
      if (::rename(next.c_str(), best.c_str()) != 0)
        return invalid_argument("cannot rename '", next, "': ", std::strerror(errno));
      return {};
    }
    ::unlink(next.c_str()); // of an epoch this run will reach again
  }
  if (record_.best.epoch >= 0 && !is_best(best)) {
    setup_.warnings.say(concat("the weights of the best epoch so far (", record_.best.epoch + 1,
                               ") are not in '", best, "': the best epoch is searched anew from here"));
    forget_best();
  }
  return {};
}

void Trainer::forget_best() {
  record_.best = {};
  record_.best_val.clear();
  record_.best_test.clear();
}

double Trainer::share_of_rows(const StageRun::Reported& report, const std::byte* metrics) const {
  if (report.count < 0) return 1;
  const StageRun::Reported& count = run_->reports[static_cast<std::size_t>(report.count)];
  return metric_of(metrics, *count.field, count.element);
}

Status Trainer::take_reports(const std::byte* metrics, std::int32_t valid, std::int64_t step) {
  if (record_.epoch_sums.size() != run_->reports.size()) { // an epoch begins
    record_.epoch_sums.clear();
    for (const StageRun::Reported& report : run_->reports)
      record_.epoch_sums.emplace_back(report.name, 0.0);
  }
  for (std::size_t i = 0; i < run_->reports.size(); ++i) {
    const StageRun::Reported& report = run_->reports[i];
    const double value = metric_of(metrics, *report.field, report.element);
    if (!std::isfinite(value)) return diverged(report.name, value, step);
    constexpr double kRounding = 1e-5; // a share may be a sum of those of micro-batches
    if (report.is_count && !(value >= 0 && value <= 1 + kRounding))
      return invalid_argument("'", report.name, "' of step ", step + 1, " is ", value,
                              ", the share of rows that a report is of lies between 0 and 1");
    const double rows = valid * share_of_rows(report, metrics);
    if (report.name == "loss" && rows > 0) {
      last_loss_ = value;
      if (!first_loss_) first_loss_ = value;
    }
    record_.epoch_sums[i].second = record_.epoch_sums[i].second.value_or(0) + value * rows;
  }
  record_.epoch_rows += valid;
  return {};
}

Status Trainer::log_step(const std::byte* metrics, std::int64_t step) {
  OptionValue::Table line = {{"stage", OptionValue(run_->stage->name)}, {"step", OptionValue(step + 1)}};
  if (run_->learning_rate) line.emplace_back("lr", OptionValue(*run_->learning_rate));
  for (const StageRun::Reported& report : run_->reports) {
    if (report.is_count) continue;
    std::optional<double> value;
    if (share_of_rows(report, metrics) > 0) value = metric_of(metrics, *report.field, report.element);
    line.emplace_back("step/" + report.name, json_number(value));
  }
  if (const std::optional<double> left = seconds_left())
    line.emplace_back("seconds_left", OptionValue(std::round(*left)));
  return log_->write(OptionValue(std::move(line)));
}

Status Trainer::diverged(const std::string& name, double value, std::int64_t step) const {
  return invalid_argument("'", name, "' is ", std::isnan(value) ? "not a number" : "infinite", " at step ",
                          step + 1, " (epoch ", record_.epoch + 1, "); ",
                          last_loss_ ? concat("the last finite loss was ", *last_loss_)
                                     : "no loss was finite before it")
      .with_hint(concat(run_->learning_rate ? concat("lower optimizer.lr (", *run_->learning_rate,
                                                     " at that step) or lengthen schedule.warmup_epochs; ")
                                            : std::string("lower the learning rate; "),
                        "--trap-nonfinite names the layer, command and source line that produced it first"));
}

void Trainer::warn_of_divergence() {
  // Weights that were just made are about as wrong as guessing, and a rate that works stays near that at its worst.
  constexpr double kFar = 1e3;
  const std::optional<double> loss = metric_value(record_.last_train, "loss");
  if (!loss || !first_loss_ || !(*first_loss_ > 0) || *loss <= kFar * *first_loss_) return;
  setup_.warnings.say(concat(
      "seed ", setup_.trainer.seed, ": the loss of epoch ", record_.epoch + 1, " is ", metric_text(loss),
      ", that of the first step was ", metric_text(first_loss_), ": training diverges; ",
      run_->learning_rate ? concat("lower optimizer.lr (", *run_->learning_rate, " now)")
                          : std::string("lower the learning rate"),
      " or lengthen schedule.warmup_epochs"));
  first_loss_ = std::numeric_limits<double>::infinity(); // said
}

Status Trainer::launch(std::int64_t count) {
  const Clock::time_point start = Clock::now();
  const std::uint64_t counter = setup_.executor.counter();
  StepValues values;
  values.seed = setup_.trainer.seed;
  values.epoch = record_.epoch;
  values.clock.steps_per_epoch = run_->steps_per_epoch;
  values.clock.total_steps = run_->clock_steps;
  for (std::int64_t i = 0; i < count; ++i) {
    BatchInfo info;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const bool more, run_->loader->acquire(info));
    if (!more || info.epoch != record_.epoch || info.batch != record_.batch + i)
      return internal_error("the loader gave batch ", info.batch, " of epoch ", info.epoch, " for batch ",
                            record_.batch + i, " of epoch ", record_.epoch);
    values.valid = valid_[static_cast<std::size_t>(i)] = info.valid;
    values.slot = static_cast<std::uint32_t>(info.slot);
    values.draw_position = info.draw_position;
    values.step = record_.step + i;
    values.clock.step = values.step - run_->clock_first_step;
    values.slot_updates = values.step - run_->slots_first_step;
    values.average_updates = values.step - run_->averages_first_step;
    run_->control.write(setup_.executor, counter + static_cast<std::uint64_t>(i), values);
  }
  run_->loader_seconds += seconds_since(start);
  TAILOR_RETURN_IF_ERROR_AS_IS(setup_.executor.run(run_->variant, static_cast<std::uint32_t>(count)));
  run_->loader->release(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::byte* metrics = setup_.executor.metrics_row(counter + static_cast<std::uint64_t>(i));
    const std::int64_t step = record_.step + i;
    values.step = step;
    values.clock.step = step - run_->clock_first_step;
    run_->learning_rate = rate_at(values, metrics);
    TAILOR_RETURN_IF_ERROR_AS_IS(take_reports(metrics, valid_[static_cast<std::size_t>(i)], step));
    if (run_->plan.log_steps > 0 && (step + 1) % run_->plan.log_steps == 0)
      TAILOR_RETURN_IF_ERROR_AS_IS(log_step(metrics, step));
  }
  record_.step += count;
  record_.batch += count;
  const double seconds = seconds_since(start);
  run_->step_seconds += seconds;
  record_.train_seconds += seconds;
  setup_.time_left.launched(record_.stage, count, seconds);
  return {};
}

std::optional<double> Trainer::rate_at(const StepValues& values, const std::byte* metrics) const {
  if (run_->learning_rate_field >= 0) return run_->control.value_of(run_->learning_rate_field, values);
  for (const StageRun::Reported& report : run_->reports)
    if (report.name == "lr") return metric_of(metrics, *report.field, report.element);
  return std::nullopt;
}

Result<bool> Trainer::judge_epoch() {
  const LoopPlan& plan = run_->plan;
  const auto improves = [&](const Criterion& criterion, const BestSoFar& best) -> std::optional<double> {
    const std::optional<double> value = metric_value(record_.last_val, criterion.metric);
    if (!value || !std::isfinite(*value)) return std::nullopt;
    return best.epoch < 0 || criterion.is_better(*value, best.value) ? value : std::nullopt;
  };
  if (!plan.select.empty()) {
    if (const std::optional<double> value = improves(plan.select, record_.best)) {
      record_.best = {record_.epoch, *value, plan.select};
      record_.best_val = record_.last_val;
      record_.best_test = record_.last_test;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(Checkpoint best,
                                    take_checkpoint(setup_.executor, record_, setup_.data.fitted));
      best_ = std::make_unique<Checkpoint>(std::move(best));
    }
  }
  if (plan.stop.empty()) return false;
  if (const std::optional<double> value = improves(plan.stop, record_.stop_best)) {
    record_.stop_best = {record_.epoch, *value, plan.stop};
    record_.epochs_without_gain = 0;
    return false;
  }
  return ++record_.epochs_without_gain >= plan.patience;
}

std::string Trainer::epoch_summary() const {
  const LoopPlan& plan = run_->plan;
  std::vector<std::string> names = {"loss"};
  for (const std::string& name : {plan.stop.metric, plan.select.metric})
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  if (plan.stop.empty() && plan.select.empty()) names.push_back("balanced_accuracy");
  std::string summary = "loss " + metric_text(metric_value(record_.last_train, "loss"));
  for (const std::string& name : names) {
    if (record_.last_val.empty()) break;
    summary += concat("  val/", name, " ", metric_text(metric_value(record_.last_val, name)));
    if (name != plan.select.metric || record_.best.epoch < 0) continue;
    summary += record_.best.epoch == record_.epoch ? " (best)"
                                                   : concat(" (best ", metric_text(record_.best.value),
                                                            ", epoch ", record_.best.epoch + 1, ")");
  }
  for (const std::string& name : names)
    if (!record_.last_test.empty())
      summary += concat("  test/", name, " ", metric_text(metric_value(record_.last_test, name)));
  return summary;
}

Status Trainer::end_epoch(Progress& progress, bool& stop) {
  OptionValue::Table line = {{"stage", OptionValue(run_->stage->name)},
                             {"epoch", OptionValue(record_.epoch + 1)},
                             {"step", OptionValue(record_.step)}};
  if (run_->learning_rate) line.emplace_back("lr", OptionValue(*run_->learning_rate));
  StepValues last; // of the epoch
  last.clock = {record_.step - 1 - run_->clock_first_step, run_->steps_per_epoch, run_->clock_steps};
  for (const ControlRows::Row& row : run_->rows)
    line.emplace_back("control/" + row.name,
                      OptionValue(static_cast<std::int64_t>(run_->control.value_of(row.field, last))));
  record_.last_train.clear();
  for (std::size_t i = 0; i < record_.epoch_sums.size(); ++i) {
    const StageRun::Reported& report = run_->reports[i];
    if (report.is_count) continue;
    const double rows = report.count < 0
                            ? static_cast<double>(record_.epoch_rows)
                            : record_.epoch_sums[static_cast<std::size_t>(report.count)].second.value_or(0);
    std::optional<double> mean; // of an epoch in which no step had a value
    if (rows > 0) mean = record_.epoch_sums[i].second.value_or(0) / rows;
    record_.last_train.emplace_back(report.name, mean);
    line.emplace_back("train/" + report.name, json_number(mean));
  }
  warn_of_divergence();
  const Clock::time_point start = Clock::now();
  if (!setup_.data.val.empty() || (run_->plan.tests_every_epoch && !setup_.data.test.empty()))
    TAILOR_RETURN_IF_ERROR_AS_IS(refresh_statistics());
  const auto evaluated = [&](const char* split, const Dataset& data, MetricValues& values) -> Status {
    values.clear();
    if (!run_->evaluator || data.empty()) return {};
    TAILOR_ASSIGN_OR_RETURN(const EvaluationResult result,
                            evaluate(*run_->evaluator, data, run_->control, run_->evaluation),
                            concat("evaluating ", split));
    values = values_of(result, setup_.executor.spec().schema);
    // The weights are already lost when only the evaluation shows it.
    if (const std::optional<double> loss = metric_value(values, "loss"); loss && !std::isfinite(*loss))
      return diverged(concat(split, "/loss"), *loss, record_.step - 1);
    const bool in_full = result.confusion.num_classes() <= kMostClassesInFull;
    for (const auto& [name, value] : values)
      if (in_full || name.find('/') == std::string::npos)
        line.emplace_back(concat(split, "/", name), json_number(value));
    add_class_counts(line, concat(split, "/"), result.confusion);
    return {};
  };
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluated("val", setup_.data.val, record_.last_val));
  if (run_->plan.tests_every_epoch)
    TAILOR_RETURN_IF_ERROR_AS_IS(evaluated("test", setup_.data.test, record_.last_test));
  else
    record_.last_test.clear(); // that of an earlier end, if the run was made longer
  setup_.time_left.evaluated(record_.stage,
                             run_->val_batches + (run_->plan.tests_every_epoch ? run_->test_batches : 0),
                             seconds_since(start));
  line.emplace_back(
      "ms_per_step",
      OptionValue(1e3 * run_->step_seconds / static_cast<double>(std::max<std::int64_t>(record_.batch, 1))));
  line.emplace_back("loader_share",
                    OptionValue(run_->step_seconds > 0 ? run_->loader_seconds / run_->step_seconds : 0.0));
  if (const std::optional<double> left = seconds_left())
    line.emplace_back("seconds_left", OptionValue(std::round(*left)));
  TAILOR_RETURN_IF_ERROR_AS_IS(log_->write(OptionValue(std::move(line))));
  record_.log_bytes = log_->bytes();
  TAILOR_ASSIGN_OR_RETURN_AS_IS(stop, judge_epoch());
  progress.epoch(record_.step, record_.stage_epoch, run_->num_epochs, epoch_summary(), seconds_left());

  ++record_.epoch;
  ++record_.stage_epoch;
  record_.batch = 0;
  record_.epoch_sums.clear();
  record_.epoch_rows = 0;
  run_->loader_seconds = run_->step_seconds = 0;
  const std::int64_t every = run_->plan.checkpoint_every;
  const bool due = (every > 0 && record_.stage_epoch % every == 0) || is_checkpoint_due();
  if (due && !stop && record_.stage_epoch < run_->num_epochs) return save_progress();
  return {};
}

bool Trainer::is_checkpoint_due() const {
  const double seconds = run_->plan.checkpoint_seconds;
  return seconds > 0 && seconds_since(last_save_) >= seconds;
}

std::optional<double> Trainer::seconds_left() const {
  return setup_.time_left.seconds(
      {record_.stage, record_.step - record_.stage_first_step, record_.stage_epoch});
}

bool Trainer::stop_requested() const {
  return StopSignal::requested() != 0 ||
         (setup_.trainer.stop_after_steps >= 0 && record_.step >= setup_.trainer.stop_after_steps);
}

Status Trainer::train_stage(Progress& progress, bool& stop) {
  for (;;) {
    const std::int64_t done = record_.stage_epoch * run_->steps_per_epoch + record_.batch;
    bool early = false;
    if (done < run_->total_steps) {
      if (stop_requested()) {
        stop = true;
        return {};
      }
      std::int64_t count =
          std::min({run_->plan.steps_per_launch, run_->steps_per_epoch - record_.batch,
                    run_->total_steps - done, std::int64_t{setup_.executor.options().ring_length}});
      if (setup_.trainer.stop_after_steps >= 0)
        count = std::min(count, setup_.trainer.stop_after_steps - record_.step);
      TAILOR_RETURN_IF_ERROR_AS_IS(launch(count));
      progress.step(record_.step, record_.stage_epoch, run_->num_epochs, last_loss_.value_or(0),
                    [&] { return seconds_left(); });
      if (record_.batch < run_->steps_per_epoch && done + count < run_->total_steps) {
        if (is_checkpoint_due()) TAILOR_RETURN_IF_ERROR_AS_IS(save_progress());
        continue;
      }
      const bool whole = record_.batch == run_->steps_per_epoch;
      TAILOR_RETURN_IF_ERROR_AS_IS(end_epoch(progress, early));
      if (!early && whole && record_.stage_epoch * run_->steps_per_epoch < run_->total_steps) continue;
    }
    return end_stage(early);
  }
}

Status Trainer::refresh_statistics() {
  if (!run_ || !run_->statistics || record_.statistics_step == record_.step) return {};
  TAILOR_RETURN_IF_ERROR(
      run_->statistics->run(setup_.data.train, run_->control, run_->options, setup_.trainer.seed),
      "recomputing the running statistics of the average");
  record_.statistics_step = record_.step;
  return {};
}

Status Trainer::save() {
  TAILOR_RETURN_IF_ERROR_AS_IS(save_progress());
  if (!run_ || !run_->statistics || record_.statistics_step == record_.step) return {};
  // The weights are safe; what they are evaluated with follows.
  TAILOR_RETURN_IF_ERROR_AS_IS(refresh_statistics());
  return save_progress();
}

Status Trainer::save_progress() {
  const Clock::time_point start = Clock::now();
  record_.log_bytes = log_->bytes(); // lines of steps may have come since the last epoch
  const std::string best = best_path(setup_.trainer.folder);
  // The order matters for a kill at any moment: last.safetensors names the best epoch whose weights are in
  // best.safetensors, or still in best.safetensors.next (resume_from renames it).
  if (best_) {
    TAILOR_RETURN_IF_ERROR_AS_IS(save_checkpoint(setup_.executor, *best_, best + ".next"));
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Checkpoint checkpoint,
                                take_checkpoint(setup_.executor, record_, setup_.data.fitted));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      save_checkpoint(setup_.executor, checkpoint, last_path(setup_.trainer.folder)));
  if (best_ && ::rename((best + ".next").c_str(), best.c_str()) != 0)
    return invalid_argument("cannot rename '", best, ".next': ", std::strerror(errno));
  best_.reset();
  // Of a stage that is over: nothing names it any more.
  if (record_.best.epoch < 0 && file_exists(best)) ::unlink(best.c_str());
  last_save_ = Clock::now();
  setup_.time_left.saved(seconds_since(start));
  return {};
}

Status Trainer::with_best_weights(const std::function<Status()>& function) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Checkpoint last,
                                take_checkpoint(setup_.executor, record_, setup_.data.fitted));
  if (best_) {
    TAILOR_RETURN_IF_ERROR_AS_IS(restore(setup_.executor, *best_));
  } else {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(
        const Checkpoint best,
        load_checkpoint(setup_.executor, best_path(setup_.trainer.folder), CheckpointUse::kWeights));
    TAILOR_RETURN_IF_ERROR_AS_IS(restore(setup_.executor, best));
  }
  const Status status = function();
  TAILOR_RETURN_IF_ERROR_AS_IS(restore(setup_.executor, last));
  return status;
}

Status Trainer::measure_test() {
  if (!run_->evaluator || setup_.data.test.empty()) return {};
  const auto measure = [&](MetricValues& values) -> Status {
    const Clock::time_point start = Clock::now();
    TAILOR_ASSIGN_OR_RETURN(const EvaluationResult result,
                            evaluate(*run_->evaluator, setup_.data.test, run_->control, run_->evaluation),
                            "evaluating test");
    setup_.time_left.evaluated(record_.stage, run_->test_batches, seconds_since(start));
    values = values_of(result, setup_.executor.spec().schema);
    // Training and validation stayed finite: no reason to lose them, but one to speak.
    if (const std::optional<double> loss = metric_value(values, "loss"); loss && !std::isfinite(*loss))
      setup_.warnings.say("test/loss is not finite: a row of the test split has logits that are not");
    return {};
  };
  TAILOR_RETURN_IF_ERROR_AS_IS(refresh_statistics());
  if (record_.last_test.empty()) TAILOR_RETURN_IF_ERROR_AS_IS(measure(record_.last_test));
  if (record_.best.epoch < 0 || !record_.best_test.empty()) return {};
  if (record_.best.epoch == record_.epoch - 1) {
    record_.best_test = record_.last_test;
    return {};
  }
  return with_best_weights([&] { return measure(record_.best_test); });
}

Status Trainer::end_stage(bool early) {
  const bool is_last = record_.stage + 1 == num_stages();
  if (is_last) TAILOR_RETURN_IF_ERROR_AS_IS(measure_test());
  TAILOR_RETURN_IF_ERROR_AS_IS(refresh_statistics());
  run_.reset();
  ++record_.stage;
  if (is_last) { // counters stay as they are: see reopen()
    record_.outcome = early ? "early_stop" : "finished";
    return {};
  }
  record_.stage_epoch = 0;
  record_.stage_begun = false;
  record_.epochs_without_gain = 0;
  record_.stop_best = {};
  if (!stage().continues) {
    forget_best();
    best_.reset();
  }
  return save();
}

Result<std::string> Trainer::reopen() {
  const Stage& last = setup_.executor.spec().stages.back();
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const LoopPlan plan,
                                LoopPlan::from(options_of_stage(setup_.options, last.name)));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int64_t total, plan.total_steps(record_.steps_per_epoch));
  const std::int64_t done = record_.step - record_.stage_first_step;
  if (record_.outcome == "early_stop" && record_.stop_best.by == plan.stop &&
      record_.epochs_without_gain >= plan.patience)
    return concat("it stopped early after ", record_.epochs_without_gain, " epochs without gain in val/",
                  plan.stop.metric);
  if (total <= done) return concat("it has done its ", done, " steps (", record_.stage_epoch, " epochs)");
  if (done != record_.stage_epoch * record_.steps_per_epoch)
    return concat("its last epoch was cut short after step ", done);
  record_.stage = num_stages() - 1;
  record_.outcome.clear();
  return std::string();
}

Status Trainer::prepare() {
  TAILOR_ASSIGN_OR_RETURN(run_, StageRun::begin(setup_, record_), concat("stage '", stage().name, "'"));
  if (record_.best.epoch >= 0 && record_.best.by != run_->plan.select) {
    const Criterion& now = run_->plan.select;
    setup_.warnings.say(
        concat("epoch ", record_.best.epoch + 1, " was the best by val/", record_.best.by.metric,
               now.empty() ? std::string("; no metric chooses the best epoch any more")
                           : concat("; the best epoch is searched anew from here, by val/", now.metric)));
    forget_best();
  }
  record_.statistics_step = -1; // the stage may begin with other weights
  // Set also where no epoch ever has the metric: the end says which it was.
  record_.best.by = run_->plan.select;
  if (record_.stop_best.by != run_->plan.stop) {
    record_.stop_best = {};
    record_.stop_best.by = run_->plan.stop;
    record_.epochs_without_gain = 0;
  }
  return {};
}

Result<std::string> Trainer::forecast(double seconds) {
  valid_.resize(setup_.executor.options().ring_length);
  setup_.time_left.begin_stage();
  run_->plan.log_steps = 0; // there is no log
  const std::int64_t first_step = record_.step;
  const double before = record_.train_seconds;
  const Clock::time_point start = Clock::now();
  while (record_.batch < run_->steps_per_epoch &&
         record_.step - record_.stage_first_step < run_->total_steps &&
         (record_.step == first_step || seconds_since(start) < seconds)) {
    const std::int64_t count = std::min({run_->plan.steps_per_launch, run_->steps_per_epoch - record_.batch,
                                         run_->total_steps - (record_.step - record_.stage_first_step),
                                         std::int64_t{setup_.executor.options().ring_length}});
    TAILOR_RETURN_IF_ERROR_AS_IS(launch(count));
  }
  const std::int64_t steps = record_.step - first_step;
  char rate[64] = "no step to take";
  if (steps > 0)
    std::snprintf(rate, sizeof rate, "%.4g ms per step over %lld",
                  1e3 * (record_.train_seconds - before) / static_cast<double>(steps),
                  static_cast<long long>(steps));
  const std::optional<double> left = seconds_left();
  return concat(num_stages() > 1 ? concat("stage '", stage().name, "': ") : "", run_->steps_per_epoch,
                " steps an epoch, ", run_->num_epochs, run_->num_epochs == 1 ? " epoch, " : " epochs, ",
                run_->total_steps, " steps; ", rate,
                left ? concat("; about ", duration_text(*left), " to the end of the run") : std::string(),
                run_->plan.stop.empty() ? "" : ", unless it stops early");
}

Status Trainer::train() {
  TAILOR_RETURN_IF_ERROR_AS_IS(make_folders(setup_.trainer.folder));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(EventLog log,
                                EventLog::open(setup_.trainer.folder + "/log.jsonl", record_.log_bytes));
  log_ = std::make_unique<EventLog>(std::move(log));
  valid_.resize(setup_.executor.options().ring_length);
  bool stop = false;
  while (!stop && record_.stage < num_stages()) {
    if (!run_ && stop_requested()) break; // between two stages: the next one has not begun
    if (!run_) TAILOR_RETURN_IF_ERROR_AS_IS(prepare());
    first_loss_.reset();
    setup_.time_left.begin_stage();
    Progress progress(setup_.trainer.quiet, num_stages() > 1 ? stage().name : "",
                      record_.stage_first_step + run_->total_steps, record_.step,
                      /*may_end_early=*/!run_->plan.stop.empty());
    const Status status = train_stage(progress, stop);
    progress.finish();
    TAILOR_RETURN_IF_ERROR_AS_IS(status);
  }
  return save();
}

} // namespace tailor::runtime
