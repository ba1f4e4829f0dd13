#include "runtime/train/run.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/cpu_count.h"
#include "runtime/base/exhaustion.h"
#include "runtime/base/file.h"
#include "runtime/base/folder_lock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory_limit.h"
#include "runtime/base/process_memory.h"
#include "runtime/base/wording.h"
#include "runtime/data/long_tail.h"
#include "runtime/exec/executors.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/train/latest_run.h"
#include "runtime/train/predict.h"
#include "runtime/train/pretrained.h"
#include "runtime/train/run_folder.h"
#include "runtime/train/run_memory.h"
#include "runtime/train/stop_signal.h"
#include "runtime/train/trainer.h"
#include "runtime/train/watched.h"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>

namespace tailor::runtime {
namespace {

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// More threads than the widest command has chunks would only wait.
std::int32_t useful_threads(const ArtifactSpec& spec, std::int32_t wanted) {
  std::uint32_t most_chunks = 1;
  for (const Entry& entry : spec.entries)
    for (const Variant& variant : entry.variants)
      for (const Command& command : variant.commands)
        most_chunks = std::max(most_chunks, command.num_chunks);
  const auto threads = static_cast<std::uint32_t>(wanted > 0 ? wanted : available_cpus());
  return static_cast<std::int32_t>(std::min(threads, most_chunks));
}

std::string class_line(const RunResult& result) {
  std::string text = "classes";
  constexpr std::size_t kShown = 12;
  for (std::size_t k = 0; k < std::min(result.class_counts.size(), kShown); ++k)
    text += concat(k ? ", " : "  ", k < result.class_names.size() ? result.class_names[k] : concat(k), " ",
                   result.class_counts[k]);
  if (result.class_counts.size() > kShown) text += concat(", ... (", result.class_counts.size(), " in all)");
  return concat(text, "  ", format_ratio(result.imbalance_ratio()));
}

/// Batch slots of the training loader: a launch in use, the next one ready and a few more; beyond that as
/// many as fit in 1 MiB, because a loader that works far ahead needs to be woken rarely.
std::uint32_t train_slots_for(const ArtifactSpec& spec, std::uint32_t ring_length) {
  constexpr std::uint64_t kBytes = 1 << 20;
  constexpr std::uint64_t kMost = 256;
  const std::uint64_t fitting = std::min(kBytes / std::max<std::uint64_t>(spec.memory.slot, 1), kMost);
  return std::max(2 * ring_length + 4, static_cast<std::uint32_t>(fitting));
}

/// What is the same for all seeds of a run.
struct RunSetup {
  std::shared_ptr<const Artifact> artifact;
  Options options;
  DataPlan data_plan;
  std::string out;
  std::string latest; ///< link to `out` for what follows a run; empty: the folder was named
  std::int64_t batch = 0;
  Manifest manifest; ///< as it will be on disk
  bool write_manifest = true;
  bool program_of_run = true;             ///< not another one than the resumed run's
  std::vector<std::string> kept, changed; ///< by a resume
  PretrainedWeights weights;
  std::unique_ptr<Executor> executor;
  std::uint64_t first_seed = 0;
  std::int64_t num_seeds = 1;
  std::uint32_t train_slots = 0;
  bool reopen_data_per_seed = false;
  RunMemory memory; ///< without the data
};

/// `--out`, else `run.out`, else a new one, with the name of the link to it. Known before the options: a resumed
/// run keeps them there.
Result<std::string> out_folder(const Artifact& artifact, const RunOptions& options, std::string& latest) {
  if (!options.out.empty()) return options.out;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const RunKeys run, read_keys<RunKeys>(artifact.spec().options));
  std::string out = run.out;
  for (const auto& [key, text] : options.set)
    if (key == key_name(&RunKeys::out)) out = text;
  if (!out.empty()) return out;
  if (options.resume) return invalid_argument("--resume needs --out, the folder of the run to go on with");
  // Another run may have begun in the same second.
  const std::string program = folder_name_of(artifact.spec().name);
  const std::string name = concat("runs/", program, "-", utc_folder_suffix());
  out = name;
  for (int i = 2; file_exists(out); ++i)
    out = concat(name, "-", i);
  latest = latest_run_link(program);
  return out;
}

/// What shapes the machine code of `artifact` and not that of the program in `folder`: the numbers go on from the same
/// checkpoint, and their last bits are those of other code. Empty: nothing, or the program is lost.
std::string other_code(const Artifact& artifact, const std::string& folder) {
  const Result<std::shared_ptr<const Artifact>> before = Artifact::open(program_path(folder));
  if (!before.ok()) return "";
  const auto made_for = [](const ArtifactSpec& spec) {
    std::vector<std::string> words = {"--target", concat(spec.target.backend, ":", spec.target.name)};
    words.insert(words.end(), spec.compile_flags.begin(), spec.compile_flags.end());
    return concat(spec.producer, " ", shell_words(words));
  };
  const std::string now = made_for(artifact.spec()), was = made_for((*before)->spec());
  return now == was ? "" : concat("code by ", now, " (was by ", was, "), whose last bits may differ");
}

/// Options, batch size and data: of the command line, else of the run that is resumed, else of the program.
Status choose(const RunOptions& options, RunSetup& setup) {
  const Artifact& artifact = *setup.artifact;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(setup.out, out_folder(artifact, options, setup.latest));
  std::string data = options.data;
  setup.batch = options.batch;
  if (options.resume) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Resumption resumption, read_resumption(setup.out, artifact, options.set));
    setup.options = std::move(resumption.options.options);
    setup.kept = std::move(resumption.options.kept);
    setup.changed = std::move(resumption.options.changed);
    setup.manifest = std::move(resumption.manifest);
    TAILOR_RETURN_IF_ERROR_AS_IS(check_same_weights(setup.manifest.options, setup.options));
    if (data.empty()) data = setup.manifest.data;
    if (options.batch == 0) setup.batch = setup.manifest.batch;
    if (data != setup.manifest.data)
      setup.changed.push_back(concat("--data ", data, " (was '", setup.manifest.data, "')"));
    const bool another_program = setup.manifest.artifact != identity_text(artifact);
    if (another_program)
      if (std::string code = other_code(artifact, setup.out); !code.empty())
        setup.changed.push_back(std::move(code));
    setup.write_manifest = another_program || !setup.changed.empty() || setup.batch != setup.manifest.batch;
    setup.program_of_run = !another_program;
  } else {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(setup.options, effective_options(artifact, options.set));
    TAILOR_RETURN_IF_ERROR_AS_IS(check_start_folder(setup.out));
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(apply_data_argument(data, setup.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(setup.data_plan, data_plan_from(setup.options, is_folder(data) ? data : ""));

  Manifest now = Manifest::of(artifact, setup.options);
  now.data = data;
  now.batch = setup.batch;
  now.loader_threads = options.loader_threads;
  now.command_line = options.command_line;
  if (options.resume) { // how and when it started stays
    now.started = setup.manifest.started;
    now.weights = setup.manifest.weights;
    now.command_line = setup.manifest.command_line;
  }
  setup.manifest = std::move(now);
  return {};
}

/// Pretrained weights, against the program: before data are opened. A run that goes on reads them only for seeds
/// that have not begun, and then the same bytes.
Status read_weights(bool resume, RunSetup& setup) {
  const ArtifactSpec& spec = setup.artifact->spec();
  TAILOR_RETURN_IF_ERROR_AS_IS(check_stage_weights(spec));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(setup.weights, PretrainedWeights::from(setup.options));
  if (setup.weights.empty()) return {};
  if (!resume) {
    Result<std::string> hash = setup.weights.check(spec);
    if (!hash.ok())
      return at_option(setup.options, std::move(hash).status().about(key_name(&ModelKeys::weights_file)));
    setup.manifest.weights = *std::move(hash);
  }
  setup.weights.expect(setup.manifest.weights);
  return {};
}

Result<RunSetup> set_up(std::shared_ptr<const Artifact> artifact, const RunOptions& options) {
  RunSetup setup;
  setup.artifact = artifact;
  const ArtifactSpec& spec = artifact->spec();
  if (spec.stages.empty()) return invalid_argument("'", spec.name, "' has no training stage");
  TAILOR_RETURN_IF_ERROR_AS_IS(choose(options, setup));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_weights(options.resume, setup));
  std::int64_t steps_per_launch = 1;
  bool keeps_best = false;
  for (const Stage& stage : spec.stages) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const LoopPlan loop,
                                  LoopPlan::from(options_of_stage(setup.options, stage.name)));
    keeps_best = keeps_best || !loop.select.empty();
    steps_per_launch = std::max(steps_per_launch, loop.steps_per_launch);
  }
  // Read by predict only: refused now rather than when the weights are there.
  TAILOR_RETURN_IF_ERROR_AS_IS(PredictionColumns::from(setup.options).status());

  TAILOR_ASSIGN_OR_RETURN_AS_IS(const RunKeys run, read_keys<RunKeys>(setup.options));
  setup.num_seeds = run.seeds;
  setup.first_seed = static_cast<std::uint64_t>(run.seed);
  setup.reopen_data_per_seed = setup.data_plan.follows_run_seed();

  ExecutorOptions executor;
  executor.num_threads =
      useful_threads(spec, options.threads > 0 ? options.threads : static_cast<std::int32_t>(run.threads));
  executor.ring_length = static_cast<std::uint32_t>(steps_per_launch);
  setup.train_slots = train_slots_for(spec, executor.ring_length);
  executor.num_slots = setup.train_slots + Evaluator::kSlots;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(setup.memory,
                                RunMemory::of(spec, executor, keeps_best, setup.batch, process_memory()));
  TAILOR_RETURN_IF_ERROR_AS_IS(setup.memory.check(memory_limit()));
  const ExecutorFactory make = options.make_executor ? options.make_executor : runtime::make_executor;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(setup.executor, make(artifact, executor));
  setup.manifest.threads = setup.executor->options().num_threads;
  if (options.prepare_executor) TAILOR_RETURN_IF_ERROR_AS_IS(options.prepare_executor(*setup.executor));
  return setup;
}

std::string counted(std::int64_t count, const char* what) {
  return concat(count, " ", what, count == 1 ? "" : "s");
}

/// Why a seed ended, which epoch is reported and by what.
std::string reason_of(const TrainingRecord& record) {
  const std::string done = concat(counted(record.step, "step"), ", ", counted(record.epoch, "epoch"));
  std::string reason;
  if (record.outcome == "early_stop")
    reason = concat("stopped early after epoch ", record.epoch, ": val/", record.stop_best.by.metric,
                    " was not better for ", counted(record.epochs_without_gain, "epoch"), " (",
                    key_name(&RunKeys::early_stop_patience), ")");
  else
    reason = concat(record.outcome.empty() ? "not finished: " : "finished: ", done);
  if (record.best.epoch >= 0)
    return concat(reason, "; best is epoch ", record.best.epoch + 1, " with val/", record.best.by.metric, " ",
                  metric_text(record.best.value), ", kept as best.safetensors");
  if (!record.best.by.empty() && record.epoch > 0)
    return concat(reason, "; val/", record.best.by.metric,
                  " was absent in every epoch: the last epoch is reported, and there is no best.safetensors");
  if (record.last_val.empty() && record.last_test.empty()) return reason;
  return concat(reason, "; the last epoch is reported: neither ", key_name(&RunKeys::keep_best), " nor ",
                key_name(&RunKeys::early_stop_on), " is set");
}

SeedResult seed_result(const TrainingRecord& record) {
  SeedResult result;
  result.seed = record.seed;
  result.outcome = record.outcome.empty() ? "stopped" : record.outcome;
  result.reason = reason_of(record);
  result.epochs = record.epoch;
  result.steps = record.step;
  result.train_loss = metric_value(record.last_train, "loss");
  result.ms_per_step = record.step > 0 ? 1e3 * record.train_seconds / static_cast<double>(record.step) : 0;
  const bool selected = record.best.epoch >= 0;
  result.last_val = record.last_val;
  result.last_test = record.last_test;
  result.val = selected ? record.best_val : record.last_val;
  result.test = selected ? record.best_test : record.last_test;
  if (selected) {
    result.reported_epoch = record.best.epoch;
    result.selected_on = "val/" + record.best.by.metric;
    result.selected_value = record.best.value;
  } else if (!result.val.empty() || !result.test.empty()) {
    result.reported_epoch = record.epoch - 1;
  }
  return result;
}

/// What an average hides: classes of which the reported weights get no validation row right. Empty: none.
std::string unrecognised_classes(const SeedResult& seed, const DataBundle& data) {
  constexpr std::size_t kShown = 5;
  std::string names;
  std::size_t count = 0;
  const std::vector<std::int64_t>& training = data.train.class_counts;
  const std::int64_t most = training.empty() ? 0 : *std::max_element(training.begin(), training.end());
  bool rare = true; // all of them
  for (std::size_t k = 0; k < data.val.class_counts.size(); ++k) {
    const std::string& name = data.fitted.class_names[k];
    if (metric_value(seed.val, "class_accuracy/" + name) != 0.0) continue;
    rare = rare && training[k] < most;
    if (count++ < kShown)
      names += concat(count > 1 ? ", '" : "'", name, "' (", data.val.class_counts[k],
                      count > 1                       ? ")"
                      : data.val.class_counts[k] == 1 ? " row)"
                                                      : " rows)");
  }
  if (count == 0) return "";
  return concat(
      "seed ", seed.seed, ": the weights of epoch ", seed.reported_epoch + 1,
      " recognise no validation row of ",
      count == 1 ? "class " : concat(count, " of ", data.val.class_counts.size(), " classes: "), names,
      count > kShown ? ", ..." : "",
      rare ? "; weighted losses, logit adjustment and balanced sampling raise the recall of rare classes"
           : "");
}

/// Mean and standard error of every metric over the seeds that finished and have it.
std::vector<MetricSummary> summaries(const std::vector<SeedResult>& seeds) {
  std::vector<MetricSummary> all;
  for (const auto& [split, metrics] :
       {std::pair("val/", &SeedResult::val), std::pair("test/", &SeedResult::test)}) {
    std::vector<std::string> names; // in the order in which they first came
    std::unordered_map<std::string, std::vector<double>> values;
    for (const SeedResult& seed : seeds)
      for (const auto& [name, value] : seed.*metrics) {
        const auto [known, is_new] = values.try_emplace(name);
        if (is_new) names.push_back(name);
        if (seed.outcome != "stopped" && value) known->second.push_back(*value);
      }
    for (const std::string& name : names)
      all.push_back({split + name, summarise(values[name])});
  }
  return all;
}

/// "batch    16 rows a step; --batch takes 8 as well": what the first stage trains with.
Result<std::string> batch_line(const ArtifactSpec& spec, std::int64_t batch) {
  const std::int32_t step = spec.stages.front().step_entry;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const VariantId chosen, variant_for(spec, step, batch));
  const Entry& entry = spec.entries[static_cast<std::size_t>(step)];
  const std::int64_t rows = batch_size_of(spec, entry, variant_of(spec, chosen));
  std::string others;
  for (const Variant& variant : entry.variants)
    if (const std::int64_t size = batch_size_of(spec, entry, variant); size != rows)
      others += concat(others.empty() ? "" : ", ", size);
  const std::string parts = micro_batches(spec) == 1 ? "" : concat(micro_batches(spec), " micro-batches of ");
  return concat("batch    ", parts, counted(rows, "row"), " a step",
                others.empty() ? "" : concat("; --batch takes ", others, " as well"));
}

/// What the data are, and what they cannot tell. Without `print` only what is to be known of them.
Status describe_data(const RunSetup& setup, const DataBundle& data, RunResult& result, Warnings& warnings,
                     bool print) {
  const ArtifactSpec& spec = setup.executor->spec();
  result.class_names = data.fitted.class_names;
  result.class_counts = data.train.class_counts;
  result.val_class_counts = data.val.class_counts;
  result.train_rows = data.train.num_rows;
  result.val_rows = data.val.num_rows;
  result.test_rows = data.test.num_rows;
  if (print) {
    log_info(concat("data     train ", result.train_rows, ", val ", result.val_rows, ", test ",
                    result.test_rows, " rows"));
    log_info(class_line(result));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string batch, batch_line(spec, setup.batch));
    log_info(batch);
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvaluationPlan evaluation,
                                evaluation_plan(spec, setup.options, data.fitted));
  TAILOR_ASSIGN_OR_RETURN(const std::vector<std::string> absent,
                          absent_class_warnings(evaluation, data, spec.schema),
                          concat("'", key_name(&EvalKeys::metrics), "'"));
  for (const std::vector<std::string>& said : {absent, data.warnings})
    for (const std::string& warning : said)
      warnings.say(warning);
  RunMemory memory = setup.memory;
  memory.add(data);
  if (print) log_info("memory   " + memory.text());
  if (const std::string text = memory.warning(memory_limit()); !text.empty()) warnings.say(text);
  for (const std::string& note : data.notes)
    warnings.note(note);
  return {};
}

/// How many classes each group of the table has; nothing before data were opened.
Result<std::vector<std::pair<std::string, std::int64_t>>>
group_sizes(const RunSetup& setup, const std::vector<std::int64_t>& class_counts) {
  std::vector<std::pair<std::string, std::int64_t>> sizes;
  if (class_counts.empty()) return sizes;
  std::vector<ClassGroup> groups = minority_majority(class_counts);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<ClassGroup> by_size,
                                few_med_many(class_counts, setup.data_plan.groups));
  groups.insert(groups.end(), by_size.begin(), by_size.end());
  for (const ClassGroup& group : groups)
    sizes.emplace_back(group.name, std::ssize(group.classes));
  return sizes;
}

/// program.tailor holds the program, as it was verified. Also where a full disk or a kill kept a former start
/// from writing it, or something else damaged it.
Status write_program(const RunSetup& setup) {
  const std::string path = program_path(setup.out);
  const std::span<const std::byte> program = setup.artifact->bytes();
  if (const auto there = read_bytes(path); there.ok() && std::ranges::equal(*there, program)) return {};
  return write_file_atomic(path, std::span(&program, 1));
}

/// manifest.json and program.tailor, when the first seed is ready to train: a start that fails before leaves
/// a former manifest as it is. The manifest first: with it a run that is killed in between can be resumed, which
/// writes the program.
Status write_start(const RunSetup& setup) {
  if (setup.write_manifest)
    TAILOR_RETURN_IF_ERROR_AS_IS(write_file_atomic(Manifest::path(setup.out), setup.manifest.to_json()));
  TAILOR_RETURN_IF_ERROR_AS_IS(write_program(setup));
  if (!setup.changed.empty())
    log_info(concat("changed  ", listed(setup.changed), "; recorded in ", Manifest::path(setup.out)));
  return {};
}

/// What to say of seeds that a resume found finished. `trained`: others went on.
void report_finished(const RunSetup& setup, const std::vector<std::string>& finished, bool trained,
                     bool told) {
  if (!told)
    for (const std::string& seed : finished)
      log_info(seed);
  if (trained || finished.empty() || setup.changed.empty()) return;
  log_warning(concat(listed(setup.changed), " has no effect: the run is finished"));
  log_info(concat("hint: a larger ", key_name(&RunKeys::epochs), " (or ", key_name(&RunKeys::steps),
                  ") goes on with it; everything else needs a run of its own, with another --out"));
}

Result<Checkpoint> load_last(const RunSetup& setup, const std::string& path) {
  Result<Checkpoint> checkpoint = load_checkpoint(*setup.executor, path, CheckpointUse::kResume);
  if (checkpoint.ok() || checkpoint.status().code() != StatusCode::kIncompatible) return checkpoint;
  return Status(checkpoint.status())
      .with_hint(concat("the program it was trained by is ", program_path(setup.out)));
}

/// Of stages with a clock of their own.
void say_warmup_notes(const RunSetup& setup, Warnings& warnings) {
  const std::vector<Stage>& stages = setup.artifact->spec().stages;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].continues || (i + 1 < stages.size() && stages[i + 1].continues)) continue;
    const std::string text = warmup_note(options_of_stage(setup.options, stages[i].name));
    if (text.empty()) continue;
    warnings.say(stages.size() > 1 ? concat("stage '", stages[i].name, "': ", text) : text);
  }
}

/// Where the seeds after `seed` are. Of one that cannot be read its own turn will tell; until then it counts as whole.
std::vector<TimeLeft::Position> positions_after(const RunSetup& setup, std::uint64_t seed, bool resume) {
  std::vector<TimeLeft::Position> positions;
  for (std::uint64_t later = seed + 1; later < setup.first_seed + static_cast<std::uint64_t>(setup.num_seeds);
       ++later) {
    TimeLeft::Position& position = positions.emplace_back();
    const std::string last = Trainer::last_path(concat(setup.out, "/seed-", later));
    if (!resume || !file_exists(last)) continue;
    const Result<TrainingRecord> record = read_record(last);
    if (!record.ok()) continue;
    // A finished seed stands behind its last stage; there may be more of that to do now.
    const std::int64_t last_stage = std::ssize(setup.artifact->spec().stages) - 1;
    position = {std::min(record->stage, last_stage), record->step - record->stage_first_step,
                record->stage_epoch};
  }
  return positions;
}

/// The folders on the way to `path` that are not there yet; those that are empty at the end go again: a start that fails
/// leaves nothing behind.
class NewFolders {
public:
  explicit NewFolders(const std::string& path) {
    for (std::size_t end = path.size(); end > 0 && end != std::string::npos; end = path.rfind('/', end - 1)) {
      const std::string folder = path.substr(0, end);
      if (file_exists(folder)) break;
      folders_.push_back(folder);
    }
  }
  ~NewFolders() {
    for (const std::string& folder : folders_) // rmdir() leaves one that holds something
      if (::rmdir(folder.c_str()) != 0) break;
  }
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;

private:
  std::vector<std::string> folders_; ///< innermost first
};

Result<RunResult> run_seeds(const std::shared_ptr<const Artifact>& artifact, const RunOptions& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(RunSetup setup, set_up(artifact, options));
  const NewFolders new_folders(setup.out);
  TAILOR_RETURN_IF_ERROR_AS_IS(make_folders(setup.out));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const FolderLock lock, FolderLock::take(setup.out));
  for (const std::string& path : {Manifest::path(setup.out), program_path(setup.out), result_path(setup.out)})
    remove_temporaries(path);
  RunResult result;
  result.out = setup.out;
  const Options last_options = options_of_stage(setup.options, artifact->spec().stages.back().name);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvalKeys eval, read_keys<EvalKeys>(last_options));
  result.shown = eval.metrics;
  Warnings own;
  Warnings& warnings = options.warnings ? *options.warnings : own;
  say_warmup_notes(setup, warnings);
  if (!setup.kept.empty() && !options.quiet)
    log_info(concat("options  ", listed(setup.kept), ", as the run has them"));

  std::optional<DataBundle> data;
  std::vector<std::string> finished;
  bool trained = false;
  TimeLeft time_left;
  for (std::int64_t s = 0; s < setup.num_seeds && result.signal == 0; ++s) {
    TrainerOptions trainer_options;
    trainer_options.seed = setup.first_seed + static_cast<std::uint64_t>(s);
    trainer_options.folder = concat(setup.out, "/seed-", trainer_options.seed);
    trainer_options.batch = setup.batch;
    trainer_options.loader_threads = options.loader_threads;
    trainer_options.stop_after_steps = options.stop_after_steps;
    trainer_options.quiet = options.quiet;
    trainer_options.train_slots = setup.train_slots;
    if (!setup.weights.empty()) trainer_options.weights = &setup.weights;

    const std::string best = Trainer::best_path(trainer_options.folder);
    for (const std::string& path : {Trainer::last_path(trainer_options.folder), best, best + ".next"})
      remove_temporaries(path);
    std::optional<Checkpoint> checkpoint;
    if (options.resume) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const SeedProgress progress,
                                    seed_progress(setup.out, trainer_options.seed));
      if (progress == SeedProgress::kLogOnly)
        log_warning(concat("seed ", trainer_options.seed, " has a log but no checkpoint in '",
                           trainer_options.folder, "': it starts anew, and so does its log"));
      if (progress == SeedProgress::kCheckpoint) {
        TAILOR_ASSIGN_OR_RETURN_AS_IS(checkpoint,
                                      load_last(setup, Trainer::last_path(trainer_options.folder)));
      }
    }
    if (!data || setup.reopen_data_per_seed || checkpoint) {
      OpenOptions open;
      open.run_seed = trainer_options.seed;
      if (checkpoint) open.fitted = &checkpoint->fitted;
      Result<DataBundle> opened = open_data(setup.data_plan, artifact->spec().schema, open);
      if (!opened.ok())
        return at_option(setup.options, std::move(opened).status()).with_context("opening the data");
      data = *std::move(opened);
      TAILOR_RETURN_IF_ERROR_AS_IS(describe_data(setup, *data, result, warnings, s == 0 && !options.quiet));
    }
    Trainer trainer(*setup.executor, setup.options, setup.data_plan, *data, warnings, time_left,
                    trainer_options);
    std::string done; // why there is nothing left to train
    if (checkpoint) {
      TAILOR_RETURN_IF_ERROR_AS_IS(trainer.resume_from(*checkpoint));
      if (!checkpoint->record.outcome.empty()) {
        TAILOR_ASSIGN_OR_RETURN_AS_IS(done, trainer.reopen());
      }
    }
    if (done.empty()) {
      const std::string context = concat("seed ", trainer_options.seed);
      TAILOR_RETURN_IF_ERROR(trainer.prepare(), context);
      time_left.later_seeds(positions_after(setup, trainer_options.seed, options.resume));
      if (options.dry_run) {
        constexpr double kSeconds = 3; // of steps: more than the first, which also meet cold memory
        TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string forecast, trainer.forecast(kSeconds));
        log_info(concat("dry run  ", forecast, "; nothing was written"));
        return result;
      }
      if (!trained) TAILOR_RETURN_IF_ERROR_AS_IS(write_start(setup));
      trained = true;
      if (!options.quiet && setup.num_seeds > 1)
        log_info(concat("seed ", trainer_options.seed, " (", s + 1, " of ", setup.num_seeds, ")"));
      // Only from here on: before the first step nothing is lost by ending at once.
      const StopSignal stop_signal;
      TAILOR_RETURN_IF_ERROR(trainer.train(), context);
      result.signal = StopSignal::requested();
    } else {
      finished.push_back(concat("seed ", trainer_options.seed, " is finished: ", done));
    }
    result.seeds.push_back(seed_result(trainer.record()));
    if (const std::string text = unrecognised_classes(result.seeds.back(), *data);
        !text.empty() && !trainer.record().outcome.empty() && !options.seed_finished)
      warnings.say(text);
    if (trainer.record().outcome.empty()) break;
    if (options.seed_finished) options.seed_finished(result.seeds.back());
  }
  result.trained = trained;
  report_finished(setup, finished, trained, /*told=*/static_cast<bool>(options.seed_finished));
  if (!trained && setup.program_of_run) TAILOR_RETURN_IF_ERROR_AS_IS(write_program(setup));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(result.groups, group_sizes(setup, result.class_counts));
  result.metrics = summaries(result.seeds);
  TAILOR_RETURN_IF_ERROR_AS_IS(write_file_atomic(result_path(setup.out), result_to_json(result)));
  if (!setup.latest.empty() && !result.seeds.empty() && result.seeds.back().outcome != "stopped") {
    if (const Status status = link_latest_run(setup.out, setup.latest); status.ok())
      result.latest = setup.latest;
    else // the run is whole without it
      log_info("note: " + status.message());
  }
  return result;
}

} // namespace

double RunResult::imbalance_ratio() const {
  std::int64_t least = 0, most = 0;
  for (const std::int64_t count : class_counts) {
    if (count <= 0) continue;
    least = least == 0 ? count : std::min(least, count);
    most = std::max(most, count);
  }
  return most > 0 ? static_cast<double>(least) / static_cast<double>(most) : 0;
}

Result<RunResult> run_training(std::shared_ptr<const Artifact> artifact, const RunOptions& options) {
  return with_exhaustion_as_status(concat("training '", artifact->spec().name, "'"),
                                   [&] { return run_seeds(artifact, options); });
}

} // namespace tailor::runtime
