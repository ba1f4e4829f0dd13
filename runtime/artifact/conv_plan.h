#pragma once
#include "runtime/base/dtype.h"
#include "runtime/base/result.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace tailor::runtime {

/// Which of the three products of image x, weight w and output y a library computes.
enum class ConvProduct : std::uint8_t {
  kForward,       ///< y = conv(x, w)
  kDataGradient,  ///< dx from dy and w
  kWeightGradient ///< dw from x and dy
};
const char* to_string(ConvProduct product);

/// A convolution as a typed problem, of which a library makes a plan of its own. Lists are [height, width]. Images
/// x [N, H, W, C] and outputs y [N, H', W', O] lie in memory as NHWC, weights w [O, C / groups, kh, kw] as OIHW, all without gaps;
///
///   H' = (H + padding_low + padding_high - dilation * (kh - 1) - 1) / strides + 1
///
/// and taps are not turned around (cross-correlation). Sums are f32.
struct ConvPlan {
  ConvProduct product = ConvProduct::kForward;
  DType dtype = DType::kF32; ///< of x, w and y: kF32 or kBF16
  std::int64_t images = 0;   ///< N
  std::int64_t channels = 0; ///< C
  std::int64_t outputs = 0;  ///< O
  std::int64_t groups = 1;
  std::array<std::int64_t, 2> image{}, output{}, kernel{};
  std::array<std::int64_t, 2> strides{1, 1};
  std::array<std::int64_t, 2> padding_low{}, padding_high{}; ///< top, left; bottom, right
  std::array<std::int64_t, 2> dilation{1, 1};

  bool operator==(const ConvPlan&) const = default;
};

/// Buffers of a library command that computes a ConvPlan, in this order. The product says which of the first three is written.
enum class ConvOperand : std::uint8_t { kImage, kWeight, kOutput, kWorkspace };
inline constexpr std::size_t kNumConvOperands = 4;

ConvOperand written_by(ConvProduct product);

/// Of x, w and y. Only of plans that check() accepts.
std::array<std::uint64_t, 3> operand_bytes(const ConvPlan& plan);

/// kInvalidArgument for sizes that are none, do not fit each other or are larger than memory.
Status check(const ConvPlan& plan);

/// The problem that a plan of cuDNN computes, read back from its bytes (JSON): cuDNN's own words for what it was told.
/// Errors   kDataLoss: it is no plan of one convolution, or of one whose operands lie otherwise or are scaled.
Result<ConvPlan> conv_plan_of_cudnn(std::string_view text);

/// kInvalidArgument with the field and both numbers where `actual` is another problem than `wanted`.
Status check_same(const ConvPlan& wanted, const ConvPlan& actual);

} // namespace tailor::runtime
