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
  std::vector<std::string> words = {arguments.source.path.empty() ? (*artifact)->spec().name
                                                                  : arguments.source.path};
  words.insert(words.end(), arguments.run.begin(), arguments.run.end());
  return runtime::run_command("tailor train", words, with_artifact);
}

int run_artifact(const std::string& program, const std::vector<std::string>& words) {
  return runtime::run_command(program, words, hooks());
}

} // namespace tailor::tools
