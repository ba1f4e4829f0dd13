#include "runtime/artifact/conv_plan.h"

#include "runtime/base/options.h"

namespace tailor::runtime {
namespace {

/// Of one size: products of four of them, and of their bytes, stay within 2^46 where check() says so.
constexpr std::int64_t kMaxSize = std::int64_t{1} << 31;
constexpr double kMaxBytes = 1ull << 46;

const char* const kAxis[] = {"height", "width"};

} // namespace

const char* to_string(ConvProduct product) {
  switch (product) {
  case ConvProduct::kForward:
    return "forward";
  case ConvProduct::kDataGradient:
    return "data gradient";
  case ConvProduct::kWeightGradient:
    return "weight gradient";
  }
  return "unknown";
}

ConvOperand written_by(ConvProduct product) {
  switch (product) {
  case ConvProduct::kForward:
    return ConvOperand::kOutput;
  case ConvProduct::kDataGradient:
    return ConvOperand::kImage;
  case ConvProduct::kWeightGradient:
    return ConvOperand::kWeight;
  }
  return ConvOperand::kWorkspace;
}

std::array<std::uint64_t, 3> operand_bytes(const ConvPlan& plan) {
  const auto bytes = [&](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
    return static_cast<std::uint64_t>(a * b * c * d) * dtype_bytes(plan.dtype);
  };
  return {bytes(plan.images, plan.image[0], plan.image[1], plan.channels),
          bytes(plan.outputs, plan.channels / plan.groups, plan.kernel[0], plan.kernel[1]),
          bytes(plan.images, plan.output[0], plan.output[1], plan.outputs)};
}

Status check(const ConvPlan& plan) {
  if (plan.dtype != DType::kF32 && plan.dtype != DType::kBF16)
    return invalid_argument("a convolution of elements ", to_string(plan.dtype));
  const auto within = [](std::int64_t size, std::int64_t least) { return size >= least && size < kMaxSize; };
  if (!within(plan.images, 1) || !within(plan.channels, 1) || !within(plan.outputs, 1) ||
      !within(plan.groups, 1) || plan.channels % plan.groups != 0 || plan.outputs % plan.groups != 0)
    return invalid_argument("a convolution of ", plan.images, " images with ", plan.channels,
                            " channels and ", plan.outputs, " outputs in ", plan.groups, " groups");
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t image = plan.image[axis], output = plan.output[axis], kernel = plan.kernel[axis];
    if (!within(image, 1) || !within(output, 1) || !within(kernel, 1) || !within(plan.strides[axis], 1) ||
        !within(plan.dilation[axis], 1) || !within(plan.padding_low[axis], 0) ||
        !within(plan.padding_high[axis], 0))
      return invalid_argument("a convolution of ", kAxis[axis], " ", image, " with ", kernel, " taps");
    const std::int64_t room =
        image + plan.padding_low[axis] + plan.padding_high[axis] - plan.dilation[axis] * (kernel - 1) - 1;
    if (room < 0 || room / plan.strides[axis] + 1 != output)
      return invalid_argument("a convolution of ", kAxis[axis], " ", image, " gives ",
                              room < 0 ? 0 : room / plan.strides[axis] + 1, ", not ", output);
  }
  const auto product = [](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
    return double(a) * double(b) * double(c) * double(d) * sizeof(float);
  };
  if (product(plan.images, plan.image[0], plan.image[1], plan.channels) > kMaxBytes ||
      product(plan.outputs, plan.channels, plan.kernel[0], plan.kernel[1]) > kMaxBytes ||
      product(plan.images, plan.output[0], plan.output[1], plan.outputs) > kMaxBytes)
    return invalid_argument("a convolution of ", plan.images, " images is larger than any memory");
  return {};
}

Status check_same(const ConvPlan& wanted, const ConvPlan& actual) {
  Status status;
  const auto same = [&](const char* what, auto ours, auto theirs) {
    if (status.ok() && ours != theirs)
      status = invalid_argument("its ", what, " is ", theirs, ", the problem's is ", ours);
  };
  const auto same_axes = [&](const char* what, const std::array<std::int64_t, 2>& ours,
                             const std::array<std::int64_t, 2>& theirs) {
    for (std::size_t axis = 0; axis < 2; ++axis)
      same(concat(what, " (", kAxis[axis], ")").c_str(), ours[axis], theirs[axis]);
  };
  same("product", std::string_view(to_string(wanted.product)), std::string_view(to_string(actual.product)));
  same("element type", std::string_view(to_string(wanted.dtype)), std::string_view(to_string(actual.dtype)));
  same("number of images", wanted.images, actual.images);
  same("number of channels", wanted.channels, actual.channels);
  same("number of outputs", wanted.outputs, actual.outputs);
  same("number of groups", wanted.groups, actual.groups);
  same_axes("image", wanted.image, actual.image);
  same_axes("output", wanted.output, actual.output);
  same_axes("kernel", wanted.kernel, actual.kernel);
  same_axes("stride", wanted.strides, actual.strides);
  same_axes("low padding", wanted.padding_low, actual.padding_low);
  same_axes("high padding", wanted.padding_high, actual.padding_high);
  same_axes("dilation", wanted.dilation, actual.dilation);
  return status;
}

} // namespace tailor::runtime
