// The order of the passes. Each row says why it stands where it stands.
#include "passes/Pipelines.h"

#include "passes/FusionBudget.h"
#include "passes/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/STLExtras.h"

#include <chrono>

using namespace mlir;

namespace tailor::passes {
namespace {

constexpr Phase kPhases[] = {Phase::traced, Phase::differentiated, Phase::fused,
                             Phase::placed, Phase::kernels,        Phase::planned};

// clang-format off
const PassEntry kPasses[] = {
    // Later patterns compare values: equal expressions must be one value, constants folded.
    {"canonicalize", Phase::differentiated, false,
     [](const PipelineOptions &, bool) { return createCanonicalizerPass(); }},
    {"merge-equal-ops", Phase::differentiated, false,
     [](const PipelineOptions &, bool) { return createMergeEqualOpsPass(); }},
    // Before Differentiate: one loss op has one backward op; a hand-written chain would have ten.
    {"fuse-class-weights", Phase::differentiated, false,
     [](const PipelineOptions &, bool) { return createFuseClassWeightsPass(); }},
    // After FuseClassWeights decided which tables exist; before Differentiate so that they are plain arguments.
    {"hoist-fitted", Phase::differentiated, false,
     [](const PipelineOptions &, bool) { return createHoistFittedPass(); }},
    // After FuseClassWeights, which finds the losses whose normaliser runs over the whole batch; before Differentiate, so that
    // the share of a micro-batch is part of what is differentiated.
    {"accumulate-gradients", Phase::differentiated, true,
     [](const PipelineOptions &, bool) { return createAccumulateGradientsPass(); }},
    {"differentiate", Phase::differentiated, true,
     [](const PipelineOptions &, bool trivial) { return createDifferentiatePass({trivial}); }},

    // Backward ops repeat forward subexpressions (the rule of an op knows nothing of its neighbours).
    {"merge-equal-ops", Phase::fused, false,
     [](const PipelineOptions &, bool) { return createMergeEqualOpsPass(); }},
    // First, because it changes which op produces the gradient that everything below starts from.
    {"fuse-loss-backward", Phase::fused, false,
     [](const PipelineOptions &, bool) { return createFuseLossBackwardPass(); }},
    // Before the elementwise fusion, which would take the per-tensor arithmetic apart.
    {"fuse-sam-steps", Phase::fused, false,
     [](const PipelineOptions &, bool) { return createFuseSamStepsPass(); }},
    // Before all fusion of maps: the halves of a norm over images go different ways.
    {"split-batch-norm", Phase::fused, false,
     [](const PipelineOptions &, bool) { return createSplitBatchNormPass(); }},
    // Before the elementwise fusion, which would give the activation gradient to the matrix product.
    {"fuse-norm-activation", Phase::fused, false,
     [](const PipelineOptions &, bool) { return createFuseNormActivationPass(); }},
    // Before the elementwise fusion, which would write what convolutions can compute in their loads.
    {"fuse-convolutions", Phase::fused, false,
     [](const PipelineOptions &, bool) { return createFuseConvolutionsPass(); }},
    {"fuse-elementwise", Phase::fused, false,
     [](const PipelineOptions &, bool) { return createFuseElementwisePass(); }},

    // After all fusion: every body was fused once, however often it is called.
    {"inline-bodies", Phase::placed, true,
     [](const PipelineOptions &, bool trivial) { return createInlineBodiesPass({trivial}); }},
    // After inlining: two calls of one body may get different types.
    {"assign-precision", Phase::placed, true,
     [](const PipelineOptions &options, bool trivial) {
       return createAssignPrecisionPass({trivial ? "f32" : options.precision, options.narrowProducts});
     }},

    // Groups and calls are settled: each becomes one launch.
    {"form-kernels", Phase::kernels, true,
     [](const PipelineOptions &, bool trivial) { return createFormKernelsPass({trivial}); }},
    // When the target has said what a launch of each is.
    {"fuse-launches", Phase::planned, false,
     [](const PipelineOptions &, bool) { return createFuseLaunchesPass(); }},
    // Last: it needs the final order of the launches.
    {"plan-memory", Phase::planned, true,
     [](const PipelineOptions &options, bool trivial) {
       return createPlanMemoryPass({trivial, options.memoryBudget});
     }},
};
// clang-format on

bool isDisabled(const PipelineOptions& options, StringRef name) {
  return options.allOff || llvm::is_contained(options.disabled, name);
}

/// The passes that lead to `phase`.
void addPhase(OpPassManager& manager, Phase phase, const PipelineOptions& options) {
  for (const PassEntry& entry : kPasses) {
    if (entry.leadsTo != phase) continue;
    bool disabled = isDisabled(options, entry.name);
    if (!disabled || entry.mandatory) manager.addPass(entry.create(options, /*trivial=*/disabled));
  }
}

void addCheck(OpPassManager& manager, Phase phase) {
  manager.addPass(createVerifyPhasesPass({stringifyPhase(phase).str()}));
}

LogicalResult checkOptions(ModuleOp module, const PipelineOptions& options) {
  for (const std::string& name : options.disabled) {
    if (llvm::any_of(kPasses, [&](const PassEntry& entry) { return entry.name == name; })) continue;
    InFlightDiagnostic error = emitError(module.getLoc()) << "there is no pass '" << name << "'";
    if (StringRef near = nearestPassName(name); !near.empty())
      error.attachNote() << "did you mean '" << near << "'?";
    return failure();
  }
  if (options.stopAfter < options.startFrom)
    return emitError(module.getLoc()) << "cannot stop after '" << stringifyPhase(options.stopAfter)
                                      << "' when starting from '" << stringifyPhase(options.startFrom) << "'";
  if (std::optional<Phase> phase = phaseOf(module); phase && *phase != options.startFrom)
    return emitError(module.getLoc()) << "the module is in phase '" << stringifyPhase(*phase)
                                      << "' and not in '" << stringifyPhase(options.startFrom) << "'";
  return success();
}

class PassTimer : public PassInstrumentation {
public:
  explicit PassTimer(const PipelineHooks& hooks) : hooks_(hooks) {}

  void runBeforePass(Pass*, Operation*) override { start_ = std::chrono::steady_clock::now(); }
  void runAfterPass(Pass* pass, Operation*) override {
    std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start_;
    StringRef name = pass->getArgument();
    name.consume_front("tailor-");
    hooks_.afterPass(name, time.count());
  }

private:
  const PipelineHooks& hooks_;
  std::chrono::steady_clock::time_point start_;
};

/// PipelineHooks::describeKernels in its place between the passes.
class DescribeKernels : public PassWrapper<DescribeKernels, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DescribeKernels)

  explicit DescribeKernels(const PipelineHooks& hooks) : hooks_(hooks) {}

  StringRef getArgument() const override { return "emit-kernels"; }
  void runOnOperation() override {
    if (failed(hooks_.describeKernels(getOperation()))) signalPassFailure();
  }

private:
  const PipelineHooks& hooks_;
};

/// The options of runPipeline that make sense on a command line.
struct PipelineFlags : PassPipelineOptions<PipelineFlags> {
  Option<std::string> stopAfter{*this, "stop-after", llvm::cl::desc("Last phase"), llvm::cl::init("placed")};
  Option<std::string> startFrom{*this, "start-from", llvm::cl::desc("First phase"), llvm::cl::init("traced")};
  ListOption<std::string> disabled{*this, "disable", llvm::cl::desc("Passes to switch off")};
  Option<bool> allOff{*this, "all-off", llvm::cl::desc("Switch every pass off"), llvm::cl::init(false)};
};

} // namespace

StringRef stringifyPhase(Phase phase) {
  switch (phase) {
  case Phase::traced:
    return "traced";
  case Phase::differentiated:
    return "differentiated";
  case Phase::fused:
    return "fused";
  case Phase::placed:
    return "placed";
  case Phase::kernels:
    return "kernels";
  case Phase::planned:
    return "planned";
  }
  llvm_unreachable("every phase has a name");
}

std::optional<Phase> symbolizePhase(StringRef name) {
  for (Phase phase : kPhases)
    if (name == stringifyPhase(phase)) return phase;
  return std::nullopt;
}

ArrayRef<Phase> allPhases() {
  return kPhases;
}

std::optional<Phase> phaseOf(ModuleOp module) {
  auto name = module->getAttrOfType<StringAttr>("tailor.phase");
  return name ? symbolizePhase(name.getValue()) : std::nullopt;
}

ArrayRef<PassEntry> passTable() {
  return kPasses;
}

StringRef nearestPassName(StringRef name) {
  StringRef best;
  unsigned bestDistance = std::max<unsigned>(2, name.size() / 3) + 1;
  for (const PassEntry& entry : kPasses)
    if (unsigned distance = name.edit_distance(entry.name); distance < bestDistance)
      best = entry.name, bestDistance = distance;
  return best;
}

LogicalResult runPipeline(ModuleOp module, const PipelineOptions& options, const PipelineHooks& hooks) {
  if (failed(checkOptions(module, options))) return failure();
  FusionBudget::install(module, options.fuseLimit);
  for (Phase phase : kPhases) {
    if (phase < options.startFrom || phase > options.stopAfter) continue;
    PassManager manager(module.getContext(), ModuleOp::getOperationName());
    manager.enableVerifier(options.verifyEach);
    if (hooks.afterPass) manager.addInstrumentation(std::make_unique<PassTimer>(hooks));
    if (phase > options.startFrom) addPhase(manager, phase, options);
    addCheck(manager, phase); // before the target sees it: a module to start from may be anything
    if (phase == Phase::kernels && hooks.describeKernels)
      manager.addPass(std::make_unique<DescribeKernels>(hooks));
    if (failed(manager.run(module))) return failure();
    if (hooks.atPhase) hooks.atPhase(phase, module);
  }
  return success();
}

void registerPipelines() {
  PassPipelineRegistration<PipelineFlags>(
      "tailor-pipeline", "The compiler's passes in order, with a check at every phase boundary.",
      [](OpPassManager& manager, const PipelineFlags& flags) {
        std::optional<Phase> first = symbolizePhase(flags.startFrom), last = symbolizePhase(flags.stopAfter);
        if (!first || !last)
          llvm::report_fatal_error("tailor-pipeline: unknown phase", /*gen_crash_diag=*/false);
        PipelineOptions options;
        options.allOff = flags.allOff;
        options.disabled.assign(flags.disabled.begin(), flags.disabled.end());
        addCheck(manager, *first);
        for (Phase phase : kPhases)
          if (phase > *first && phase <= *last) {
            addPhase(manager, phase, options);
            addCheck(manager, phase);
          }
      });
}

} // namespace tailor::passes
