#include "tools/tailor-run/run_command.h"

#include "runtime/base/exhaustion.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/base/process.h"
#include "runtime/base/wording.h"
#include "runtime/options/component.h"
#include "runtime/train/nonfinite_trap.h"
#include "runtime/train/run_folder.h"
#include "runtime/train/stop_signal.h"
#include "tools/tailor-run/command_line.h"

#include <charconv>
#include <cstdio>
#include <sys/stat.h>

namespace tailor::runtime {
namespace {

/// Everything any of the three forms takes.
struct Arguments {
  std::string artifact, data, out, weights, check, split;
  std::int64_t seed = -1;
  std::vector<std::string> set, columns;
  std::int64_t steps = -1, batch = 0;
  std::int32_t threads = 0, loader_threads = -1;
  bool resume = false, quiet = false, dry_run = false, trap_nonfinite = false, json = false;
};

/// "key=value" pairs; a word without '=' is a wrong command line.
Result<std::vector<std::pair<std::string, std::string>>> parse_set(const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return invalid_argument("--set takes key=value, not '", word, "'");
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

/// "reference" or "reference:every N" or "reference:N".
Result<std::int64_t> parse_check(const std::string& text) {
  std::string_view rest = text;
  if (!rest.starts_with("reference"))
    return invalid_argument("--check takes reference[:every N], not '", text, "'");
  rest.remove_prefix(std::string_view("reference").size());
  if (rest.empty()) return std::int64_t{1};
  if (rest.starts_with(":")) rest.remove_prefix(1);
  if (rest.starts_with("every")) rest.remove_prefix(std::string_view("every").size());
  while (rest.starts_with(" ") || rest.starts_with("="))
    rest.remove_prefix(1);
  std::int64_t every = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), every);
  if (error != std::errc() || end != rest.data() + rest.size() || every < 1)
    return invalid_argument("--check takes reference[:every N], not '", text, "'");
  return every;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void add_common(CLI::App& app, Arguments& arguments, bool names_artifact, const char* artifact_help) {
  if (names_artifact)
    app.add_option("artifact", arguments.artifact, artifact_help)->required()->check(is_named());
  app.add_option("--data", arguments.data, "a file, or the folder that the program's data paths start from")
      ->check(is_named());
  app.add_option("--set", arguments.set, "key=value of a run key; may be repeated")->allow_extra_args(false);
  app.add_option("--threads", arguments.threads,
                 "compute threads; 0, the default: all cores (same results for any number)")
      ->check(CLI::Range(0, 1024));
}

Status provide_data(const Artifact& artifact, const RunHooks& hooks) {
  return hooks.provide_data ? hooks.provide_data(artifact) : Status();
}

int train_command(Arguments arguments, RunOptions options, const RunHooks& hooks) {
  options.data = arguments.data;
  options.out = arguments.out;
  options.resume = arguments.resume;
  options.stop_after_steps = arguments.steps;
  options.batch = arguments.batch;
  options.threads = arguments.threads;
  options.loader_threads = arguments.loader_threads;
  options.quiet = arguments.quiet;
  options.dry_run = arguments.dry_run;
  options.make_executor = hooks.make_executor;
  if (arguments.trap_nonfinite && !arguments.check.empty())
    return wrong_command_line("--trap-nonfinite and --check cannot watch the same run");
  if (arguments.trap_nonfinite) options.prepare_executor = trap_nonfinite;
  if (!arguments.check.empty()) {
    const Result<std::int64_t> every = parse_check(arguments.check);
    if (!every.ok()) return wrong_command_line(every.status().message());
    if (!hooks.check_reference)
      return wrong_command_line("--check reference needs the compiler: use `tailor run`");
    options.prepare_executor = [&hooks, every = *every](Executor& executor) {
      return hooks.check_reference(executor, every);
    };
  }
  if (hooks.artifact) return train_and_report(hooks.artifact, options);
  if (is_folder(arguments.artifact)) {
    if (!arguments.resume)
      return wrong_command_line(
          concat("'", arguments.artifact, "' is a folder, and a run starts from a program"),
          concat("with --resume the run in it goes on; its program is ", program_path(arguments.artifact)));
    if (options.out.empty()) options.out = arguments.artifact;
    arguments.artifact = program_path(arguments.artifact);
  }
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::open(arguments.artifact);
  if (!artifact.ok()) return report(artifact.status());
  if (const Status provided = provide_data(**artifact, hooks); !provided.ok()) return report(provided);
  return train_and_report(*std::move(artifact), options);
}

int score_command(Arguments arguments, ScoreOptions options, bool predicting, const RunHooks& hooks) {
  if (!options.data.empty() && !is_folder(options.data) && !file_exists(options.data))
    return report(not_found("--data '", options.data, "' does not exist"));
  if (is_folder(arguments.artifact)) {
    options.run = arguments.artifact;
    const Result<TrainedRun> run = find_weights(arguments.artifact, arguments.seed, arguments.weights);
    if (!run.ok()) return report(run.status());
    arguments.artifact = run->program;
    options.weights = run->weights;
    log_info(concat("weights  ", run->weights, run->about.empty() ? "" : ": ", run->about));
  } else if (!file_exists(arguments.artifact)) {
    return report(not_found("cannot open '", arguments.artifact, "': no such file or folder"));
  } else if (options.weights.empty()) {
    return wrong_command_line(
        concat("'", arguments.artifact, "' is no folder of a run: a program needs --weights, a checkpoint"));
  } else if (arguments.seed >= 0) {
    return wrong_command_line(
        "--seed chooses among the seeds of a run's folder; here --weights names a file");
  }
  Result<std::shared_ptr<const Artifact>> artifact = Artifact::open(arguments.artifact);
  if (!artifact.ok()) return report(artifact.status());
  const bool is_file = !options.data.empty() && !is_folder(options.data);
  if (!is_file)
    if (const Status provided = provide_data(**artifact, hooks); !provided.ok()) return report(provided);
  if (predicting) {
    const std::string path = arguments.out.empty() ? "predictions.csv" : arguments.out;
    const Result<std::int64_t> rows = predict(*artifact, options, path);
    if (!rows.ok()) return report(rows.status());
    const std::string wrote = concat("wrote ", *rows, " rows to ", path, "\n");
    if (path != "-") print(wrote, is_standard_output(path) ? stderr : stdout); // not among the rows
    return 0;
  }
  SeenRows seen;
  const Result<EvaluationResult> result = evaluate_weights(*artifact, options, &seen);
  if (!result.ok()) return report(result.status());
  const DataSchema& schema = (*artifact)->spec().schema;
  print(arguments.json ? evaluation_to_json(*result, schema, is_file ? &seen : nullptr)
                       : evaluation_table(*result, schema));
  return 0;
}

/// What stands below the help of a mode; `program` is "tailor" or "tailor-run", and "tailor run" for training.
std::string examples(const std::string& program, RunMode mode) {
  if (mode == RunMode::kPredict)
    return concat("Examples:\n  ", program, " predict runs/fraud-latest --data new.csv\n  ", program,
                  " predict fraud.tailor --weights best.safetensors --data new.csv --out -");
  if (mode == RunMode::kEval)
    return concat("Examples:\n  ", program, " eval runs/fraud-latest\n  ", program,
                  " eval runs/fraud-latest --data labelled.csv --json");
  // `tailor run` has its neighbours beside it, tailor-run takes them as its first word.
  const std::string neighbour = program.substr(0, program.rfind(" run"));
  return concat("Examples:\n  ", program, " fraud.tailor --set optimizer.lr=0.02 --out runs/slow\n  ",
                program, " runs/slow/program.tailor --resume --out runs/slow\n\nAlso: ", neighbour,
                " predict RUN --data D\n      ", neighbour, " eval RUN --data D");
}

/// The command that goes on with the run in `out`, by the binary that is running.
std::string resume_command(const std::vector<std::string>& command_line, const std::string& out) {
  std::vector<std::string> words;
  if (command_line.empty() || command_line.front() == "tailor-run")
    words = {"tailor-run"};
  else
    words = {"tailor", "run"}; // also for `tailor train`: the program is in the folder
  words.insert(words.end(), {program_path(out), "--resume", "--out", out});
  return shell_words(words);
}

int guarded(const std::function<int()>& work) {
  Status status;
  try {
    int code = 0;
    status = with_exhaustion_as_status("the command", [&] {
      code = work();
      return Status();
    });
    if (status.ok()) return code;
  } catch (const std::exception& error) {
    status = internal_error("internal error: ", error.what());
  }
  return report(status);
}

} // namespace

int guarded_main(const std::function<int()>& work) {
  prepare_process();
  if (const std::vector<std::string> problems = registration_problems(); !problems.empty()) {
    for (const std::string& problem : problems)
      log_info(problem); // says "error: " behind its place
    return kWrongInput;
  }
  const int code = guarded(work);
  const Status printed = finish_standard_output();
  return code == 0 ? report(printed) : code;
}

int report(const Status& status) {
  if (status.ok()) return 0;
  log_error(status.message());
  if (!status.hint().empty()) log_info("hint: " + status.hint());
  return exit_code(status);
}

int train_and_report(std::shared_ptr<const Artifact> artifact, const RunOptions& options) {
  const Result<RunResult> result = run_training(std::move(artifact), options);
  if (!result.ok()) return report(result.status());
  if (options.dry_run) return 0;
  const bool stopped = !result->seeds.empty() && result->seeds.back().outcome == "stopped";
  if (!stopped) print(outcome_lines(*result) + result_table(*result));
  print(concat("wrote ", result->out,
               result->latest.empty() ? std::string() : concat("; ", result->latest, " leads there"), "\n"));
  std::fflush(stdout);
  if (stopped || result->signal != 0)
    log_info(concat(
        result->signal != 0 ? concat("stopped by ", signal_name(result->signal)) : std::string("stopped"),
        result->seeds.empty() ? std::string() : concat(" after step ", result->seeds.back().steps),
        "; go on with: ", resume_command(options.command_line, result->out)));
  return result->signal != 0 ? 128 + result->signal : 0;
}

int run_command(const std::string& program, const std::vector<std::string>& words, const RunHooks& hooks) {
  const std::string verb = words.empty() ? "" : words.front();
  const RunMode mode = verb == "predict" ? RunMode::kPredict
                       : verb == "eval"  ? RunMode::kEval
                                         : RunMode::kTrain;
  if (mode == RunMode::kTrain && !file_exists(verb))
    if (const std::string near = did_you_mean(verb, std::vector<std::string>{"predict", "eval"});
        !near.empty())
      return wrong_command_line(concat("unknown command '", verb, "'"), near);
  if (mode == RunMode::kTrain) return run_command(program, mode, words, hooks);
  return run_command(program, mode, {words.begin() + 1, words.end()}, hooks);
}

int run_command(const std::string& program, RunMode mode, const std::vector<std::string>& words,
                const RunHooks& hooks) {
  Arguments arguments;
  CLI::App app("Runs a compiled training program.", program);
  const bool predicting = mode == RunMode::kPredict, evaluating = mode == RunMode::kEval;
  add_common(app, arguments, !hooks.artifact,
             predicting || evaluating
                 ? "the folder of a run, or a compiled program (P.tailor) with --weights"
                 : "the compiled program, P.tailor; with --resume also the folder of a run");
  if (predicting || evaluating) {
    app.name(program + (predicting ? " predict" : " eval"));
    app.description(predicting ? "Writes class probabilities and decisions of every row."
                               : "Prints the metrics of labelled data.");
    app.add_option(
           "--weights", arguments.weights,
           "a checkpoint; of a run's folder also the words best and last (best, if the run chose one)")
        ->check(is_named());
    app.add_option("--seed", arguments.seed, "which seed of a run's folder, where it has several")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{INT32_MAX}));
    app.add_option("--split", arguments.split, "part of the program's own data, without --data FILE (test)")
        ->check(CLI::IsMember({"train", "val", "test"}));
    if (predicting) {
      app.add_option("--out", arguments.out, "csv to write (predictions.csv); - is standard output")
          ->check(is_named());
      app.add_option("--columns", arguments.columns,
                     "probability,decision,logits,features,label: which to write (eval.predict.out)")
          ->delimiter(',')
          ->allow_extra_args(false);
    } else
      app.add_flag("--json", arguments.json, "print JSON");
  } else {
    app.add_option(
           "--out", arguments.out,
           "folder for checkpoints, log and result (runs/NAME-TIME; runs/NAME-latest leads to the last)")
        ->check(is_named());
    app.add_flag("--resume", arguments.resume, "go on from the last checkpoint in --out");
    app.add_option("--steps", arguments.steps, "stop with a checkpoint after this many steps of the run")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{INT32_MAX}));
    app.add_option("--batch", arguments.batch, "which of the compiled batch sizes to train with")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{INT32_MAX}));
    app.add_option("--loader-threads", arguments.loader_threads, "threads that gather batches (same results)")
        ->check(CLI::Range(0, 64));
    app.add_flag("--dry-run", arguments.dry_run,
                 "say how much memory and time the run will take, from a few steps, and write nothing");
    app.add_flag("--quiet", arguments.quiet, "no progress; warnings are shown in any case");
    app.add_flag("--trap-nonfinite", arguments.trap_nonfinite,
                 "stop at the first command that writes NaN or infinity");
    app.add_option("--check", arguments.check,
                   "reference[:every N]: compare every command with the reference");
  }
  app.footer(examples(program, mode));
  if (const std::optional<int> code = read_words(app, words)) return *code;
  const auto set = parse_set(arguments.set);
  if (!set.ok()) return wrong_command_line(set.status().message());
  if (predicting || evaluating) {
    ScoreOptions options;
    options.weights = arguments.weights;
    options.data = arguments.data;
    options.split = arguments.split;
    options.set = *set;
    options.columns = arguments.columns;
    options.threads = arguments.threads;
    options.make_executor = hooks.make_executor;
    return score_command(std::move(arguments), std::move(options), predicting, hooks);
  }
  RunOptions options;
  options.set = *set;
  options.command_line = hooks.command_line;
  if (options.command_line.empty()) {
    options.command_line = words;
    options.command_line.insert(options.command_line.begin(), program);
  }
  return train_command(std::move(arguments), std::move(options), hooks);
}

} // namespace tailor::runtime
