#pragma once
/// Plans of cuDNN for the convolutions of a program, made on any machine that has the library.

#include "backend/codegen/ConvolutionProblem.h"
#include "runtime/device/cudnn_plan.h"

#include <optional>
#include <string>
#include <vector>

namespace tailor::backend::cuda {

/// The problem as artifacts hold it: of so many images, of elements `dtype`.
runtime::ConvPlan convPlanOf(const ConvolutionProblem& problem, int64_t images, runtime::DType dtype);

/// Plans for one architecture, each made once.
class ConvolutionPlans {
public:
  explicit ConvolutionPlans(std::string architecture) : architecture_(std::move(architecture)) {}

  /// Errors   kIncompatible: no cuDNN here; kUnimplemented: no engine of it fits.
  runtime::Result<runtime::ChosenPlan> planFor(const runtime::ConvPlan& problem);

private:
  runtime::Status open();

  std::string architecture_;
  const runtime::CudnnLibrary* library_ = nullptr;
  std::optional<runtime::CudnnDevice> device_;
  std::vector<runtime::ChosenPlan> made_;
};

} // namespace tailor::backend::cuda
