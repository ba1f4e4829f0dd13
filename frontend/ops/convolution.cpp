#include "frontend/ops/convolution.h"

#include "frontend/ops/checks.h"

#include <algorithm>

namespace tailor {

namespace {

using namespace detail;

/// More than any image has; sums and products of two stay far from overflow.
constexpr std::int64_t kMostExtent = std::int64_t{1} << 30;

/// TraceError for a stride, a padding, a dilation or a window that no image has.
template <class Numbers>
void require_extents(std::string_view op, const char* what, const Numbers& numbers, std::int64_t least,
                     const Location& location) {
  for (const std::int64_t number : numbers)
    if (number < least || number > kMostExtent)
      fail(op,
           "the " + std::string(what) + " must be at least " + std::to_string(least) + " and at most " +
               std::to_string(kMostExtent) + ", not " + std::to_string(number),
           location);
}

/// Output extent of a window of `span` input elements moved by `stride`; at least 1 or TraceError.
std::int64_t output_extent(std::string_view op, std::int64_t padded, std::int64_t span, std::int64_t stride,
                           const Location& location) {
  if (padded < span)
    fail(op,
         "a window of " + std::to_string(span) + " does not fit an axis of " + std::to_string(padded) +
             " (padding included)",
         location);
  return (padded - span) / stride + 1;
}

std::int64_t pooled_extent(std::string_view op, std::int64_t size, std::int64_t low, std::int64_t high,
                           std::int64_t window, std::int64_t stride, bool ceil_mode,
                           const Location& location) {
  if (low >= window || high >= window)
    fail(op,
         "the padding " + std::to_string(std::max(low, high)) + " must be smaller than the window " +
             std::to_string(window),
         location);
  std::int64_t floor = output_extent(op, size + low + high, window, stride, location);
  if (!ceil_mode || (size + low + high - window) % stride == 0) return floor;
  // The extra window counts only if it starts inside the image or its leading padding.
  return floor * stride < size + low ? floor + 1 : floor;
}

Array pool(std::string_view op, const Operand& x, const PoolOptions& options) {
  Array image = value_of(x);
  const Location& location = x.location();
  require_rank(op, "images", image, 4, location);
  require_float(op, image, location);
  require_extents(op, "window", options.window, 1, location);
  require_extents(op, "stride", options.strides, 1, location);
  require_extents(op, "padding", options.padding, 0, location);
  const Shape& in = image.shape();
  std::int64_t height = pooled_extent(op, in[1], options.padding[0], options.padding[1], options.window[0],
                                      options.strides[0], options.ceil_mode, location);
  std::int64_t width = pooled_extent(op, in[2], options.padding[2], options.padding[3], options.window[1],
                                     options.strides[1], options.ceil_mode, location);
  return record1(op, {image}, options, {image.dtype(), {in[0], height, width, in[3]}}, location);
}

} // namespace

Array conv2d(const Operand& x, const Operand& weight, const ConvOptions& options) {
  Array image = value_of(x), kernel = value_of(weight);
  const Location& location = x.location();
  require_rank("conv2d", "images", image, 4, location);
  require_rank("conv2d", "the weight", kernel, 4, location);
  require_float("conv2d", image, location);
  if (image.dtype() != kernel.dtype())
    fail("conv2d", "images are " + to_string(image.type()) + " and the weight " + to_string(kernel.type()),
         location);
  const Shape &in = image.shape(), &w = kernel.shape();
  if (options.groups < 1 || in[3] % options.groups || w[0] % options.groups || w[1] * options.groups != in[3])
    fail("conv2d",
         "images " + to_string(in) + " and weight " + to_string(w) + " do not match with " +
             std::to_string(options.groups) + " groups",
         location, "images are NHWC, weights OIHW with I = C / groups");
  require_extents("conv2d", "stride", options.strides, 1, location);
  require_extents("conv2d", "dilation", options.dilation, 1, location);
  require_extents("conv2d", "padding", options.padding, 0, location);
  std::int64_t height = output_extent("conv2d", in[1] + options.padding[0] + options.padding[1],
                                      options.dilation[0] * (w[2] - 1) + 1, options.strides[0], location);
  std::int64_t width = output_extent("conv2d", in[2] + options.padding[2] + options.padding[3],
                                     options.dilation[1] * (w[3] - 1) + 1, options.strides[1], location);
  return record1("conv2d", {image, kernel}, options, {image.dtype(), {in[0], height, width, w[0]}}, location);
}

Array max_pool2d(const Operand& x, const PoolOptions& options) {
  return pool("max_pool2d", x, options);
}
Array avg_pool2d(const Operand& x, const PoolOptions& options) {
  return pool("avg_pool2d", x, options);
}

} // namespace tailor
