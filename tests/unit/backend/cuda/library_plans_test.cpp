// Plans that cuDNN makes without a device: what their bytes say against the problem, and what is never taken. Skipped where cuDNN is
// not installed.

#include "backend/cuda/library/ConvolutionPlans.h"
#include "backend/cuda/library/DeviceProperties.h"
#include "tests/unit/backend/cpu/harness/convolution_shapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::backend::cuda {
namespace {

using runtime::ConvPlan;
using runtime::ConvProduct;
using ::testing::HasSubstr;

class LibraryPlans : public ::testing::Test {
protected:
  void SetUp() override {
    auto library = runtime::CudnnLibrary::open();
    if (!library.ok()) GTEST_SKIP() << "skipped: " << library.status().message();
  }
};

ConvPlan planOf(const testing::Convolution& c, ConvProduct product) {
  ConvPlan plan;
  plan.product = product;
  plan.images = c.images;
  plan.channels = c.channels;
  plan.outputs = c.outputs;
  plan.groups = c.groups;
  plan.image = {c.height, c.width};
  plan.output = {c.outputHeight(), c.outputWidth()};
  plan.kernel = {c.kernelHeight, c.kernelWidth};
  plan.strides = {c.strideHeight, c.strideWidth};
  plan.padding_low = {c.top, c.left};
  plan.padding_high = {c.bottom, c.right};
  plan.dilation = {c.dilationHeight, c.dilationWidth};
  return plan;
}

constexpr ConvProduct kProducts[] = {ConvProduct::kForward, ConvProduct::kDataGradient,
                                     ConvProduct::kWeightGradient};

std::string_view textOf(const runtime::LibraryPlan& plan) {
  return {reinterpret_cast<const char*>(plan.plan.data()), plan.plan.size()};
}

/// What networks use, on every architecture: images with other paddings before than behind, of few channels, and in groups.
std::vector<testing::Convolution> networkShapes() {
  std::vector<testing::Convolution> shapes(6);
  shapes[0] = {.images = 8, .height = 32, .width = 32, .channels = 3, .outputs = 16};
  shapes[1] = {.images = 8,
               .height = 32,
               .width = 24,
               .channels = 16,
               .outputs = 32,
               .strideHeight = 2,
               .strideWidth = 2};
  shapes[2] = {.images = 8,
               .height = 16,
               .width = 16,
               .channels = 32,
               .outputs = 64,
               .kernelHeight = 1,
               .kernelWidth = 1,
               .top = 0,
               .bottom = 0,
               .left = 0,
               .right = 0};
  shapes[3] = {.images = 8,
               .height = 9,
               .width = 17,
               .channels = 16,
               .outputs = 16,
               .kernelWidth = 5,
               .top = 2,
               .bottom = 2,
               .left = 4,
               .right = 4,
               .dilationHeight = 2,
               .dilationWidth = 2};
  shapes[4] = {.images = 8, .height = 16, .width = 16, .channels = 32, .outputs = 64, .groups = 4};
  shapes[5] = {.images = 4,
               .height = 16,
               .width = 16,
               .channels = 16,
               .outputs = 16,
               .strideHeight = 2,
               .strideWidth = 2,
               .top = 0,
               .bottom = 1,
               .left = 0,
               .right = 1};
  return shapes;
}

TEST_F(LibraryPlans, TheBytesAreTheProblem) {
  for (const char* architecture : {"sm_80", "sm_90", "sm_100"}) {
    ConvolutionPlans plans(architecture);
    for (const testing::Convolution& shape : networkShapes())
      for (ConvProduct product : kProducts) {
        SCOPED_TRACE(std::string(architecture) + " " + nameOf(shape) + " " + to_string(product));
        const ConvPlan problem = planOf(shape, product);
        auto chosen = plans.planFor(problem);
        ASSERT_TRUE(chosen.ok()) << chosen.status().message();
        auto planned = runtime::conv_plan_of_cudnn(textOf(chosen->plan));
        ASSERT_TRUE(planned.ok()) << planned.status().message();
        EXPECT_TRUE(*planned == problem) << check_same(problem, *planned).message();
        EXPECT_LE(chosen->plan.workspace_bytes, runtime::most_workspace_of(problem));
        EXPECT_GE(chosen->plan.engine, 0);
      }
  }
}

/// Values in bf16 have engines of their own.
TEST_F(LibraryPlans, Bf16HasPlansOfItsOwn) {
  ConvolutionPlans plans("sm_90");
  for (const testing::Convolution& shape : networkShapes())
    for (ConvProduct product : kProducts) {
      SCOPED_TRACE(nameOf(shape) + " " + to_string(product));
      ConvPlan problem = planOf(shape, product);
      problem.dtype = runtime::DType::kBF16;
      auto chosen = plans.planFor(problem);
      ASSERT_TRUE(chosen.ok()) << chosen.status().message();
      auto planned = runtime::conv_plan_of_cudnn(textOf(chosen->plan));
      ASSERT_TRUE(planned.ok()) << planned.status().message();
      EXPECT_TRUE(*planned == problem) << check_same(problem, *planned).message();
      ConvPlan inF32 = problem;
      inF32.dtype = runtime::DType::kF32;
      EXPECT_EQ(check_same(inF32, *planned).message(), "its element type is bf16, the problem's is f32");
    }
}

/// A translation that had any of these wrong would be seen.
TEST_F(LibraryPlans, MutatedProblemsAreToldApart) {
  ConvolutionPlans plans("sm_90");
  const testing::Convolution shape{
      .images = 4, .height = 16, .width = 16, .channels = 16, .outputs = 32, .groups = 2};
  const std::pair<void (*)(testing::Convolution&), const char*> mutations[] = {
      {[](auto& c) { c.strideHeight = 2; }, "stride (height)"},
      {[](auto& c) { c.strideWidth = 2; }, "stride (width)"},
      {[](auto& c) { c.top = 0, c.bottom = 2; }, "low padding (height)"},
      {[](auto& c) { c.left = 2, c.right = 0; }, "low padding (width)"},
      {[](auto& c) { c.groups = 1; }, "number of groups"},
      {[](auto& c) { c.dilationHeight = 2; }, "dilation (height)"},
      {[](auto& c) { c.dilationWidth = 2; }, "dilation (width)"},
      {[](auto& c) { c.kernelHeight = 1; }, "kernel (height)"},
  };
  for (ConvProduct product : kProducts) {
    const ConvPlan wanted = planOf(shape, product);
    for (const auto& [mutate, field] : mutations) {
      testing::Convolution mutated = shape;
      mutate(mutated);
      SCOPED_TRACE(std::string(to_string(product)) + " " + field);
      auto chosen = plans.planFor(planOf(mutated, product));
      ASSERT_TRUE(chosen.ok()) << chosen.status().message();
      auto planned = runtime::conv_plan_of_cudnn(textOf(chosen->plan));
      ASSERT_TRUE(planned.ok()) << planned.status().message();
      // The sizes that follow from it may be told first; the field itself differs too.
      EXPECT_FALSE(check_same(wanted, *planned).ok());
      ConvPlan sized = wanted;
      sized.output = planned->output;
      EXPECT_THAT(check_same(sized, *planned).message(), HasSubstr(field));
    }
  }
}

TEST_F(LibraryPlans, EveryRejectedEngineHasItsReason) {
  ConvolutionPlans plans("sm_90");
  const ConvPlan problem = planOf({.images = 32, .height = 16, .width = 16, .channels = 32, .outputs = 32},
                                  ConvProduct::kWeightGradient);
  auto chosen = plans.planFor(problem);
  ASSERT_TRUE(chosen.ok()) << chosen.status().message();
  bool tensorCores = false;
  for (const runtime::RejectedEngine& rejected : chosen->rejected) {
    EXPECT_FALSE(rejected.reason.empty());
    tensorCores |= rejected.reason.find("tf32") != std::string::npos;
  }
  EXPECT_TRUE(tensorCores) << "f32 keeps its precision";
}

TEST_F(LibraryPlans, AWorkspaceHasItsBound) {
  ConvolutionPlans plans("sm_90");
  const ConvPlan problem = planOf({.images = 32, .height = 16, .width = 16, .channels = 32, .outputs = 32},
                                  ConvProduct::kDataGradient);
  auto chosen = plans.planFor(problem);
  ASSERT_TRUE(chosen.ok()) << chosen.status().message();
  ASSERT_GT(chosen->plan.workspace_bytes, 0u);
  auto library = runtime::CudnnLibrary::open();
  ASSERT_TRUE(library.ok());
  auto device = runtime::CudnnDevice::described(**library, devicePropertiesOf("sm_90"));
  ASSERT_TRUE(device.ok()) << device.status().message();
  const uint64_t less = chosen->plan.workspace_bytes - 1;
  auto other = runtime::plan_convolution(**library, problem, *device, less);
  if (other.ok())
    EXPECT_LE(other->plan.workspace_bytes, less);
  else
    EXPECT_THAT(other.status().message(), HasSubstr("a workspace of"));
}

} // namespace
} // namespace tailor::backend::cuda
