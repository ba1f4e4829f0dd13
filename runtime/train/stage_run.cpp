#include "runtime/train/stage_run.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/entry_names.h"
#include "runtime/base/glob.h"
#include "runtime/exec/init.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/double_correction.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/train/pretrained.h"
#include "runtime/train/watched.h"

#include <algorithm>
#include <cstring>

namespace tailor::runtime {
namespace {

/// The fitted states that are not tables come from the data.
Status write_fitted_states(Executor& executor, const FittedState& fitted) {
  const ArtifactSpec& spec = executor.spec();
  const std::vector<NamedArray> arrays = fitted.named_arrays();
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
    TAILOR_RETURN_IF_ERROR_AS_IS(executor.write_state(static_cast<std::int32_t>(i), bytes));
  }
  return {};
}

/// The states of both groups have the same names in the same order: the reader checks it.
Status copy_group(Executor& executor, const GroupCopy& copy) {
  const ArtifactSpec& spec = executor.spec();
  std::vector<std::int32_t> from, to;
  for (std::size_t i = 0; i < spec.states.size(); ++i) {
    if (spec.states[i].group == copy.from) from.push_back(static_cast<std::int32_t>(i));
    if (spec.states[i].group == copy.to) to.push_back(static_cast<std::int32_t>(i));
  }
  for (std::size_t i = 0; i < from.size(); ++i)
    TAILOR_RETURN_IF_ERROR_AS_IS(executor.copy_state(from[i], to[i]));
  return {};
}

/// Option model.initialise of a stage: tensors of networks that start anew in it, as the run began with them.
Status initialise_tensors(Executor& executor, const Options& options, std::uint64_t seed) {
  const std::string& key = key_name(&ModelKeys::initialise);
  if (!options.has_value(key)) return {};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::string> patterns, options.get_strings(key));
  const ArtifactSpec& spec = executor.spec();
  for (const std::string& pattern : patterns) {
    bool found = false;
    for (std::size_t i = 0; i < spec.states.size(); ++i) {
      const State& state = spec.states[i];
      if (!is_of_network(spec, state) || !matches_glob(pattern, checkpoint_name(spec, state))) continue;
      found = true;
      const auto index = static_cast<std::int32_t>(i);
      if (state.init.kind == InitKind::kCopyOf) {
        TAILOR_RETURN_IF_ERROR_AS_IS(executor.copy_state(state.init.source_state, index));
        continue;
      }
      std::vector<std::byte> bytes(state.bytes);
      write_initial_value(spec, state, seed, bytes);
      TAILOR_RETURN_IF_ERROR_AS_IS(executor.write_state(index, bytes));
    }
    if (!found)
      return invalid_argument("'", pattern, "' of ", key, " matches no tensor of the network").about(key);
  }
  return {};
}

/// States of a stage that begins: of everything in the first one; later what it copies, then what it initialises.
Status initialise(const SeedSetup& setup, const StageRun& run, const TrainingRecord& record) {
  Executor& executor = setup.executor;
  const std::uint64_t seed = setup.trainer.seed;
  for (const GroupCopy& copy : run.stage->copies)
    TAILOR_RETURN_IF_ERROR_AS_IS(copy_group(executor, copy));
  if (record.stage == 0) {
    TAILOR_RETURN_IF_ERROR_AS_IS(executor.initialise(seed));
    if (setup.trainer.weights) TAILOR_RETURN_IF_ERROR_AS_IS(setup.trainer.weights->load(executor, seed));
  } else {
    TAILOR_RETURN_IF_ERROR_AS_IS(initialise_tensors(executor, run.options, seed));
    if (!run.stage->initialised_groups.empty()) // averages among them start as copies
      TAILOR_RETURN_IF_ERROR_AS_IS(executor.initialise(seed, run.stage->initialised_groups));
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(write_fitted_states(executor, setup.data.fitted));
  if (run.stage->fit_entry < 0) return {};
  StepValues values;
  values.seed = seed;
  run.control.write(executor, executor.counter(), values);
  TAILOR_RETURN_IF_ERROR(executor.run({run.stage->fit_entry, 0}, 1),
                         "computing the tables of the training split");
  return {};
}

/// The sampler that data.sampler of a stage's options asks for.
Result<std::unique_ptr<Sampler>> sampler_of(const SeedSetup& setup, const Options& options,
                                            const LoopPlan& plan, std::int64_t batch,
                                            std::int64_t first_epoch = 0) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataKeys keys, read_keys<DataKeys>(options));
  const Dataset& train = setup.data.train;
  auto sampler = make_sampler(
      keys.sampler,
      {train.labels(), train.num_classes, options,
       [&](std::int64_t epoch_length) { return plan.num_epochs(epoch_length, batch); }, first_epoch});
  if (!sampler.ok()) return at_option(options, std::move(sampler).status());
  return sampler;
}

/// What data.augment of a stage's options does to the images of its batches; null: nothing.
Result<std::unique_ptr<const Augmenter>> augmenter_of(const SeedSetup& setup, const Options& options) {
  auto augmenter = Augmenter::create(options, setup.executor.spec().schema, setup.data.train);
  if (!augmenter.ok()) return at_option(options, std::move(augmenter).status());
  return augmenter;
}

/// What a sampler that this run chose otherwise than its program corrects again. What a recipe says itself was noted
/// when it was compiled.
std::vector<std::string> corrections_by_sampler(const SeedSetup& setup, const Stage& stage,
                                                const Options& options) {
  const Options compiled = options_of_stage(setup.executor.spec().options, stage.name);
  const std::string& key = key_name(&DataKeys::sampler);
  const Option *chosen = options.find(key), *program = compiled.find(key);
  if (!chosen || (program && program->value == chosen->value)) return {};
  const std::string* name = chosen->value.as_string();
  const SamplerSpec* sampler = name ? Registry<SamplerSpec>::find(*name) : nullptr;
  return sampler && sampler->favours_rare ? double_corrections(options, *name) : std::vector<std::string>();
}

/// What the evaluations of a stage measure. Errors: a metric that does not exist, or that is watched and tells
/// nothing.
Result<EvaluationPlan> evaluation_of(const SeedSetup& setup, const Stage& stage, const Options& options,
                                     const LoopPlan& plan) {
  const ArtifactSpec& spec = setup.executor.spec();
  if (stage.eval_entry < 0) {
    if (plan.select.empty() && plan.stop.empty()) return EvaluationPlan();
    return invalid_argument("'val/", plan.stop.empty() ? plan.select.metric : plan.stop.metric,
                            "' is to be watched, but the program was compiled without an eval entry");
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(EvaluationPlan evaluation, evaluation_plan(spec, options, setup.data.fitted));
  TAILOR_RETURN_IF_ERROR(Evaluation::create(evaluation).status(),
                         concat("'", key_name(&EvalKeys::metrics), "'"));
  add_watched(plan, evaluation);
  TAILOR_RETURN_IF_ERROR_AS_IS(check_watched(plan, evaluation, setup.data, spec.schema, setup.options));
  return evaluation;
}

/// Batch normalisation takes its statistics over the rows of a batch, and over one row they are that row
/// (methods.md 4.5): the output is the bias whatever the input. Image layers have their pixels besides.
Status check_batch_norm(const SeedSetup& setup, std::int64_t batch, std::int64_t draws, bool drop_last) {
  const ArtifactSpec& spec = setup.executor.spec();
  const bool normalises = std::any_of(spec.groups.begin(), spec.groups.end(), [](const StateGroup& group) {
    return group.kind == GroupKind::kBatchNorm;
  });
  if (!normalises || spec.schema.image_height > 0) return {};
  const std::int64_t rows = batch_size_of(spec, batch); // that one statistic is taken over
  if (rows == 1 || draws == 1)
    return invalid_argument(
               "the program uses batch normalisation, and every batch has one row (",
               rows == 1 ? concat(key_name(&RunKeys::batch), " is 1") : "an epoch draws one row",
               "): the normalised value of a single row is 0 whatever it holds, so nothing is learnt")
        .with_hint(
            concat("use a larger ", key_name(&RunKeys::batch), ", or a network without batch normalisation"));
  if (!drop_last && draws % batch % rows == 1)
    setup.warnings.say(
        concat("the last batch of an epoch has one row (", draws, " draws in batches of ", rows,
               "): batch normalisation takes variance 0 there and keeps its running variance; ",
               key_name(&RunKeys::drop_last), " = true leaves such batches out"));
  return {};
}

/// A stage that begins gives groups of that kind their first value. One that continues does so with all of a kind that
/// its step counts updates of, or with none (frontend/program_stages).
bool starts_group(const ArtifactSpec& spec, const Stage& stage, GroupKind kind) {
  return std::any_of(
      stage.initialised_groups.begin(), stage.initialised_groups.end(),
      [&](std::int32_t group) { return spec.groups[static_cast<std::size_t>(group)].kind == kind; });
}

/// How long a stage will be.
struct Length {
  std::int64_t steps_per_epoch = 0, total_steps = 0;
};

Result<Length> length_of(const LoopPlan& plan, const Sampler& sampler, std::int64_t batch) {
  const std::int64_t draws = sampler.epoch_length();
  Length length;
  length.steps_per_epoch = plan.drop_last ? draws / batch : (draws + batch - 1) / batch;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(length.total_steps, plan.total_steps(length.steps_per_epoch));
  return length;
}

/// Whatever the options of a stage that comes later ask for that cannot be: known now, not after hours. Its length.
Result<Length> check_later_stage(const SeedSetup& setup, const Stage& stage) {
  const Options options = options_of_stage(setup.options, stage.name);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const LoopPlan plan, LoopPlan::from(options));
  TAILOR_RETURN_IF_ERROR_AS_IS(ControlRows::create(setup.executor, options).status());
  const ArtifactSpec& spec = setup.executor.spec();
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const VariantId variant,
                                variant_for(spec, stage.step_entry, setup.trainer.batch));
  const std::int64_t batch = variant_of(spec, variant).batch;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::unique_ptr<Sampler> sampler,
                                sampler_of(setup, options, plan, batch));
  TAILOR_RETURN_IF_ERROR_AS_IS(augmenter_of(setup, options).status());
  TAILOR_RETURN_IF_ERROR_AS_IS(check_batch_norm(setup, batch, sampler->epoch_length(), plan.drop_last));
  TAILOR_RETURN_IF_ERROR_AS_IS(evaluation_of(setup, stage, options, plan).status());
  return length_of(plan, *sampler, batch);
}

/// Batches in which an evaluation of `data` runs.
std::int64_t batches_of(const Dataset& data, const Variant& variant) {
  return (data.num_rows + variant.batch - 1) / std::max<std::int64_t>(variant.batch, 1);
}

/// What a stage is to do, for the estimate of the time left.
Result<TimeLeft::Stage> work_of_stage(const SeedSetup& setup, const Stage& stage, const LoopPlan& plan,
                                      const Length& length) {
  const ArtifactSpec& spec = setup.executor.spec();
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const VariantId step,
                                variant_for(spec, stage.step_entry, setup.trainer.batch));
  TimeLeft::Stage work;
  work.steps = length.total_steps;
  work.steps_per_epoch = length.steps_per_epoch;
  work.step_work = work_of(variant_of(spec, step), /*trains=*/true);
  work.checkpoint_epochs = plan.checkpoint_every;
  work.checkpoint_seconds = plan.checkpoint_seconds;
  if (stage.eval_entry < 0) return work;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const VariantId eval, evaluating_variant(spec, stage.eval_entry));
  const Variant& variant = variant_of(spec, eval);
  const std::int64_t test = batches_of(setup.data.test, variant);
  work.batch_work = work_of(variant, /*trains=*/false);
  work.epoch_batches = batches_of(setup.data.val, variant) + (plan.tests_every_epoch ? test : 0);
  if (&stage == &spec.stages.back() && !plan.tests_every_epoch)
    work.end_batches = test * (plan.select.empty() ? 1 : 2); // of the last weights, and of the best
  return work;
}

/// Whether a command of the variant touches a control field; an interpreted variant has no commands and may.
bool may_read(const Variant& variant, const ControlField& field) {
  return variant.commands.empty() ||
         std::any_of(variant.commands.begin(), variant.commands.end(), [&](const Command& command) {
           return std::any_of(command.operands.begin(), command.operands.end(), [&](const Operand& operand) {
             return operand.space == Space::kControl && operand.offset <= field.offset &&
                    field.offset < operand.offset + operand.bytes;
           });
         });
}

/// The table rows that the stage's step reads. Warns of one that no epoch of the clock reaches: the program asks for
/// something it will not do.
std::vector<ControlRows::Row> rows_of(const SeedSetup& setup, const StageRun& run) {
  const ArtifactSpec& spec = setup.executor.spec();
  const std::int64_t num_epochs = (run.clock_steps + run.steps_per_epoch - 1) / run.steps_per_epoch;
  std::vector<ControlRows::Row> rows = run.control.rows(num_epochs);
  std::erase_if(rows, [&](const ControlRows::Row& row) {
    return !may_read(variant_of(spec, run.variant), spec.control[static_cast<std::size_t>(row.field)]);
  });
  for (const ControlRows::Row& row : rows)
    for (std::size_t i = 0; i < row.starts.size(); ++i)
      if (row.starts[i] >= num_epochs)
        setup.warnings.say(concat("row ", i + 1, " of '", row.name, "' begins after ", row.starts[i],
                                  row.starts[i] == 1 ? " epoch" : " epochs", ", but stage '", run.stage->name,
                                  "' ends after ", num_epochs, ": it is never used"));
  return rows;
}

} // namespace

Result<StageRun> StageRun::begin(const SeedSetup& setup, TrainingRecord& record) {
  Executor& executor = setup.executor;
  const TrainerOptions& trainer = setup.trainer;
  const ArtifactSpec& spec = executor.spec();
  StageRun run;
  run.stage = &spec.stages[static_cast<std::size_t>(record.stage)];
  std::vector<TimeLeft::Stage> work(spec.stages.size());
  for (std::size_t earlier = 0; earlier < static_cast<std::size_t>(record.stage); ++earlier) {
    // Of seeds that come later. Whatever may be wrong with it keeps those from starting, not this stage.
    const Stage& stage = spec.stages[earlier];
    const Result<LoopPlan> plan = LoopPlan::from(options_of_stage(setup.options, stage.name));
    const Result<Length> length = check_later_stage(setup, stage);
    if (!plan.ok() || !length.ok()) continue;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(work[earlier], work_of_stage(setup, stage, *plan, *length));
  }
  // The later ones first: checking them writes into the control rows.
  std::vector<std::pair<const Stage*, Length>> later_stages;
  for (std::size_t later = static_cast<std::size_t>(record.stage) + 1; later < spec.stages.size(); ++later) {
    const Stage& stage = spec.stages[later];
    TAILOR_ASSIGN_OR_RETURN(const Length length, check_later_stage(setup, stage),
                            concat("stage '", stage.name, "'"));
    later_stages.emplace_back(&stage, length);
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const LoopPlan plan,
                                  LoopPlan::from(options_of_stage(setup.options, stage.name)));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(work[later], work_of_stage(setup, stage, plan, length));
  }
  run.options = options_of_stage(setup.options, run.stage->name);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.plan, LoopPlan::from(run.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.control, ControlRows::create(executor, run.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.variant, variant_for(spec, run.stage->step_entry, trainer.batch));
  const std::int64_t batch = variant_of(spec, run.variant).batch;
  if (record.stage_begun && record.batch_size != batch)
    return invalid_argument("it was begun with ", record.batch_size, " rows a step, not ", batch)
        .with_hint(concat("go on with --batch ", batch_size_of(spec, record.batch_size),
                          "; another batch size needs a run of its own, with another --out"));

  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::unique_ptr<Sampler> sampler,
                                sampler_of(setup, run.options, run.plan, batch,
                                           record.epoch - (record.stage_begun ? record.stage_epoch : 0)));
  if (const std::string note = sampler->note(); !note.empty()) setup.warnings.say(note);
  for (const std::string& note : corrections_by_sampler(setup, *run.stage, run.options))
    setup.warnings.say(note);
  if (batch > sampler->epoch_length())
    setup.warnings.say(concat("a step takes ", batch, " rows (", key_name(&RunKeys::batch),
                              micro_batches(spec) > 1 ? concat(" x ", key_name(&RunKeys::accumulate)) : "",
                              "), and an epoch draws ", sampler->epoch_length(),
                              ": every epoch is one step, with a batch that is not full"));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_batch_norm(setup, batch, sampler->epoch_length(), run.plan.drop_last));
  LoaderOptions loader;
  loader.batch = static_cast<std::int32_t>(batch);
  loader.num_threads = trainer.loader_threads >= 0 ? trainer.loader_threads : run.plan.loader_threads;
  loader.seed = trainer.seed;
  loader.drop_last = run.plan.drop_last;
  loader.start_epoch = record.epoch;
  loader.start_batch = record.batch;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.augmenter, augmenter_of(setup, run.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(loader.slots, batch_slots(executor, run.variant, setup.data.train, 0,
                                                          trainer.train_slots, run.augmenter.get()));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.loader, BatchLoader::create(std::move(sampler), std::move(loader)));
  run.steps_per_epoch = run.loader->batches_per_epoch();
  if (record.stage_begun && record.steps_per_epoch != run.steps_per_epoch)
    return invalid_argument("it was begun with ", record.steps_per_epoch, " steps in an epoch, not ",
                            run.steps_per_epoch)
        .with_hint(concat(key_name(&RunKeys::drop_last), " and ", key_name(&DataKeys::sampler),
                          " stay what they were when the stage began"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.total_steps, run.plan.total_steps(run.steps_per_epoch));
  run.num_epochs = (run.total_steps + run.steps_per_epoch - 1) / run.steps_per_epoch;
  if (record.step > INT32_MAX - run.total_steps)
    return invalid_argument("more than ", INT32_MAX, " steps do not fit the step counter");

  std::int64_t later_steps = 0; // of the stages that go on with this one's clock
  bool same_clock = true;
  const Stage* before = run.stage;
  std::int64_t steps_before = run.steps_per_epoch;
  for (const auto& [stage, length] : later_stages) {
    if (stage->continues && length.steps_per_epoch != steps_before)
      return invalid_argument("stage '", stage->name, "' continues '", before->name, "' with ",
                              length.steps_per_epoch, " steps in an epoch, not ", steps_before,
                              ": one clock counts epochs of one length")
          .with_hint("a sampler that draws as many rows an epoch, or a stage that does not continue");
    same_clock = same_clock && stage->continues;
    if (same_clock &&
        (__builtin_add_overflow(later_steps, length.total_steps, &later_steps) || later_steps > INT32_MAX))
      return invalid_argument("more than ", INT32_MAX, " steps do not fit the step counter");
    before = stage;
    steps_before = length.steps_per_epoch;
  }
  const bool clock_goes_on = record.stage_begun || run.stage->continues;
  run.clock_first_step = clock_goes_on ? record.clock_first_step : record.step;
  run.slots_first_step = clock_goes_on ? record.slots_first_step : record.step;
  run.averages_first_step = clock_goes_on ? record.averages_first_step : record.step;
  if (!record.stage_begun && starts_group(spec, *run.stage, GroupKind::kOptimizer))
    run.slots_first_step = record.step;
  if (!record.stage_begun && starts_group(spec, *run.stage, GroupKind::kEma))
    run.averages_first_step = record.step;
  const std::int64_t stage_first = record.stage_begun ? record.stage_first_step : record.step;
  run.clock_steps = stage_first - run.clock_first_step + run.total_steps + later_steps;
  run.rows = rows_of(setup, run);

  TAILOR_ASSIGN_OR_RETURN_AS_IS(run.evaluation, evaluation_of(setup, *run.stage, run.options, run.plan));
  run.learning_rate_field = spec.entries[static_cast<std::size_t>(run.stage->step_entry)].learning_rate;
  if (run.stage->eval_entry >= 0) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluator evaluator,
                                  Evaluator::create(executor, run.stage->eval_entry, trainer.train_slots));
    run.evaluator = std::make_unique<Evaluator>(std::move(evaluator));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const VariantId eval, evaluating_variant(spec, run.stage->eval_entry));
    run.val_batches = batches_of(setup.data.val, variant_of(spec, eval));
    run.test_batches = batches_of(setup.data.test, variant_of(spec, eval));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(run.statistics,
                                  StatisticsPass::create(executor, run.stage->eval_entry,
                                                         batch_size_of(spec, batch), trainer.train_slots));
  }
  for (const std::int32_t metric : variant_of(spec, run.variant).metrics) {
    const MetricField& field = spec.metrics[static_cast<std::size_t>(metric)];
    for (std::uint32_t element = 0; element < field.count; ++element)
      run.reports.push_back(
          {field.count == 1 ? field.name : concat(field.name, "[", element, "]"), &field, element});
  }
  for (StageRun::Reported& report : run.reports) {
    const auto count =
        std::find_if(run.reports.begin(), run.reports.end(), [&](const StageRun::Reported& other) {
          return other.name == count_report_name(report.name);
        });
    if (count == run.reports.end()) continue;
    report.count = static_cast<std::int32_t>(count - run.reports.begin());
    count->is_count = true;
  }
  if (!record.stage_begun) {
    TAILOR_RETURN_IF_ERROR_AS_IS(initialise(setup, run, record));
    record.batch_size = batch;
    record.steps_per_epoch = run.steps_per_epoch;
    record.stage_first_step = record.step;
    record.clock_first_step = run.clock_first_step;
    record.slots_first_step = run.slots_first_step;
    record.averages_first_step = run.averages_first_step;
    record.stage_begun = true;
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      work[static_cast<std::size_t>(record.stage)],
      work_of_stage(setup, *run.stage, run.plan, {run.steps_per_epoch, run.total_steps}));
  setup.time_left.plan(std::move(work), spec.memory.state);
  return run;
}

} // namespace tailor::runtime
