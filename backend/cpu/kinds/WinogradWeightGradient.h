#pragma once
/// The weight gradient of a Winograd problem: backend/cpu/kinds/Winograd.h.

#include "backend/cpu/kinds/Convolution.h"

namespace tailor::backend {

struct WinogradForm;

mlir::LogicalResult emitWinogradWeightGradient(KernelContext& context, const ConvolutionOp& conv,
                                               const WinogradForm& form);

} // namespace tailor::backend
