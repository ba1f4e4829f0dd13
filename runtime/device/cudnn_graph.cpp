#include "runtime/device/cudnn_graph.h"

namespace tailor::runtime {
namespace {

using Cudnn = CudnnLibrary;

/// Pointers of commands are 64-byte aligned; no engine asks for more than its vectors of 16.
constexpr std::int64_t kAlignment = 16;

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
  out.set(Cudnn::kTensorUniqueId, std::span(&kCudnnOperandIds[static_cast<std::size_t>(role)], 1));
  out.set(Cudnn::kTensorAlignment, std::span(&kAlignment, 1));
  TAILOR_RETURN_IF_ERROR_AS_IS(out.finalize("a tensor"));
  return out;
}

} // namespace

Result<CudnnGraph> CudnnGraph::of(const CudnnLibrary& library, const ConvPlan& problem) {
  CudnnGraph graph;
  for (ConvOperand role : {ConvOperand::kImage, ConvOperand::kWeight, ConvOperand::kOutput}) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(CudnnDescriptor made, tensor(library, problem, role));
    graph.parts_.push_back(std::move(made));
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
  operation.set(attribute(3), graph.parts_[1]);
  operation.set(attribute(4), graph.parts_[0]);
  operation.set(attribute(5), graph.parts_[2]);
  TAILOR_RETURN_IF_ERROR_AS_IS(operation.finalize("an operation"));
  graph.parts_.push_back(std::move(convolution));
  graph.whole_.emplace(library, Cudnn::kOperationGraph);
  graph.whole_->set(Cudnn::kGraphOperations, operation);
  graph.parts_.push_back(std::move(operation));
  TAILOR_RETURN_IF_ERROR_AS_IS(graph.whole_->finalize("an operation graph"));
  return graph;
}

} // namespace tailor::runtime
