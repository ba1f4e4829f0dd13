#include "runtime/train/score.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/entry_names.h"
#include "runtime/base/exhaustion.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/data/open.h"
#include "runtime/exec/executors.h"
#include "runtime/metrics/summary.h"
#include "runtime/train/effective_options.h"
#include "runtime/train/evaluate.h"
#include "runtime/train/finite_check.h"
#include "runtime/train/predict.h"
#include "runtime/train/program_identity.h"

#include <algorithm>
#include <cmath>
#include <sys/stat.h>

namespace tailor::runtime {
namespace {

bool is_regular_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

/// A program with its weights in place and the data to score.
struct Scoring {
  Options options;
  std::unique_ptr<Executor> executor;
  Checkpoint checkpoint;
  DataPlan plan;
  Dataset data;
  bool is_own_split = false; ///< of the program's data, not a file of the user's
  ControlRows control;
  std::int32_t entry = -1;
};

/// The run's options if there is one, else the program's, with `--set` over them; `folder`: where relative data
/// paths start.
Result<Options> scoring_options(const Artifact& artifact, const ScoreOptions& options, std::string& folder) {
  const bool from_folder = !options.data.empty() && !is_regular_file(options.data);
  if (from_folder && !file_exists(options.data))
    return not_found("--data '", options.data, "' does not exist");
  if (from_folder) folder = options.data;
  if (options.run.empty() || !file_exists(Manifest::path(options.run))) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Options own, effective_options(artifact, options.set));
    if (from_folder) TAILOR_RETURN_IF_ERROR_AS_IS(check_data_folder(folder, own));
    return own;
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Manifest manifest, Manifest::read(options.run));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(ResumedOptions chosen, resumed_options(artifact, manifest, options.set));
  if (from_folder) TAILOR_RETURN_IF_ERROR_AS_IS(check_data_folder(folder, chosen.options));
  if (from_folder || manifest.data.empty()) return std::move(chosen.options);
  if (!is_regular_file(manifest.data))
    folder = manifest.data;
  else
    TAILOR_RETURN_IF_ERROR_AS_IS(apply_data_argument(manifest.data, chosen.options));
  return std::move(chosen.options);
}

Status open_scored_data(const ArtifactSpec& spec, const ScoreOptions& options, Scoring& scoring,
                        bool need_label) {
  if (!options.data.empty() && is_regular_file(options.data)) {
    if (!options.split.empty())
      return invalid_argument("--split ", options.split,
                              " names a part of the program's own data, but --data names the file '",
                              options.data, "', which is scored whole");
    std::vector<std::string> notes;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.data, open_extra(options.data, scoring.plan, spec.schema,
                                                           scoring.checkpoint.fitted, need_label, &notes));
    for (const std::string& note : notes)
      log_info("note: " + note);
    return {};
  }
  OpenOptions open;
  open.run_seed = scoring.checkpoint.record.seed;
  open.fitted = &scoring.checkpoint.fitted;
  Result<DataBundle> opened = open_data(scoring.plan, spec.schema, open);
  if (!opened.ok()) return at_option(scoring.options, std::move(opened).status());
  DataBundle bundle = *std::move(opened);
  const std::string split = options.split.empty() ? "test" : options.split;
  Dataset* const splits[] = {&bundle.train, &bundle.val, &bundle.test};
  const char* const names[] = {"train", "val", "test"};
  const auto found = std::find(std::begin(names), std::end(names), split);
  if (found == std::end(names)) return invalid_argument("--split ", split, ", expected train | val | test");
  scoring.data = std::move(*splits[found - std::begin(names)]);
  scoring.is_own_split = true;
  if (scoring.data.empty())
    return invalid_argument("the program's data have no ", split, " split: name a file with --data");
  log_info(
      concat("data     ", split, " split, ", scoring.data.num_rows, " rows of '", scoring.data.path, "'"));
  return {};
}

/// Checkpoints that training goes on from may hold running statistics of earlier weights (Trainer::save_progress).
void warn_of_old_statistics(const ArtifactSpec& spec, std::int32_t eval_entry, const TrainingRecord& record,
                            const std::string& weights) {
  const std::string name = statistics_entry_name(spec.entries[static_cast<std::size_t>(eval_entry)].name);
  const bool recomputes = std::any_of(spec.entries.begin(), spec.entries.end(), [&](const Entry& entry) {
    return entry.kind == EntryKind::kBatchNormRecompute && entry.name == name;
  });
  if (!recomputes || record.statistics_step == record.step) return;
  const std::string of = record.statistics_step < 0 ? std::string("not recomputed yet")
                                                    : concat("those of step ", record.statistics_step);
  log_warning(concat("'", weights, "' was written in the middle of training: its weights are of step ",
                     record.step, ", the running statistics they are evaluated with ", of,
                     "; a run that is resumed and stopped recomputes them"));
}

/// The states fit, but the same weights make something else of a row.
void warn_of_another_program(const ArtifactSpec& spec, const Checkpoint& checkpoint,
                             const std::string& weights) {
  const std::string difference = forward_difference(spec, checkpoint.program);
  if (!difference.empty())
    log_warning(concat("'", weights, "' was trained by another program: ", difference,
                       "; what is computed here may not be what was trained"));
}

/// `out` is none of the files that predicting with the options `chosen` reads.
Status check_predictions_file(const Artifact& artifact, const ScoreOptions& options, const Options& chosen,
                              const std::string& folder, const std::string& out) {
  std::vector<InputFile> inputs = {
      {"program", artifact.path()}, {"weights", options.weights}, {"data", options.data}};
  if (const Result<DataPlan> plan = data_plan_from(chosen, folder); plan.ok())
    for (auto& [what, path] : plan->source->files())
      inputs.push_back({what, path});
  return check_output(out, inputs);
}

Result<Scoring> open_scoring(const std::shared_ptr<const Artifact>& artifact, const ScoreOptions& options,
                             bool need_label) {
  const ArtifactSpec& spec = artifact->spec();
  if (spec.stages.empty()) return invalid_argument("'", spec.name, "' has no stage to take an entry from");
  Scoring scoring;
  std::string folder;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.options, scoring_options(*artifact, options, folder));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.plan, data_plan_from(scoring.options, folder));
  const Stage& stage = spec.stages.back();
  scoring.options = options_of_stage(scoring.options, stage.name);
  scoring.entry = stage.eval_entry;
  if (scoring.entry < 0) return invalid_argument("'", spec.name, "' was compiled without an eval entry");

  ExecutorOptions executor;
  executor.num_threads = std::max(options.threads, 1);
  executor.ring_length = 1;
  executor.num_slots = Evaluator::kSlots;
  const ExecutorFactory make = options.make_executor ? options.make_executor : runtime::make_executor;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.executor, make(artifact, executor));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.checkpoint,
                                load_checkpoint(*scoring.executor, options.weights, CheckpointUse::kWeights));
  TAILOR_RETURN_IF_ERROR(check_finite_states(spec, scoring.checkpoint), concat("'", options.weights, "'"));
  warn_of_another_program(spec, scoring.checkpoint, options.weights);
  warn_of_old_statistics(spec, scoring.entry, scoring.checkpoint.record, options.weights);
  TAILOR_RETURN_IF_ERROR_AS_IS(restore(*scoring.executor, scoring.checkpoint));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.control, ControlRows::create(*scoring.executor, scoring.options));
  TAILOR_RETURN_IF_ERROR(open_scored_data(spec, options, scoring, need_label), "opening the data");
  return scoring;
}

} // namespace

Result<std::int64_t> predict(std::shared_ptr<const Artifact> artifact, const ScoreOptions& options,
                             const std::string& out_path) {
  return with_exhaustion_as_status("predicting", [&]() -> Result<std::int64_t> {
    std::string folder;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const Options chosen, scoring_options(*artifact, options, folder));
    TAILOR_RETURN_IF_ERROR_AS_IS(check_predictions_file(*artifact, options, chosen, folder, out_path));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const PredictionColumns columns,
                                  options.columns.empty() ? PredictionColumns::from(chosen)
                                                          : PredictionColumns::named(options.columns));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const Scoring scoring, open_scoring(artifact, options, columns.label));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluator evaluator,
                                  Evaluator::create(*scoring.executor, scoring.entry, 0));
    TAILOR_RETURN_IF_ERROR_AS_IS(write_predictions(evaluator, scoring.data, scoring.control,
                                                   artifact->spec().schema, columns, out_path));
    return scoring.data.num_rows;
  });
}

Result<EvaluationResult> evaluate_weights(std::shared_ptr<const Artifact> artifact,
                                          const ScoreOptions& options, SeenRows* seen) {
  return with_exhaustion_as_status("evaluating", [&]() -> Result<EvaluationResult> {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const Scoring scoring, open_scoring(artifact, options, true));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(
        const EvaluationPlan plan,
        evaluation_plan(artifact->spec(), scoring.options, scoring.checkpoint.fitted));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluator evaluator,
                                  Evaluator::create(*scoring.executor, scoring.entry, 0));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluation evaluation, Evaluation::create(plan));
    const auto add_batch = [&](const EvaluatedBatch& batch) -> Status {
      TAILOR_RETURN_IF_ERROR_AS_IS(check_finite_logits(
          batch.logits, evaluator.logits_width(), batch.first_row, scoring.data, artifact->spec().schema));
      return evaluation.add(batch.logits, batch.labels, batch.valid);
    };
    TAILOR_RETURN_IF_ERROR_AS_IS(evaluator.for_each_batch(scoring.data, scoring.control, add_batch));
    if (!scoring.is_own_split) {
      const SeenRows rows = seen_rows(scoring.data, scoring.plan, artifact->spec(), scoring.checkpoint);
      if (const std::string text = seen_rows_warning(rows, scoring.data, scoring.checkpoint.record);
          !text.empty())
        log_warning(text);
      if (!rows.known)
        log_info(concat("note: whether '", scoring.data.path,
                        "' holds rows that were trained on is not known: ", rows.why_unknown));
      if (seen) *seen = rows;
    }
    return evaluation.finish();
  });
}

std::string evaluation_table(const EvaluationResult& result, const DataSchema& schema) {
  std::string text = concat("rows  ", result.num_rows, "\n");
  const auto line = [&](const std::string& name, std::optional<double> value) {
    text += concat(name, std::string(name.size() < 22 ? 22 - name.size() : 1, ' '), metric_text(value), "\n");
  };
  for (const Metric& metric : result.metrics) {
    const auto group = std::find_if(result.groups.begin(), result.groups.end(),
                                    [&](const ClassGroup& known) { return known.name == metric.name; });
    line(group == result.groups.end() ? metric.name
                                      : concat(metric.name, " (", group->classes.size(),
                                               group->classes.size() == 1 ? " class)" : " classes)"),
         metric.value);
  }
  constexpr std::size_t kShown = 20;
  const ConfusionMatrix& confusion = result.confusion;
  const auto num_classes = static_cast<std::size_t>(confusion.num_classes());
  const auto name_of = [&](std::size_t k) {
    return k < schema.class_names.size() ? schema.class_names[k] : concat(k);
  };
  const auto cell = [](const std::string& value, std::size_t width) {
    return std::string(value.size() < width ? width - value.size() : 1, ' ') + value;
  };
  std::size_t width = 5;
  for (std::size_t k = 0; k < std::min(num_classes, kShown); ++k)
    width = std::max(width, name_of(k).size());
  text += concat("class", std::string(width - 5, ' '), cell("training", 10), cell("rows", 10),
                 cell("accuracy", 10), cell("precision", 11), "\n");
  for (std::size_t k = 0; k < std::min(num_classes, kShown); ++k) {
    const auto of_class = static_cast<std::int32_t>(k);
    const bool known = k < result.train_class_counts.size();
    text += concat(name_of(k), std::string(width - name_of(k).size(), ' '),
                   cell(known ? concat(result.train_class_counts[k]) : "", 10),
                   cell(concat(confusion.class_rows(of_class)), 10),
                   cell(metric_text(confusion.class_accuracy(of_class)), 10),
                   cell(metric_text(confusion.precision(of_class)), 11), "\n");
  }
  if (num_classes > kShown) return concat(text, "... (", num_classes, " classes; --json has all of them)\n");
  text += "confusion (rows: true class, columns: decision, in the same order)\n";
  for (std::size_t truth = 0; truth < num_classes; ++truth) {
    text += name_of(truth) + std::string(width - name_of(truth).size(), ' ');
    for (std::size_t decided = 0; decided < num_classes; ++decided)
      text +=
          cell(concat(confusion.at(static_cast<std::int32_t>(truth), static_cast<std::int32_t>(decided))), 9);
    text += '\n';
  }
  return text;
}

std::string evaluation_to_json(const EvaluationResult& result, const DataSchema& schema,
                               const SeenRows* seen) {
  OptionValue::Table metrics, classes;
  for (const Metric& metric : result.metrics)
    metrics.emplace_back(metric.name, json_number(metric.value));
  for (std::size_t k = 0; k < result.class_accuracy.size(); ++k)
    classes.emplace_back(k < schema.class_names.size() ? schema.class_names[k]
                                                       : result.class_accuracy[k].name,
                         json_number(result.class_accuracy[k].value));
  OptionValue::Table all = {{"rows", OptionValue(result.num_rows)},
                            {"metrics", OptionValue(std::move(metrics))},
                            {"class_accuracy", OptionValue(std::move(classes))}};
  if (seen)
    all.emplace_back("seen_rows", seen->known
                                      ? OptionValue(OptionValue::Table{{"train", OptionValue(seen->train)},
                                                                       {"val", OptionValue(seen->val)},
                                                                       {"test", OptionValue(seen->test)}})
                                      : OptionValue());
  add_class_counts(all, "", result.confusion);
  return OptionValue(std::move(all)).to_json() + "\n";
}

} // namespace tailor::runtime
