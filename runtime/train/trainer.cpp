#include "runtime/train/trainer.h"

#include "runtime/base/log.h"
#include "runtime/train/stop_signal.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace tailor::runtime {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// First element of a metric, as the row holds it.
double metric_of(const std::byte* row, const MetricField& field, std::uint32_t element = 0) {
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

MetricValues values_of(const EvaluationResult& result, const DataSchema& schema) {
  MetricValues values;
  for (const Metric& metric : result.metrics)
    values.emplace_back(metric.name, metric.value);
  for (std::size_t k = 0; k < result.class_accuracy.size(); ++k)
    values.emplace_back("class_accuracy/" + (k < schema.class_names.size() ? schema.class_names[k]
                                                                           : result.class_accuracy[k].name),
                        result.class_accuracy[k].value);
  return values;
}

/// What is watched must be what every evaluation gives.
Status check_watched(const LoopPlan& plan, const EvaluationPlan& evaluation_plan, const DataSchema& schema) {
  if (plan.select_on.empty() && plan.stop_on.empty()) return {};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Evaluation evaluation, Evaluation::create(evaluation_plan));
  const MetricValues values = values_of(evaluation.finish(), schema);
  for (const std::string& metric : {plan.select_on, plan.stop_on})
    if (!metric.empty() &&
        std::none_of(values.begin(), values.end(), [&](const auto& known) { return known.first == metric; }))
      return invalid_argument("'val/", metric, "' is to be watched, but the evaluation has no such metric");
  return {};
}

OptionValue confusion_json(const ConfusionMatrix& confusion) {
  OptionValue::List rows;
  for (std::int32_t truth = 0; truth < confusion.num_classes(); ++truth) {
    OptionValue::List row;
    for (std::int32_t decided = 0; decided < confusion.num_classes(); ++decided)
      row.emplace_back(confusion.at(truth, decided));
    rows.emplace_back(std::move(row));
  }
  return OptionValue(std::move(rows));
}

/// "val/balanced_accuracy" -> "balanced_accuracy"; a metric without a split is one of val.
Result<std::string> validation_metric(const Options& options, const char* key) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string text, options.get_string(key, ""));
  const std::size_t slash = text.find('/');
  const std::string split = slash == std::string::npos ? "val" : text.substr(0, slash);
  if (split != "val")
    return invalid_argument("'", key, "' is '", text, "': only a metric of val may decide, never one of ",
                            split);
  return slash == std::string::npos ? text : text.substr(slash + 1);
}

std::string shown(std::optional<double> value) {
  if (!value) return "absent";
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.4f", *value);
  return buffer;
}

/// Removes what write_file_atomic leaves behind when it is killed.
void remove_temporaries(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().filename().string().find(".safetensors") != std::string::npos &&
        entry.path().extension().string().starts_with(".tmp"))
      std::filesystem::remove(entry.path(), ignored);
}

} // namespace

std::optional<double> metric_value(const MetricValues& metrics, std::string_view name) {
  for (const auto& [known, value] : metrics)
    if (known == name) return value;
  return std::nullopt;
}

Result<LoopPlan> LoopPlan::from(const Options& options) {
  LoopPlan plan;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.epochs, options.get_int("run.epochs", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.steps, options.get_int("run.steps", 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.steps_per_launch, options.get_int("run.steps_per_launch", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.checkpoint_every, options.get_int("run.checkpoint_every", 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.drop_last, options.get_bool("run.drop_last", false));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int64_t loader_threads, options.get_int("run.loader_threads", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.patience, options.get_int("run.early_stop.patience", 16));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string mode, options.get_string("run.early_stop.mode", "auto"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.select_on, validation_metric(options, "run.keep.best"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.stop_on, validation_metric(options, "run.early_stop.on"));
  if (plan.epochs < 1 || plan.steps < 0 || plan.steps_per_launch < 1 || plan.checkpoint_every < 0 ||
      plan.patience < 1 || loader_threads < 0 || loader_threads > 64)
    return invalid_argument("run.epochs ", plan.epochs, ", run.steps ", plan.steps, ", run.steps_per_launch ",
                            plan.steps_per_launch, ", run.checkpoint_every ", plan.checkpoint_every,
                            ", run.early_stop.patience ", plan.patience, ", run.loader_threads ",
                            loader_threads, ": one of them is impossible");
  plan.loader_threads = static_cast<std::int32_t>(loader_threads);
  plan.stop_higher = mode == "auto" ? higher_is_better(plan.stop_on) : mode == "max";
  plan.select_higher = higher_is_better(plan.select_on);
  if (plan.select_on.empty()) { // stopping early means wanting the best epoch
    plan.select_on = plan.stop_on;
    plan.select_higher = plan.stop_higher;
  }
  return plan;
}

Status Trainer::resume_from(const Checkpoint& checkpoint) {
  TAILOR_RETURN_IF_ERROR_AS_IS(restore(executor_, checkpoint));
  record_ = checkpoint.record;
  remove_temporaries(trainer_.folder);
  // best.safetensors.next was written before this checkpoint and would have been renamed after it.
  const std::string next = best_path(trainer_.folder) + ".next";
  if (!file_exists(next)) return {};
  const Result<Checkpoint> candidate = load_checkpoint(executor_, next, CheckpointUse::kWeights);
  if (candidate.ok() && candidate->record.best == record_.best) {
    if (::rename(next.c_str(), best_path(trainer_.folder).c_str()) != 0)
      return invalid_argument("cannot rename '", next, "': ", std::strerror(errno));
  } else {
    ::unlink(next.c_str()); // of an epoch this run will reach again
  }
  return {};
}

Status Trainer::write_fitted_states() {
  const ArtifactSpec& spec = executor_.spec();
  const std::vector<NamedArray> arrays = data_.fitted.named_arrays();
  for (std::size_t i = 0; i < spec.states.size(); ++i) {
    const State& state = spec.states[i];
    if (spec.groups[static_cast<std::size_t>(state.group)].kind != GroupKind::kFitted) continue;
    const auto array =
        std::find_if(arrays.begin(), arrays.end(), [&](const NamedArray& a) { return a.name == state.name; });
    if (array == arrays.end()) continue; // a table: the fit entry computes it
    if (state.bytes / dtype_bytes(state.dtype) != array->values.size())
      return incompatible("the program keeps ", state.bytes / dtype_bytes(state.dtype), " values of '",
                          state.name, "', the data have ", array->values.size());
    std::vector<std::byte> bytes(state.bytes);
    for (std::size_t e = 0; e < array->values.size(); ++e) {
      const auto put = [&](auto value) {
        std::memcpy(bytes.data() + e * sizeof(value), &value, sizeof(value));
      };
      switch (state.dtype) {
      case DType::kF32:
        put(static_cast<float>(array->values[e]));
        break;
      case DType::kF64:
        put(array->values[e]);
        break;
      case DType::kI32:
        put(static_cast<std::int32_t>(array->values[e]));
        break;
      default:
        put(static_cast<std::int64_t>(array->values[e]));
      }
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(executor_.write_state(static_cast<std::int32_t>(i), bytes));
  }
  return {};
}

Status Trainer::run_fit_entry(const StageRun& run) {
  if (run.stage->fit_entry < 0) return {};
  StepValues values;
  values.seed = trainer_.seed;
  run.control.write(executor_, executor_.counter(), values);
  return executor_.run({run.stage->fit_entry, 0}, 1);
}

Result<Trainer::StageRun> Trainer::begin_stage() {
  const ArtifactSpec& spec = executor_.spec();
  StageRun run;
  run.stage = &spec.stages[static_cast<std::size_t>(record_.stage)];
  run.options = options_;
  run.options.merge(run.stage->options);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.plan, LoopPlan::from(run.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.control, ControlRows::create(executor_, run.options, *run.stage));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.variant, variant_for(spec, run.stage->step_entry, trainer_.batch));

  if (!record_.stage_begun) {
    if (record_.stage == 0) {
      TAILOR_RETURN_IF_ERROR_AS_IS(executor_.initialise(trainer_.seed));
    } else {
      if (!run.stage->initialised_groups.empty())
        TAILOR_RETURN_IF_ERROR_AS_IS(executor_.initialise(trainer_.seed, run.stage->initialised_groups));
      if (run.stage->slots == SlotPolicy::kReset && !run.stage->slot_groups.empty())
        TAILOR_RETURN_IF_ERROR_AS_IS(executor_.initialise(trainer_.seed, run.stage->slot_groups));
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(write_fitted_states());
    TAILOR_RETURN_IF_ERROR(run_fit_entry(run), "computing the tables of the training split");
    record_.stage_begun = true;
  }

  SamplerSpec sampler_spec = data_plan_.sampler;
  if (!run.stage->sampler.empty() && run.stage->sampler != "uniform") {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(sampler_spec.kind, parse_sampler_kind(run.stage->sampler));
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::unique_ptr<Sampler> sampler,
                                make_sampler(sampler_spec, data_.train.label, data_.train.num_classes));
  LoaderOptions loader;
  loader.batch = static_cast<std::int32_t>(variant_of(spec, run.variant).batch);
  loader.num_threads = trainer_.loader_threads >= 0 ? trainer_.loader_threads : run.plan.loader_threads;
  loader.seed = trainer_.seed;
  loader.drop_last = run.plan.drop_last;
  loader.start_epoch = record_.epoch;
  loader.start_batch = record_.batch;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(loader.slots,
                                batch_slots(executor_, run.variant, data_.train, 0, trainer_.train_slots));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.loader,
                                BatchLoader::create(data_.train, std::move(sampler), std::move(loader)));
  run.steps_per_epoch = run.loader->batches_per_epoch();
  if (__builtin_mul_overflow(run.plan.epochs, run.steps_per_epoch, &run.total_steps))
    return invalid_argument(run.plan.epochs, " epochs of ", run.steps_per_epoch, " steps are too many");
  if (run.plan.steps > 0) run.total_steps = run.plan.steps;
  run.num_epochs = (run.total_steps + run.steps_per_epoch - 1) / run.steps_per_epoch;
  if (record_.step > INT32_MAX - run.total_steps)
    return invalid_argument("more than ", INT32_MAX, " steps do not fit the step counter");

  if (run.stage->eval_entry >= 0) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluator evaluator,
                                  Evaluator::create(executor_, run.stage->eval_entry, trainer_.train_slots));
    run.evaluator = std::make_unique<Evaluator>(std::move(evaluator));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(run.evaluation, evaluation_plan(spec, run.options, data_.fitted));
  }
  if ((!run.plan.select_on.empty() || !run.plan.stop_on.empty()) && (!run.evaluator || data_.val.empty()))
    return invalid_argument("'", run.plan.stop_on.empty() ? run.plan.select_on : run.plan.stop_on,
                            "' is to be watched, but there is no validation split");
  TAILOR_RETURN_IF_ERROR_AS_IS(check_watched(run.plan, run.evaluation, spec.schema));
  for (const std::int32_t metric : variant_of(spec, run.variant).metrics) {
    const MetricField& field = spec.metrics[static_cast<std::size_t>(metric)];
    if (field.name == "loss") run.loss = &field;
    if (field.dtype == DType::kF32 || field.dtype == DType::kF64)
      run.watched.emplace_back(field.name, &field);
  }
  return run;
}

Status Trainer::check_finite(const StageRun& run, const std::byte* metrics, std::int64_t step) const {
  for (const auto& [name, field] : run.watched)
    for (std::uint32_t element = 0; element < field->count; ++element) {
      const double value = metric_of(metrics, *field, element);
      if (std::isfinite(value)) continue;
      return invalid_argument("'", name, "' is ", std::isnan(value) ? "not a number" : "infinite",
                              " at step ", step + 1, " (epoch ", record_.epoch + 1,
                              "); the last finite loss was ", last_loss_)
          .with_hint(
              concat("lower optimizer.lr (", run.learning_rate,
                     " at that step) or lengthen schedule.warmup_epochs; --trap-nonfinite names the first "
                     "command and source line that produced it"));
    }
  return {};
}

Status Trainer::launch(StageRun& run, std::int64_t count) {
  const Clock::time_point start = Clock::now();
  const std::uint64_t counter = executor_.counter();
  StepValues values;
  values.seed = trainer_.seed;
  values.epoch = record_.epoch;
  values.clock.steps_per_epoch = run.steps_per_epoch;
  values.clock.total_steps = run.total_steps;
  for (std::int64_t i = 0; i < count; ++i) {
    BatchInfo info;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const bool more, run.loader->acquire(info));
    if (!more || info.epoch != record_.epoch || info.batch != record_.batch + i)
      return internal_error("the loader gave batch ", info.batch, " of epoch ", info.epoch, " for batch ",
                            record_.batch + i, " of epoch ", record_.epoch);
    values.valid = valid_[static_cast<std::size_t>(i)] = info.valid;
    values.slot = static_cast<std::uint32_t>(info.slot);
    values.draw_position = info.draw_position;
    values.step = record_.step + i;
    values.clock.step = record_.stage_epoch * run.steps_per_epoch + record_.batch + i;
    run.control.write(executor_, counter + static_cast<std::uint64_t>(i), values);
  }
  run.loader_seconds += seconds_since(start);
  TAILOR_RETURN_IF_ERROR_AS_IS(executor_.run(run.variant, static_cast<std::uint32_t>(count)));
  run.loader->release(count);
  run.learning_rate = run.control.learning_rate(values.clock);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::byte* metrics = executor_.metrics_row(counter + static_cast<std::uint64_t>(i));
    const std::int32_t valid = valid_[static_cast<std::size_t>(i)];
    TAILOR_RETURN_IF_ERROR_AS_IS(check_finite(run, metrics, record_.step + i));
    if (run.loss) {
      last_loss_ = metric_of(metrics, *run.loss);
      record_.epoch_loss_sum += last_loss_ * valid;
    }
    record_.epoch_rows += valid;
  }
  record_.step += count;
  record_.batch += count;
  const double seconds = seconds_since(start);
  run.step_seconds += seconds;
  record_.train_seconds += seconds;
  return {};
}

Result<EvaluationResult> Trainer::evaluate_split(StageRun& run, const Dataset& data) {
  return evaluate(*run.evaluator, data, run.control, run.evaluation);
}

Result<bool> Trainer::judge_epoch(const StageRun& run) {
  const auto better = [](double value, double than, bool higher) {
    return higher ? value > than : value < than;
  };
  if (!run.plan.select_on.empty()) {
    const std::optional<double> value = metric_value(record_.last_val, run.plan.select_on);
    if (value && std::isfinite(*value) &&
        (record_.best.epoch < 0 || better(*value, record_.best.value, run.plan.select_higher))) {
      record_.best = {record_.epoch, *value};
      record_.best_val = record_.last_val;
      record_.best_test = record_.last_test;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(Checkpoint best, take_checkpoint(executor_, record_, data_.fitted));
      best_ = std::make_unique<Checkpoint>(std::move(best));
    }
  }
  if (run.plan.stop_on.empty()) return false;
  const std::optional<double> value = metric_value(record_.last_val, run.plan.stop_on);
  if (value && std::isfinite(*value) &&
      (record_.stop_best.epoch < 0 || better(*value, record_.stop_best.value, run.plan.stop_higher))) {
    record_.stop_best = {record_.epoch, *value};
    record_.epochs_without_gain = 0;
    return false;
  }
  return ++record_.epochs_without_gain >= run.plan.patience;
}

Status Trainer::end_epoch(StageRun& run, Progress& progress, bool& stop) {
  record_.last_train_loss =
      record_.epoch_rows > 0 ? record_.epoch_loss_sum / static_cast<double>(record_.epoch_rows) : 0;
  OptionValue::Table line = {{"stage", OptionValue(run.stage->name)},
                             {"epoch", OptionValue(record_.epoch + 1)},
                             {"step", OptionValue(record_.step)},
                             {"lr", OptionValue(run.learning_rate)},
                             {"train/loss", OptionValue(record_.last_train_loss)}};
  std::string summary = "loss " + shown(record_.last_train_loss);
  const auto evaluated = [&](const char* split, const Dataset& data, MetricValues& values) -> Status {
    if (!run.evaluator || data.empty()) return {};
    TAILOR_ASSIGN_OR_RETURN(const EvaluationResult result, evaluate_split(run, data),
                            concat("evaluating ", split));
    values = values_of(result, executor_.spec().schema);
    for (const auto& [name, value] : values)
      line.emplace_back(concat(split, "/", name),
                        value && std::isfinite(*value) ? OptionValue(*value) : OptionValue());
    line.emplace_back(concat(split, "/confusion"), confusion_json(result.confusion));
    for (const char* name : {"loss", "balanced_accuracy"})
      summary += concat("  ", split, "/", name, " ", shown(metric_value(values, name)));
    return {};
  };
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluated("val", data_.val, record_.last_val));
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluated("test", data_.test, record_.last_test));
  line.emplace_back(
      "ms_per_step",
      OptionValue(1e3 * run.step_seconds / static_cast<double>(std::max<std::int64_t>(record_.batch, 1))));
  line.emplace_back("loader_share",
                    OptionValue(run.step_seconds > 0 ? run.loader_seconds / run.step_seconds : 0.0));
  TAILOR_RETURN_IF_ERROR_AS_IS(log_->write(OptionValue(std::move(line))));
  record_.log_bytes = log_->bytes();
  TAILOR_ASSIGN_OR_RETURN_AS_IS(stop, judge_epoch(run));
  progress.epoch(record_.step, record_.stage_epoch, run.num_epochs, summary);

  ++record_.epoch;
  ++record_.stage_epoch;
  record_.batch = 0;
  record_.epoch_loss_sum = 0;
  record_.epoch_rows = 0;
  run.loader_seconds = run.step_seconds = 0;
  constexpr double kAutomaticSeconds = 10;
  const std::int64_t every = run.plan.checkpoint_every;
  const bool due =
      every > 0 ? record_.stage_epoch % every == 0 : seconds_since(last_save_) >= kAutomaticSeconds;
  if (due && !stop && record_.stage_epoch < run.num_epochs) return save();
  return {};
}

Status Trainer::train_stage(StageRun& run, Progress& progress, bool& stop) {
  for (;;) {
    const std::int64_t done = record_.stage_epoch * run.steps_per_epoch + record_.batch;
    bool early = false;
    if (done < run.total_steps) {
      if (StopSignal::requested() != 0 ||
          (trainer_.stop_after_steps >= 0 && record_.step >= trainer_.stop_after_steps)) {
        stop = true;
        return {};
      }
      std::int64_t count = std::min({run.plan.steps_per_launch, run.steps_per_epoch - record_.batch,
                                     run.total_steps - done, std::int64_t{executor_.options().ring_length}});
      if (trainer_.stop_after_steps >= 0) count = std::min(count, trainer_.stop_after_steps - record_.step);
      TAILOR_RETURN_IF_ERROR_AS_IS(launch(run, count));
      progress.step(record_.step, record_.stage_epoch, run.num_epochs, last_loss_);
      if (record_.batch < run.steps_per_epoch && done + count < run.total_steps) continue;
      const bool whole = record_.batch == run.steps_per_epoch;
      TAILOR_RETURN_IF_ERROR_AS_IS(end_epoch(run, progress, early));
      if (!early && whole && record_.stage_epoch * run.steps_per_epoch < run.total_steps) continue;
    }
    ++record_.stage;
    record_.stage_epoch = 0;
    record_.stage_begun = false;
    record_.epochs_without_gain = 0;
    record_.stop_best = {};
    if (record_.stage == static_cast<std::int64_t>(executor_.spec().stages.size()))
      record_.outcome = early ? "early_stop" : "finished";
    return {};
  }
}

Status Trainer::save() {
  const std::string best = best_path(trainer_.folder);
  // The order matters for a kill at any moment: last.safetensors names the best epoch whose weights are in
  // best.safetensors, or still in best.safetensors.next (resume_from renames it).
  if (best_) {
    TAILOR_RETURN_IF_ERROR_AS_IS(save_checkpoint(executor_, *best_, best + ".next"));
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Checkpoint checkpoint,
                                take_checkpoint(executor_, record_, data_.fitted));
  TAILOR_RETURN_IF_ERROR_AS_IS(save_checkpoint(executor_, checkpoint, last_path(trainer_.folder)));
  if (best_ && ::rename((best + ".next").c_str(), best.c_str()) != 0)
    return invalid_argument("cannot rename '", best, ".next': ", std::strerror(errno));
  best_.reset();
  last_save_ = Clock::now();
  return {};
}

Status Trainer::train() {
  TAILOR_RETURN_IF_ERROR_AS_IS(make_folders(trainer_.folder));
  remove_temporaries(trainer_.folder);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(EventLog log,
                                EventLog::open(trainer_.folder + "/log.jsonl", record_.log_bytes));
  log_ = std::make_unique<EventLog>(std::move(log));
  valid_.resize(executor_.options().ring_length);
  const auto num_stages = static_cast<std::int64_t>(executor_.spec().stages.size());
  bool stop = false;
  while (!stop && record_.stage < num_stages) {
    TAILOR_ASSIGN_OR_RETURN(
        StageRun run, begin_stage(),
        concat("stage '", executor_.spec().stages[static_cast<std::size_t>(record_.stage)].name, "'"));
    Progress progress(trainer_.quiet,
                      record_.step - (record_.stage_epoch * run.steps_per_epoch + record_.batch) +
                          run.total_steps,
                      record_.step);
    const Status status = train_stage(run, progress, stop);
    progress.finish();
    TAILOR_RETURN_IF_ERROR_AS_IS(status);
  }
  return save();
}

} // namespace tailor::runtime
