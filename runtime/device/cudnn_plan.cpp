#include "runtime/device/cudnn_plan.h"

#include <algorithm>
#include <array>

namespace tailor::runtime {
namespace {

using Cudnn = CudnnLibrary;

/// Pointers of commands are 64-byte aligned; no engine asks for more than its vectors of 16.
constexpr std::int64_t kAlignment = 16;
/// Of one plan: those of 9.19 take below 2 KiB.
constexpr std::size_t kMaxPlanBytes = 1 << 16;
/// Numbers that tell the pointers of a call apart, in the order of ConvOperand.
constexpr std::array<std::int64_t, 3> kUniqueIds{1, 2, 3};

/// The operation graph of one convolution; descriptors refer to each other.
struct Graph {
  std::vector<CudnnDescriptor> parts;
  std::optional<CudnnDescriptor> whole;
};

Result<CudnnDescriptor> tensor(const Cudnn& library, const ConvPlan& problem, ConvOperand role) {
  std::array<std::int64_t, 4> dims{}, strides{}; // N C H W, or O I H W
  if (role == ConvOperand::kWeight) {
    dims = {problem.outputs, problem.channels / problem.groups, problem.kernel[0], problem.kernel[1]};
    strides = {dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1};
  } else {
    const auto& size = role == ConvOperand::kImage ? problem.image : problem.output;
    dims = {problem.images, role == ConvOperand::kImage ? problem.channels : problem.outputs, size[0],
            size[1]};
    strides = {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]};
  }
  CudnnDescriptor out(library, Cudnn::kTensor);
  out.set(Cudnn::kTensorDataType, Cudnn::kTypeDataType,
          problem.dtype == DType::kBF16 ? Cudnn::kDataBFloat16 : Cudnn::kDataFloat);
  out.set(Cudnn::kTensorDimensions, dims);
  out.set(Cudnn::kTensorStrides, strides);
  out.set(Cudnn::kTensorUniqueId, std::span(&kUniqueIds[static_cast<std::size_t>(role)], 1));
  out.set(Cudnn::kTensorAlignment, std::span(&kAlignment, 1));
  TAILOR_RETURN_IF_ERROR_AS_IS(out.finalize("a tensor"));
  return out;
}

Result<Graph> graph_of(const Cudnn& library, const ConvPlan& problem) {
  Graph graph;
  for (ConvOperand role : {ConvOperand::kImage, ConvOperand::kWeight, ConvOperand::kOutput}) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(CudnnDescriptor made, tensor(library, problem, role));
    graph.parts.push_back(std::move(made));
  }
  CudnnDescriptor convolution(library, Cudnn::kConvolution);
  const std::int64_t spatial = 2;
  convolution.set(Cudnn::kConvolutionComputeType, Cudnn::kTypeDataType, Cudnn::kDataFloat);
  convolution.set(Cudnn::kConvolutionMode, Cudnn::kTypeConvolutionMode, Cudnn::kCrossCorrelation);
  convolution.set(Cudnn::kConvolutionSpatialDims, std::span(&spatial, 1));
  convolution.set(Cudnn::kConvolutionPrePaddings, problem.padding_low);
  convolution.set(Cudnn::kConvolutionPostPaddings, problem.padding_high);
  convolution.set(Cudnn::kConvolutionStrides, problem.strides);
  convolution.set(Cudnn::kConvolutionDilations, problem.dilation);
  TAILOR_RETURN_IF_ERROR_AS_IS(convolution.finalize("a convolution"));

  Cudnn::Kind kind = Cudnn::kForwardOperation;
  int first = Cudnn::kForwardAlpha;
  if (problem.product == ConvProduct::kDataGradient)
    kind = Cudnn::kDataGradientOperation, first = Cudnn::kDataGradientAlpha;
  if (problem.product == ConvProduct::kWeightGradient)
    kind = Cudnn::kWeightGradientOperation, first = Cudnn::kWeightGradientAlpha;
  const auto attribute = [&](int number) { return static_cast<Cudnn::Attribute>(first + number); };
  CudnnDescriptor operation(library, kind);
  const float alpha = 1, beta = 0;
  operation.set(attribute(0), Cudnn::kTypeFloat, 1, &alpha);
  operation.set(attribute(1), Cudnn::kTypeFloat, 1, &beta);
  operation.set(attribute(2), convolution);
  operation.set(attribute(3), graph.parts[1]);
  operation.set(attribute(4), graph.parts[0]);
  operation.set(attribute(5), graph.parts[2]);
  TAILOR_RETURN_IF_ERROR_AS_IS(operation.finalize("an operation"));
  graph.parts.push_back(std::move(convolution));
  graph.whole.emplace(library, Cudnn::kOperationGraph);
  graph.whole->set(Cudnn::kGraphOperations, operation);
  graph.parts.push_back(std::move(operation));
  TAILOR_RETURN_IF_ERROR_AS_IS(graph.whole->finalize("an operation graph"));
  return graph;
}

Result<std::vector<CudnnDescriptor>> configurations(const Cudnn& library, const Graph& graph,
                                                    const CudnnDevice& device, int mode) {
  CudnnDescriptor heuristics(library, Cudnn::kEngineHeuristics);
  heuristics.set(Cudnn::kHeuristicsGraph, *graph.whole);
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

Result<std::uint64_t> workspace_of(const CudnnDescriptor& plan) {
  std::int64_t bytes = 0;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      plan.get(Cudnn::kPlanWorkspaceSize, Cudnn::kTypeInt64, std::span(&bytes, 1)).status());
  if (bytes < 0) return internal_error("cuDNN wants a workspace of ", bytes, " bytes");
  return static_cast<std::uint64_t>(bytes);
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
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Graph graph, graph_of(library, problem));
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

Result<CudnnCall> CudnnCall::load(const CudnnLibrary& library, CudnnLibrary::HandleType* handle,
                                  const LibraryPlan& plan) {
  CudnnDescriptor made(library, Cudnn::kExecutionPlan);
  made.set(Cudnn::kPlanHandle, Cudnn::kTypeHandle, 1, &handle);
  made.set(Cudnn::kPlanJson,
           std::string_view(reinterpret_cast<const char*>(plan.plan.data()), plan.plan.size()));
  TAILOR_RETURN_IF_ERROR_AS_IS(made.finalize("loading the plan of a convolution"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::uint64_t workspace, workspace_of(made));
  if (workspace > plan.workspace_bytes)
    return incompatible("the plan of a convolution wants a workspace of ", workspace, " bytes, and has ",
                        plan.workspace_bytes);
  return CudnnCall(library, handle, std::move(made));
}

Status CudnnCall::enqueue(std::span<void* const, kNumConvOperands> pointers) const {
  CudnnDescriptor pack(*library_, Cudnn::kVariantPack);
  pack.set(Cudnn::kPackUniqueIds, kUniqueIds);
  pack.set(Cudnn::kPackPointers, Cudnn::kTypeVoidPointer, kUniqueIds.size(), pointers.data());
  pack.set(Cudnn::kPackWorkspace, Cudnn::kTypeVoidPointer, 1,
           &pointers[static_cast<std::size_t>(ConvOperand::kWorkspace)]);
  TAILOR_RETURN_IF_ERROR_AS_IS(pack.finalize("the pointers of a convolution"));
  return library_->check(library_->execute(handle_, plan_.get(), pack.get()), "enqueuing a convolution");
}

} // namespace tailor::runtime
