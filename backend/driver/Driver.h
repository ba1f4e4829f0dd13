// The compiler as one call: program in, artifact out.
#pragma once

#include "backend/driver/ProgramInfo.h"
#include "passes/Pipelines.h"
#include "passes/Remarks.h"
#include "runtime/base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailor {
class TrainingProgram;
struct TracedProgram;
} // namespace tailor

namespace tailor::backend {

struct CompileOptions {
  std::string target = "cpu:native";  ///< as `--target` takes it (Targets.h)
  std::vector<std::string> disabled;  ///< passes by name: not run, or their trivial form (passes/Pipelines.h)
  bool allOff = false;                ///< every pass as if it were in `disabled`
  int64_t fuseLimit = -1;             ///< only the first N fusions; -1 = all
  std::vector<std::string> setKernel; ///< PATTERN=ALGORITHM (KernelChoices.h)
  std::optional<std::string> emit;    ///< stop at this phase (also `lowered`, `llvm`) and return its text
  std::optional<passes::Phase> from;  ///< phase of an MLIR input; by default the one its module names
  std::string dumpFolder;             ///< one file per phase, NN-PHASE.mlir; empty = none
  std::string dumpFilter;             ///< regular expression over phase names; empty = all
  bool keepIr = true;                 ///< store the text of every phase in the artifact
  std::string reproducerFolder;       ///< where a bug of ours leaves its input; empty = nowhere
  /// Run options of a C++ program that replace what its code says: key, text. A recipe has its own `--set`.
  std::vector<std::pair<std::string, std::string>> set;
};

/// What can be wrong with the options whatever the program: target, phases, passes, filter.
/// Errors   kInvalidArgument with the known names as hint.
runtime::Status checkOptions(const CompileOptions& options);

struct Compilation {
  std::vector<std::byte> artifact;     ///< empty with CompileOptions::emit
  std::string emitted;                 ///< only with CompileOptions::emit
  std::vector<passes::Remark> remarks; ///< of all passes, in the order in which they were made
  std::string warnings;                ///< formatted as the errors are
  std::vector<std::pair<std::string, double>> milliseconds; ///< step -> time, in order
};

/// Compiles a program: trace, emit, passes, code, artifact. Identical program, options and compiler give
/// identical bytes, whatever the directory, threads, host and time (with a target other than native).
/// `sourceName` and `sourceText` are the recipe; a C++ program leaves them empty and is named by its file.
///
/// Errors   kInvalidArgument / kUnimplemented: the program cannot be compiled, with the user's line, a
///          caret and notes in the message. kInternal: a pass broke the IR; the message names the reproducer.
///          For a C++ program also: an option outside the limits of the key table, at the place that set it;
///          a metric that there is not; an entry of CompileOptions::set that the code has fixed.
runtime::Result<Compilation> compile(const TrainingProgram& program, const CompileOptions& options,
                                     const std::string& sourceName = "", const std::string& sourceText = "");

/// The same from the trace on, for a caller that says itself what tracing finds wrong.
runtime::Result<Compilation> compile(const TracedProgram& program, const CompileOptions& options,
                                     const std::string& sourceName = "", const std::string& sourceText = "");

/// The same from text in the `tailor` dialect: a dump (which carries its ProgramInfo) or a program written by
/// hand. `name` is how the file is called in locations and messages. Of other files its locations name no line is
/// shown: they are not opened.
///
/// Errors   also kIncompatible: the module is in another phase than `from`, or past the one to emit.
runtime::Result<Compilation> compileText(std::string_view text, const std::string& name,
                                         const CompileOptions& options);

/// Remarks as `--explain` shows them: by the user's line, fused ones with the bytes they save, others with
/// the reason and the way out; equal lines once, with their number.
std::string explain(std::vector<passes::Remark> remarks);

/// Names `--emit` accepts: the phases of the dialect, then the forms of the code.
std::vector<std::string> phaseNames();

/// The phase `--from` names. kInvalidArgument for the later forms, which are code, and for unknown names.
runtime::Result<passes::Phase> phaseToStartFrom(const std::string& name);

} // namespace tailor::backend
