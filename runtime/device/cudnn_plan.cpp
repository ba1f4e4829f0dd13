#include "runtime/device/cudnn_plan.h"

#include "runtime/device/cudnn_graph.h"

#include <algorithm>
#include <array>

namespace tailor::runtime {
namespace {

using Cudnn = CudnnLibrary;

/// Of one plan: those of 9.19 take below 2 KiB.
constexpr std::size_t kMaxPlanBytes = 1 << 16;

Result<std::vector<CudnnDescriptor>> configurations(const Cudnn& library, const CudnnGraph& graph,
                                                    const CudnnDevice& device, int mode) {
  CudnnDescriptor heuristics(library, Cudnn::kEngineHeuristics);
  heuristics.set(Cudnn::kHeuristicsGraph, graph.descriptor());
  heuristics.set(Cudnn::kHeuristicsMode, Cudnn::kTypeHeuristicsMode, mode);
  heuristics.set(Cudnn::kHeuristicsDevice, device.properties());
  TAILOR_RETURN_IF_ERROR_AS_IS(heuristics.finalize("heuristics"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      const std::size_t count,
      heuristics.get(Cudnn::kHeuristicsResults, Cudnn::kTypeDescriptor, std::span<Cudnn::DescriptorType*>()));
  std::vector<CudnnDescriptor> made;
  std::vector<Cudnn::DescriptorType*> raw;
  for (std::size_t i = 0; i < count; ++i)
    raw.push_back(made.emplace_back(library, Cudnn::kEngineConfig).get());
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      const std::size_t got,
      heuristics.get(Cudnn::kHeuristicsResults, Cudnn::kTypeDescriptor, std::span(raw)));
  while (made.size() > got)
    made.pop_back();
  return made;
}

/// What an engine says of itself that a program cannot have; empty: nothing.
std::string objection(DType dtype, std::span<const int> numerical, std::span<const int> behavior) {
  const auto has = [](std::span<const int> notes, int note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  if (has(numerical, Cudnn::kNondeterministic)) return "other bits each time";
  if (has(behavior, Cudnn::kRuntimeCompilation)) return "compiled when it runs";
  if (has(numerical, Cudnn::kReducedPrecisionReduction)) return "sums of reduced precision";
  if (has(numerical, Cudnn::kDownConvertInputs)) return "rounds its operands";
  if (dtype == DType::kF32 && has(numerical, Cudnn::kTensorCore))
    return "tensor cores, which round f32 to tf32";
  return {};
}

struct Engine {
  std::int64_t number = -1;
  std::string objection;
};

Result<Engine> engine_of(const Cudnn& library, const CudnnDescriptor& configuration, DType dtype) {
  CudnnDescriptor engine(library, Cudnn::kEngine);
  Cudnn::DescriptorType* raw[] = {engine.get()};
  TAILOR_RETURN_IF_ERROR_AS_IS(
      configuration.get(Cudnn::kEngineConfigEngine, Cudnn::kTypeDescriptor, std::span(raw)).status());
  Engine out;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      engine.get(Cudnn::kEngineGlobalIndex, Cudnn::kTypeInt64, std::span(&out.number, 1)).status());
  std::array<int, 32> numerical{}, behavior{};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      const std::size_t num_numerical,
      engine.get(Cudnn::kEngineNumericalNotes, Cudnn::kTypeNumericalNote, std::span(numerical)));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      const std::size_t num_behavior,
      engine.get(Cudnn::kEngineBehaviorNotes, Cudnn::kTypeBehaviorNote, std::span(behavior)));
  out.objection = objection(dtype, std::span(numerical).first(std::min(num_numerical, numerical.size())),
                            std::span(behavior).first(std::min(num_behavior, behavior.size())));
  return out;
}

} // namespace

Result<CudnnDevice> CudnnDevice::described(const CudnnLibrary& library, std::string_view json) {
  CudnnDescriptor made(library, Cudnn::kDeviceProperties);
  made.set(Cudnn::kDeviceJson, json);
  TAILOR_RETURN_IF_ERROR_AS_IS(made.finalize("the properties of a device"));
  return CudnnDevice(std::move(made));
}

Result<CudnnDevice> CudnnDevice::present(const CudnnLibrary& library, CudnnLibrary::HandleType* handle) {
  CudnnDescriptor made(library, Cudnn::kDeviceProperties);
  made.set(Cudnn::kDeviceHandle, Cudnn::kTypeHandle, 1, &handle);
  TAILOR_RETURN_IF_ERROR_AS_IS(made.finalize("the properties of the device"));
  return CudnnDevice(std::move(made));
}

std::uint64_t most_workspace_of(const ConvPlan& problem) {
  constexpr std::uint64_t kPartialSums = 16 << 20;
  const auto bytes = operand_bytes(problem);
  return bytes[0] + bytes[2] + kPartialSums;
}

Result<ChosenPlan> plan_convolution(const CudnnLibrary& library, const ConvPlan& problem,
                                    const CudnnDevice& device, std::uint64_t most_workspace) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check(problem));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const CudnnGraph graph, CudnnGraph::of(library, problem));
  ChosenPlan chosen;
  const auto reject = [&](std::int64_t engine, std::string reason) {
    RejectedEngine rejected{engine, std::move(reason)};
    if (std::find(chosen.rejected.begin(), chosen.rejected.end(), rejected) == chosen.rejected.end())
      chosen.rejected.push_back(std::move(rejected));
  };
  for (const int mode : {Cudnn::kHeuristicsA, Cudnn::kHeuristicsFallback}) {
    // A mode may have no answer where the other one has.
    Result<std::vector<CudnnDescriptor>> offered = configurations(library, graph, device, mode);
    if (!offered.ok()) {
      reject(-1, offered.status().message());
      continue;
    }
    for (const CudnnDescriptor& configuration : *offered) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const Engine engine, engine_of(library, configuration, problem.dtype));
      if (!engine.objection.empty()) {
        reject(engine.number, engine.objection);
        continue;
      }
      CudnnDescriptor plan(library, Cudnn::kExecutionPlan);
      plan.set(Cudnn::kPlanEngineConfig, configuration);
      plan.set(Cudnn::kPlanDevice, device.properties());
      if (const Status made = plan.finalize("a plan"); !made.ok()) {
        reject(engine.number, made.message());
        continue;
      }
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::uint64_t workspace, workspace_of(plan));
      if (workspace > most_workspace) {
        reject(engine.number,
               concat("a workspace of ", workspace, " bytes, of which it may have ", most_workspace));
        continue;
      }
      std::vector<std::uint8_t> bytes(kMaxPlanBytes);
      Result<std::size_t> length = plan.get(Cudnn::kPlanJson, Cudnn::kTypeChar, std::span(bytes));
      if (!length.ok() || *length > bytes.size()) {
        reject(engine.number,
               length.ok() ? concat("a plan of ", *length, " bytes") : length.status().message());
        continue;
      }
      bytes.resize(*length);
      while (!bytes.empty() && bytes.back() == 0)
        bytes.pop_back();
      // Whatever a descriptor was told, this is what will run.
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      Result<ConvPlan> planned = conv_plan_of_cudnn(text);
      const Status same = planned.ok() ? check_same(problem, *planned) : planned.status();
      if (!same.ok()) return internal_error("cuDNN planned another convolution: ", same.message());
      chosen.plan = {"cudnn", concat(library.version()), std::move(bytes), problem, engine.number, workspace};
      return chosen;
    }
  }
  std::string reasons;
  for (const RejectedEngine& engine : chosen.rejected)
    reasons +=
        concat(reasons.empty() ? "" : "; ",
               engine.engine < 0 ? "heuristics" : concat("engine ", engine.engine), ": ", engine.reason);
  return unimplemented("cuDNN has no engine for this convolution", reasons.empty() ? "" : ": ", reasons);
}

} // namespace tailor::runtime
