#include "backend/cuda/library/ConvolutionPlans.h"

#include "backend/cuda/library/DeviceProperties.h"

#include "llvm/ADT/STLExtras.h"

namespace tailor::backend::cuda {
namespace {

runtime::ConvProduct convert(ConvolutionProduct product) {
  switch (product) {
  case ConvolutionProduct::forward:
    return runtime::ConvProduct::kForward;
  case ConvolutionProduct::dataGradient:
    return runtime::ConvProduct::kDataGradient;
  case ConvolutionProduct::weightGradient:
    return runtime::ConvProduct::kWeightGradient;
  }
  llvm_unreachable("every product has its counterpart");
}

} // namespace

runtime::ConvPlan convPlanOf(const ConvolutionProblem& problem, int64_t images, runtime::DType dtype) {
  runtime::ConvPlan plan;
  plan.dtype = dtype;
  plan.product = convert(problem.product);
  plan.images = images;
  plan.channels = problem.channels;
  plan.outputs = problem.outputs;
  plan.groups = problem.groups;
  plan.image = problem.image;
  plan.output = problem.output;
  plan.kernel = problem.kernel;
  plan.strides = problem.strides;
  plan.padding_low = problem.paddingLow;
  plan.padding_high = problem.paddingHigh;
  plan.dilation = problem.dilation;
  return plan;
}

runtime::Status ConvolutionPlans::open() {
  if (device_) return {};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(library_, runtime::CudnnLibrary::open());
  TAILOR_ASSIGN_OR_RETURN(runtime::CudnnDevice device,
                          runtime::CudnnDevice::described(*library_, devicePropertiesOf(architecture_)),
                          architecture_);
  device_.emplace(std::move(device));
  return {};
}

runtime::Result<runtime::ChosenPlan> ConvolutionPlans::planFor(const runtime::ConvPlan& problem) {
  for (const runtime::ChosenPlan& known : made_)
    if (known.plan.convolution == problem) return known;
  TAILOR_RETURN_IF_ERROR_AS_IS(open());
  TAILOR_RETURN_IF_ERROR_AS_IS(runtime::check(problem));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      runtime::ChosenPlan chosen,
      runtime::plan_convolution(*library_, problem, *device_, runtime::most_workspace_of(problem)));
  return made_.emplace_back(std::move(chosen));
}

} // namespace tailor::backend::cuda
