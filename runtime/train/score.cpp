#include "runtime/train/score.h"

#include "runtime/base/exhaustion.h"
#include "runtime/base/log.h"
#include "runtime/data/open.h"
#include "runtime/train/effective_options.h"
#include "runtime/train/evaluate.h"
#include "runtime/train/finite_check.h"
#include "runtime/train/predict.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
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
  Dataset data;
  ControlRows control;
  std::int32_t entry = -1;
};

Result<Dataset> open_scored_data(const ArtifactSpec& spec, const Scoring& scoring, const std::string& path,
                                 bool need_label) {
  const bool folder = !path.empty() && !is_regular_file(path);
  if (folder && !file_exists(path)) return not_found("--data '", path, "' does not exist");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataPlan plan, data_plan_from(scoring.options, folder ? path : ""));
  if (!path.empty() && !folder) {
    std::vector<std::string> notes;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(
        Dataset data, open_extra(path, plan, spec.schema, scoring.checkpoint.fitted, need_label, &notes));
    for (const std::string& note : notes)
      log_info("note: " + note);
    return data;
  }
  OpenOptions open;
  open.run_seed = scoring.checkpoint.record.seed;
  open.fitted = &scoring.checkpoint.fitted;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(DataBundle bundle, open_data(plan, spec.schema, open));
  if (bundle.test.empty())
    return invalid_argument("the program's data have no test split: name a file with --data");
  return std::move(bundle.test);
}

Result<Scoring> open_scoring(const std::shared_ptr<const Artifact>& artifact, const ScoreOptions& options,
                             bool need_label) {
  const ArtifactSpec& spec = artifact->spec();
  if (spec.stages.empty()) return invalid_argument("'", spec.name, "' has no stage to take an entry from");
  Scoring scoring;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.options, effective_options(*artifact, options.set));
  const Stage& stage = spec.stages.back();
  scoring.options.merge(stage.options);
  scoring.entry = stage.predict_entry >= 0 ? stage.predict_entry : stage.eval_entry;
  if (scoring.entry < 0) return invalid_argument("'", spec.name, "' was compiled without an eval entry");

  ExecutorOptions executor;
  executor.num_threads = std::max(options.threads, 1);
  executor.ring_length = 1;
  executor.num_slots = Evaluator::kSlots;
  const ExecutorFactory make = options.make_executor ? options.make_executor : make_cpu_executor;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.executor, make(artifact, executor));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.checkpoint,
                                load_checkpoint(*scoring.executor, options.weights, CheckpointUse::kWeights));
  TAILOR_RETURN_IF_ERROR(check_finite_states(spec, scoring.checkpoint), concat("'", options.weights, "'"));
  TAILOR_RETURN_IF_ERROR_AS_IS(restore(*scoring.executor, scoring.checkpoint));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(scoring.control,
                                ControlRows::create(*scoring.executor, scoring.options, stage));
  TAILOR_ASSIGN_OR_RETURN(scoring.data, open_scored_data(spec, scoring, options.data, need_label),
                          "opening the data");
  return scoring;
}

} // namespace

Result<std::int64_t> predict(std::shared_ptr<const Artifact> artifact, const ScoreOptions& options,
                             const std::string& out_path) {
  return with_exhaustion_as_status("predicting", [&]() -> Result<std::int64_t> {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const Scoring scoring, open_scoring(artifact, options, false));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const PredictionColumns columns, PredictionColumns::from(scoring.options));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluator evaluator,
                                  Evaluator::create(*scoring.executor, scoring.entry, 0));
    TAILOR_RETURN_IF_ERROR_AS_IS(write_predictions(evaluator, scoring.data, scoring.control,
                                                   artifact->spec().schema, columns, out_path));
    return scoring.data.num_rows;
  });
}

Result<EvaluationResult> evaluate_weights(std::shared_ptr<const Artifact> artifact,
                                          const ScoreOptions& options) {
  return with_exhaustion_as_status("evaluating", [&]() -> Result<EvaluationResult> {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const Scoring scoring, open_scoring(artifact, options, true));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(
        const EvaluationPlan plan,
        evaluation_plan(artifact->spec(), scoring.options, scoring.checkpoint.fitted));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluator evaluator,
                                  Evaluator::create(*scoring.executor, scoring.entry, 0));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Evaluation evaluation, Evaluation::create(plan));
    const auto add_batch = [&](std::span<const float> logits, std::span<const std::int32_t> labels,
                               std::int32_t valid, std::int64_t first_row) -> Status {
      TAILOR_RETURN_IF_ERROR_AS_IS(check_finite_logits(logits, evaluator.logits_width(), first_row,
                                                       scoring.data, artifact->spec().schema));
      return evaluation.add(logits, labels, valid);
    };
    TAILOR_RETURN_IF_ERROR_AS_IS(evaluator.for_each_batch(scoring.data, scoring.control, add_batch));
    return evaluation.finish();
  });
}

std::string evaluation_table(const EvaluationResult& result, const DataSchema& schema) {
  std::string text = concat("rows  ", result.num_rows, "\n");
  const auto line = [&](const std::string& name, std::optional<double> value) {
    char buffer[32] = "absent";
    if (value) std::snprintf(buffer, sizeof(buffer), "%.6g", *value);
    text += concat(name, std::string(name.size() < 22 ? 22 - name.size() : 1, ' '), buffer, "\n");
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
  for (std::size_t k = 0; k < std::min(result.class_accuracy.size(), kShown); ++k)
    line("accuracy of " +
             (k < schema.class_names.size() ? schema.class_names[k] : result.class_accuracy[k].name),
         result.class_accuracy[k].value);
  if (result.confusion.num_classes() > static_cast<std::int32_t>(kShown)) return text;
  text += "confusion (rows: true class, columns: decision)\n";
  for (std::int32_t truth = 0; truth < result.confusion.num_classes(); ++truth) {
    for (std::int32_t decided = 0; decided < result.confusion.num_classes(); ++decided) {
      const std::string count = concat(result.confusion.at(truth, decided));
      text += std::string(count.size() < 9 ? 9 - count.size() : 1, ' ') + count;
    }
    text += '\n';
  }
  return text;
}

std::string evaluation_to_json(const EvaluationResult& result, const DataSchema& schema) {
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
  add_class_counts(all, "", result.confusion);
  return OptionValue(std::move(all)).to_json() + "\n";
}

} // namespace tailor::runtime
