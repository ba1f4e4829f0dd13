#include "tools/tailor/commands.h"

#include "backend/driver/Executors.h"
#include "backend/reference/ReferenceCheck.h"
#include "tools/tailor-run/run_command.h"

namespace tailor::tools {
namespace {

/// What this binary adds to tailor-run: the f64 reference, as a target and as the other side of a check.
runtime::RunHooks hooks() {
  runtime::RunHooks hooks;
  hooks.make_executor = backend::makeExecutor;
  hooks.check_reference = [](runtime::Executor& executor, std::int64_t every) {
    return backend::reference::attachCheck(executor, {.every = static_cast<std::uint64_t>(every)});
  };
  return hooks;
}

} // namespace

int run_train(const TrainArguments& arguments) {
  int code = 0;
  auto compilation = compile_source(arguments.source, to_options(arguments.flags), arguments.flags, code);
  if (!compilation) return code;
  auto artifact = runtime::Artifact::from_bytes(std::move(compilation->artifact));
  if (!artifact.ok()) return runtime::report(artifact.status());

  runtime::RunHooks with_artifact = hooks();
  with_artifact.artifact = *artifact;
  with_artifact.command_line = arguments.command_line;
  return runtime::run_command(arguments.command_line.front(), runtime::RunMode::kTrain, arguments.run,
                              with_artifact);
}

int run_artifact(const std::string& program, runtime::RunMode mode, const std::vector<std::string>& words) {
  return runtime::run_command(program, mode, words, hooks());
}

} // namespace tailor::tools
