#pragma once
/// Convolutions of narrow groups: as many output as input channels in each group, several groups in one vector; depthwise
/// is the narrowest. Vectors run along channels, so neither loads nor multiply-adds waste a lane: the channels of a group
/// meet by shuffles inside the vector.

#include "backend/cpu/kinds/Convolution.h"

namespace tailor::backend {

/// True if several groups of `problem` share one vector of `lanes` channels.
bool isNarrowGrouped(const ConvolutionProblem& problem, int64_t lanes);

/// Forward or data gradient.
mlir::LogicalResult emitGrouped(KernelContext& context, const ConvolutionOp& conv);
mlir::LogicalResult emitGroupedWeightGradient(KernelContext& context, const ConvolutionOp& conv);

/// Element `channel` of each group of `width` lanes in all lanes of that group.
mlir::Value broadcastInGroups(VectorBuilder& b, mlir::Value vector, int64_t width, int64_t channel);

} // namespace tailor::backend
