#pragma once
/// 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3) and F(2 x 2, 3 x 3): 4 and 2.25 times fewer multiplications at
/// stride 1, 1.78 times fewer at stride 2, at the error of a direct sum.
///
///   prepare   U[point] = G w G^T, once a launch: a planned temporary
///   launch    for each block of tile rows:
///               V[point] = B^T x B                 [tiles, C], x asked of the Evaluator
///               for each block of outputs:
///                 M[point] = V[point] U[point]     [tiles, outputs], one product per point
///                 y = A^T M A                      in registers, stored through the Evaluator
///
/// V and M are scratch that stays in the second-level cache. A block is whole tile rows and may cross images. Products
/// add in increasing channel by fused multiply-adds, one chain an element, so an image's bits do not depend on blocks,
/// chunks or the batch. The data gradient is the same with rotated, transposed weights and the padding's complement.
///
/// The weight gradient is F(3 x 3, m x m): per block of tiles P[point] += V[point]^T (A dy A^T)[point], then
/// G^T P G. A unit is a fixed number of images (and a slice of the outputs); its sums start from zero, and combine adds
/// units in order, which halves the error of one long chain.

#include "backend/cpu/kinds/Convolution.h"

namespace tailor::backend {

struct WinogradForm;

/// The form of a problem under an algorithm; null if that cannot compute it. All want 3 x 3, dilation 1, one group, padding
/// of at most 2 a side; winograd_4x4 and winograd_2x2 stride 1, winograd_4x4_stride_2 stride 2 and a padding of 1 before.
const WinogradForm* winogradForm(const ConvolutionProblem& problem, ConvolutionAlgorithm algorithm);

/// Any of the three products of a problem, by its form.
mlir::LogicalResult emitWinograd(KernelContext& context, const ConvolutionOp& conv, const WinogradForm& form);

} // namespace tailor::backend
