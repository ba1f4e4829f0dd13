#include "tools/tailor/commands.h"

#include "backend/driver/Executors.h"
#include "backend/reference/ReferenceCheck.h"
#include "frontend/graph/error.h"
#include "frontend/program.h"
#include "runtime/base/log.h"
#include "runtime/options/memory_keys.h"
#include "tools/tailor-run/run_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace tailor::tools {
namespace {

using backend::reference::CheckCounts;

/// What this binary adds to tailor-run: the f64 reference, as a target and as the other side of a check, which adds
/// to `counts`.
runtime::RunHooks hooks(std::shared_ptr<CheckCounts> counts) {
  runtime::RunHooks hooks;
  hooks.make_executor = backend::makeExecutor;
  hooks.check_reference = [counts](runtime::Executor& executor, std::int64_t every) {
    return backend::reference::attachCheck(executor, {static_cast<std::uint64_t>(every), counts});
  };
  return hooks;
}

/// A check that found nothing says what it looked at.
int with_counts(int code, const CheckCounts& counts) {
  if (counts.steps == 0 || code == runtime::exit_code(runtime::internal_error(""))) return code;
  char part[32];
  std::snprintf(part, sizeof part, "%.2g", 100 * counts.worst);
  runtime::log_info(
      runtime::concat("checked ", counts.launches, " kernel launches in ", counts.steps,
                      " runs of entries: all agree with the reference; the largest difference is ", part,
                      "% of what rounding may make"));
  return code;
}

/// Rows in memory are there once the program that says data::in_memory is made, which only compiling does otherwise.
runtime::Status hold_rows(const ProgramBuilder& program, const runtime::Artifact& artifact) {
  const std::string& key = runtime::key_name(&runtime::MemoryKeys::memory);
  if (!artifact.spec().options.has_value(key)) return {};
  try {
    run_user_code("program", {}, [&] { return program(); });
  } catch (const TraceError& error) {
    return runtime::invalid_argument(error.what());
  }
  return {};
}

} // namespace

/// `--data FOLDER` holds for the table whose columns compiling reads as for the run.
static Source with_data_folder(Source source, const std::vector<std::string>& run) {
  const auto flag = std::find(run.begin(), run.end(), "--data");
  std::error_code ignored;
  if (flag != run.end() && std::filesystem::is_directory(*std::next(flag), ignored))
    source.data_folder = *std::next(flag);
  return source;
}

int run_train(const TrainArguments& arguments) {
  int code = 0;
  const Source source = with_data_folder(arguments.source, arguments.run);
  auto compilation = compile_source(source, to_options(arguments.flags), arguments.flags, code);
  if (!compilation) return code;
  auto artifact = runtime::Artifact::from_bytes(std::move(compilation->artifact));
  if (!artifact.ok()) return runtime::report(artifact.status());

  auto counts = std::make_shared<CheckCounts>();
  runtime::RunHooks with_artifact = hooks(counts);
  with_artifact.artifact = *artifact;
  with_artifact.command_line = arguments.command_line;
  return with_counts(runtime::run_command(arguments.command_line.front(), runtime::RunMode::kTrain,
                                          arguments.run, with_artifact),
                     *counts);
}

int run_artifact(const std::string& name, runtime::RunMode mode, const std::vector<std::string>& words,
                 const ProgramBuilder& program) {
  auto counts = std::make_shared<CheckCounts>();
  runtime::RunHooks with_rows = hooks(counts);
  if (program)
    with_rows.provide_data = [&](const runtime::Artifact& artifact) { return hold_rows(program, artifact); };
  return with_counts(runtime::run_command(name, mode, words, with_rows), *counts);
}

} // namespace tailor::tools
