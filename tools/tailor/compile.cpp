#include "tools/tailor/commands.h"

#include "frontend/graph/error.h"
#include "frontend/program.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "tools/tailor/recipe_program.h"

#include "mlir/Pass/Pass.h"

#include <cstdio>
#include <set>

namespace tailor::tools {
namespace {

using runtime::report;

constexpr std::string_view kFlagPrefix = "tailor-";

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The program of this binary, with its `--set`.
runtime::Result<backend::Compilation> compile_program(const Source& source, backend::CompileOptions options) {
  for (const std::string& assignment : source.set) {
    std::size_t equals = assignment.find('=');
    options.set.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  try {
    const std::shared_ptr<TrainingProgram> program =
        run_user_code("program", {}, [&] { return source.program(); });
    if (!program)
      return runtime::invalid_argument("the function that makes this binary's program gave no program");
    return backend::compile(*program, options);
  } catch (const TraceError& error) {
    return runtime::invalid_argument(error.what());
  }
}

/// `out` is what will be written: none of the files that compiling reads, this binary among them.
runtime::Result<backend::Compilation> compile_any(const Source& source, const std::string& out,
                                                  const backend::CompileOptions& options) {
  std::vector<runtime::InputFile> inputs = {{"source", source.path},
                                            {"binary of this command", "/proc/self/exe"}};
  TAILOR_RETURN_IF_ERROR_AS_IS(runtime::check_output(out, inputs));
  if (source.is_program()) return compile_program(source, options);
  if (ends_with(source.path, ".mlir")) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(std::string text, runtime::read_file(source.path));
    return backend::compileText(text, source.path, options);
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(LoadedRecipe loaded,
                                load_recipe(source.path, source.set, source.data_folder));
  TAILOR_RETURN_IF_ERROR_AS_IS(runtime::check_output(out, loaded.inputs));
  return compile_recipe(loaded, options);
}

int wrong_command_line(const runtime::Status& status) {
  report(status);
  return kWrongCommandLine;
}

/// What is wrong with the command line whatever the source says.
runtime::Status check_command_line(const Source& source, const backend::CompileOptions& options) {
  if (source.is_program() && !source.program)
    return runtime::invalid_argument("the source has an empty name");
  const bool is_dump = ends_with(source.path, ".mlir");
  if (options.from && !is_dump)
    return runtime::invalid_argument("--from reads a dump (.mlir), not ", source.is_program()
                                                                              ? "the program of this binary"
                                                                              : "'" + source.path + "'");
  if (is_dump && !source.set.empty())
    return runtime::invalid_argument("--set ", source.set.front(), ": a dump carries its options")
        .with_hint("change them at the end of '" + source.path + "', or when the artifact runs");
  for (const std::string& assignment : source.set)
    if (std::size_t equals = assignment.find('='); equals == std::string::npos || equals == 0)
      return runtime::invalid_argument("--set takes key=value, not '", assignment, "'");
  return backend::checkOptions(options);
}

void print_times(const backend::Compilation& compilation) {
  double total = 0;
  for (const auto& [step, milliseconds] : compilation.milliseconds) {
    std::fprintf(stderr, "%9.2f ms  %s\n", milliseconds, step.c_str());
    total += milliseconds;
  }
  std::fprintf(stderr, "%9.2f ms  total\n", total);
}

} // namespace

int report_source(const runtime::Status& status) {
  const bool is_whole = status.message().starts_with("error: ") || // a TraceError without a place
                        status.message().find(": error: ") != std::string::npos;
  if (!is_whole) return report(status);
  runtime::log_info(status.message());
  if (!status.hint().empty()) runtime::log_info("hint: " + status.hint());
  return runtime::exit_code(status);
}

backend::CompileOptions to_options(const CompileFlags& flags) {
  backend::CompileOptions options;
  options.target = flags.target;
  for (const std::string& name : flags.disabled) {
    if (name == "all")
      options.allOff = true;
    else // a pass may be named as its flag in tailor-opt
      options.disabled.push_back(name.starts_with(kFlagPrefix) ? name.substr(kFlagPrefix.size()) : name);
  }
  options.setKernel = flags.set_kernel;
  options.fuseLimit = flags.fuse_limit;
  options.dumpFolder = flags.dump_folder;
  options.dumpFilter = flags.dump_filter;
  options.reproducerFolder = ".";
  return options;
}

std::optional<backend::Compilation> compile_source(const Source& source,
                                                   const backend::CompileOptions& options,
                                                   const CompileFlags& flags, int& code) {
  if (runtime::Status status = check_command_line(source, options); !status.ok()) {
    code = wrong_command_line(status);
    return std::nullopt;
  }
  auto compilation = compile_any(source, flags.out, options);
  if (!compilation.ok()) {
    const bool other_phase =
        ends_with(source.path, ".mlir") && compilation.status().code() == runtime::StatusCode::kIncompatible;
    code = other_phase ? wrong_command_line(compilation.status()) : report_source(compilation.status());
    return std::nullopt;
  }
  runtime::print(compilation->warnings, stderr);
  if (flags.explain) runtime::print(backend::explain(compilation->remarks), flags.remarks);
  if (flags.time_passes) print_times(*compilation);
  return std::move(*compilation);
}

std::string list_passes() {
  std::string text;
  std::set<std::string> listed; // clean-ups run more than once
  for (const passes::PassEntry& entry : passes::passTable()) {
    std::string name = std::string(kFlagPrefix) + entry.name.str();
    if (!listed.insert(name).second) continue;
    std::string summary = entry.create(passes::PipelineOptions(), /*trivial=*/false)->getDescription().str();
    char line[256];
    std::snprintf(line, sizeof line, "%-30s %-9s  %s\n", name.c_str(),
                  entry.mandatory ? "mandatory" : "optional", summary.c_str());
    text += line;
  }
  return text;
}

int run_compile(const CompileArguments& arguments) {
  backend::CompileOptions options = to_options(arguments.flags);
  if (!arguments.emit.empty()) options.emit = arguments.emit;
  if (!arguments.from.empty()) {
    auto phase = backend::phaseToStartFrom(arguments.from);
    if (!phase.ok()) return wrong_command_line(phase.status());
    options.from = *phase;
  }
  CompileFlags flags = arguments.flags;
  flags.out = arguments.out;
  if (options.emit && arguments.out.empty()) flags.remarks = stderr;
  int code = 0;
  auto compilation = compile_source(arguments.source, options, flags, code);
  if (!compilation) return code;
  if (options.emit) {
    if (arguments.out.empty()) {
      runtime::print(compilation->emitted);
      return 0;
    }
    return report(runtime::write_file_atomic(arguments.out, compilation->emitted));
  }
  if (arguments.out.empty()) { // a check that it compiles, or what the flags ask for
    if (!flags.explain && flags.dump_folder.empty() && !flags.time_passes)
      runtime::log_info("it compiles; nothing is written without -o FILE");
    return 0;
  }
  std::span<const std::byte> bytes = compilation->artifact;
  const runtime::Status written = runtime::write_file_atomic(arguments.out, std::span(&bytes, 1));
  std::fflush(stdout); // where both go to one file, the explanation is in front
  if (written.ok()) runtime::log_info("wrote " + arguments.out);
  return report(written);
}

} // namespace tailor::tools
