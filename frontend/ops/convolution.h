#pragma once

#include "frontend/graph/array.h"

/// Images are NHWC, weights OIHW.
namespace tailor {

/// x [N, H, W, C], weight [O, C / groups, kh, kw] -> [N, H', W', O],
/// H' = floor((H + top + bottom - dilation (kh - 1) - 1) / stride) + 1.
Array conv2d(const Operand& x, const Operand& weight, const ConvOptions& options = {});
Array max_pool2d(const Operand& x, const PoolOptions& options);
Array avg_pool2d(const Operand& x, const PoolOptions& options);

} // namespace tailor
