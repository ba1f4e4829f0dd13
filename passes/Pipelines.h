// The road from a traced program to a planned one: phases, the order of the passes, and the switches for
// each.
#pragma once

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class ModuleOp;
class Pass;
} // namespace mlir

namespace tailor::passes {

/// Public phase names (`--emit`, `--dump-ir`, `--from`, `inspect --ir`), in order. A module knows its phase
/// by the attribute `tailor.phase`, set when the phase was verified.
enum class Phase { traced, differentiated, fused, placed, kernels, planned };

llvm::StringRef stringifyPhase(Phase phase);
std::optional<Phase> symbolizePhase(llvm::StringRef name);
llvm::ArrayRef<Phase> allPhases();

/// The phase recorded on the module; none before the first verification.
std::optional<Phase> phaseOf(mlir::ModuleOp module);

struct PipelineOptions {
  std::string precision = "f32";
  bool narrowProducts = false; ///< under bf16, computed operands of products are rounded as well
  int64_t memoryBudget = 0; ///< bytes that a plan may take; what does not fit is computed again. 0: no limit
  std::vector<std::string>
      disabled;        ///< names as in `passNames()`; optional pass: not run, mandatory: trivial form
  bool allOff = false; ///< as if every pass were named in `disabled`
  Phase startFrom = Phase::traced; ///< phase the module is in; its promises are verified first
  Phase stopAfter = Phase::planned;
  int64_t fuseLimit = -1; ///< make only the first N fusions, -1 = all; for bisecting a wrong number
  bool verifyEach = true; ///< run the IR verifier after every pass
};

/// What happened, for `--time-passes` and `--dump-ir`, and what the target has to say on the way.
struct PipelineHooks {
  /// Asks the target about the kernels of a module of phase `kernels`: writes the `temporaries` of each, for
  /// PlanMemory, and the `grid`, for FuseLaunches. Runs after FormKernels, or on a module that starts in that phase.
  std::function<llvm::LogicalResult(mlir::ModuleOp module)> describeKernels;
  std::function<void(llvm::StringRef pass, double milliseconds)> afterPass; ///< also for the phase checks
  std::function<void(Phase phase, mlir::ModuleOp module)> atPhase;          ///< after the phase was verified
};

/// One row of the pipeline.
struct PassEntry {
  llvm::StringRef name; ///< "fuse-sam-steps"
  Phase leadsTo;        ///< the boundary it works towards
  bool mandatory;       ///< off = trivial form instead of not run
  std::unique_ptr<mlir::Pass> (*create)(const PipelineOptions& options, bool trivial);
};

/// All passes in the order in which they run (phase checks and clean-ups excluded).
llvm::ArrayRef<PassEntry> passTable();

/// Name nearest to a misspelt one, for the hint of an error message; empty if none is near.
llvm::StringRef nearestPassName(llvm::StringRef name);

/// Runs the passes between `options.startFrom` and `options.stopAfter` on `module`, verifying at every
/// boundary. Errors are diagnostics on the module's context: unknown pass in `disabled`, a module that is in
/// another phase than `startFrom` says, and whatever the passes refuse. The module is unusable after a
/// failure.
llvm::LogicalResult runPipeline(mlir::ModuleOp module, const PipelineOptions& options,
                                const PipelineHooks& hooks = {});

/// Registers `--tailor-pipeline="stop-after=fused disable=fuse-elementwise ..."` for tailor-opt.
void registerPipelines();

} // namespace tailor::passes
