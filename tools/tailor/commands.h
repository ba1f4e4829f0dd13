#pragma once
// One function per subcommand, one file per function. Each prints its own errors and returns the exit code: 0
// done, 1 the input is wrong, 2 the command line is wrong, 70 our bug.

#include "backend/driver/Driver.h"
#include "tools/tailor-run/run_command.h"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tailor {
class TrainingProgram;
}

namespace tailor::tools {

using runtime::kWrongCommandLine;

/// Makes the program of a user's binary; may throw TraceError. Empty in `tailor` itself.
using ProgramBuilder = std::function<std::shared_ptr<TrainingProgram>()>;

/// What is compiled: a recipe (.toml) or a program in the dialect (.mlir); without a path the program of the
/// binary we are in.
struct Source {
  std::string path;
  ProgramBuilder program;
  std::vector<std::string> set; ///< `--set key=value`
  std::string data_folder;      ///< that paths of data start from; "": that of the recipe

  bool is_program() const { return path.empty(); }
};

/// Flags that compile and train share.
struct CompileFlags {
  std::string target = "cpu:native";
  std::vector<std::string> disabled;   ///< --disable-pass, --no-fuse; "all" = every pass
  std::vector<std::string> set_kernel; ///< PATTERN=ALGORITHM
  long fuse_limit = -1;
  std::string dump_folder, dump_filter;
  bool explain = false, time_passes = false;
  std::FILE* remarks = stdout; ///< where --explain goes: not among a program that is printed
  std::string out;             ///< what will be written; refused if it is a file that compiling reads
};

struct CompileArguments {
  Source source;
  CompileFlags flags;
  std::string out;  ///< P.tailor
  std::string emit; ///< phase
  std::string from; ///< phase of an .mlir
};
int run_compile(const CompileArguments& arguments);

/// `--list-passes`: one line a pass, "tailor-fuse-sam-steps  optional  what it does", in the order in which
/// they run.
std::string list_passes();

struct TrainArguments {
  Source source;
  CompileFlags flags;
  std::vector<std::string> run;          ///< the flags of `tailor run`
  std::vector<std::string> command_line; ///< whole, for the run's manifest
};
int run_train(const TrainArguments& arguments);

/// `tailor run|predict|eval P.tailor ...`: the command line of tailor-run, with the reference as target and
/// check. `name` is what this binary is called; `program`, if any, is made for an artifact whose rows it holds.
int run_artifact(const std::string& name, runtime::RunMode mode, const std::vector<std::string>& words,
                 const ProgramBuilder& program);

struct InspectArguments {
  std::string path;
  std::string ir;               ///< phase
  std::string kernel;           ///< name, with `as_asm` or `as_llvm`
  std::vector<std::string> why; ///< two ops: id or name
  bool kernels = false, graph = false, memory = false, json = false;
  bool as_asm = false, as_llvm = false, locations = false;
};
int run_inspect(const InspectArguments& arguments);

/// Compiles the source; prints warnings, --explain and --time-passes. Empty after the error was printed, with
/// the exit code in `code`.
std::optional<backend::Compilation> compile_source(const Source& source,
                                                   const backend::CompileOptions& options,
                                                   const CompileFlags& flags, int& code);

/// Prints an error about a source and returns its exit code. Complaints of a recipe come formatted as a compiler
/// prints them; other errors get their "error: " here.
int report_source(const runtime::Status& status);

/// The options the flags stand for.
backend::CompileOptions to_options(const CompileFlags& flags);

/// The whole command line, named after argv[0] in a user's binary. `program` makes the one of that binary; it
/// is called when a command needs it. No exception leaves: TraceError is exit code 1, others are 70.
int run_tool(int argc, char** argv, const ProgramBuilder& program);

} // namespace tailor::tools
