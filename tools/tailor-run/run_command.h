#pragma once
#include "runtime/train/run.h"
#include "runtime/train/score.h"

#include <functional>
#include <string>
#include <vector>

namespace tailor::runtime {

/// What a binary with the compiler inside adds.
struct RunHooks {
  /// Set: this program, compiled in memory, is run, and the arguments name none (`tailor train`).
  std::shared_ptr<const Artifact> artifact;
  /// The command line for the manifest; empty: program and arguments.
  std::vector<std::string> command_line;
  /// Executors beyond the CPU's (target "reference").
  ExecutorFactory make_executor;
  /// `--check reference[:every N]`: attaches the comparison, every `every` steps. Without it the option is
  /// refused with a pointer to `tailor run`.
  std::function<Status(Executor& executor, std::int64_t every)> check_reference;
  /// Called with an artifact that the arguments name before its own data are read.
  std::function<Status(const Artifact& artifact)> provide_data;
};

/// Exit codes of a wrong input and a wrong command line.
inline constexpr int kWrongInput = 1, kWrongCommandLine = 2;

enum class RunMode { kTrain, kPredict, kEval };

/// The whole command line of tailor-run, behind the program's name; its first word may be the mode:
///
///   P.tailor [--data D] [--out O] [--resume] [--steps N] [--set key=value]... [--batch N] [--threads N]
///            [--loader-threads N] [--quiet] [--trap-nonfinite] [--check reference[:every N]]
///   predict RUN [--weights best|last|W] [--seed N] [--data D | --split S] [--out predictions.csv | -]
///           [--columns probability,decision,logits,features,label] [--set key=value]... [--threads N]
///   eval    RUN [--weights best|last|W] [--seed N] [--data D | --split S] [--json] [--set key=value]...
///           [--threads N]
///
/// RUN is the folder of a run, which knows its program, weights and choices, or P.tailor with --weights W.
///
/// Exit codes: 0 done, 1 the input is wrong, 2 the command line is wrong, 70 our bug, 128 + n stopped by
/// signal n after writing a checkpoint.
int run_command(const std::string& program, const std::vector<std::string>& arguments,
                const RunHooks& hooks = {});

/// The same in a mode that was chosen elsewhere: no argument is taken for one.
int run_command(const std::string& program, RunMode mode, const std::vector<std::string>& arguments,
                const RunHooks& hooks = {});

/// Trains and prints the result table and what was written; `tailor train` calls it with what it compiled.
int train_and_report(std::shared_ptr<const Artifact> artifact, const RunOptions& options);

/// What main() does. An exception that `work` lets out becomes a message and an exit code, 1 if memory ran out,
/// else 70: no input ends in an abort. The process is made ready first (runtime/base/process.h); at the end a
/// success whose output could not be written (full disk) becomes an error. Components that could not be registered
/// (runtime/options/component.h) are printed and end it at once, with 1.
int guarded_main(const std::function<int()>& work);

/// Prints "error: ..." and "hint: ..." and returns the exit code; 0 for ok.
int report(const Status& status);

} // namespace tailor::runtime
