#pragma once
/// Convolutions: one op, several algorithms.
///
/// `conv2d`, `conv2d_data_grad` and `conv2d_weight_grad` are one typed problem each; the algorithm is chosen from it
/// when the kernel is compiled. Images are NHWC, weights OIHW, f32. Units are images: code holds no batch size, and the
/// bits of an image's result do not depend on the batch, the chunk or its place in it. Padding is zero behind whatever
/// is computed in the loads.

#include "backend/codegen/ConvolutionProblem.h"
#include "backend/cpu/kinds/KernelEmitter.h"

namespace tailor::backend {

enum class ConvolutionAlgorithm {
  implicitGemm,
  winograd4x4,
  winograd2x2,
  winogradStride2,
  depthwise,
  grouped
};

inline constexpr ConvolutionAlgorithm kConvolutionAlgorithms[] = {
    ConvolutionAlgorithm::implicitGemm, ConvolutionAlgorithm::winograd4x4,
    ConvolutionAlgorithm::winograd2x2,  ConvolutionAlgorithm::winogradStride2,
    ConvolutionAlgorithm::depthwise,    ConvolutionAlgorithm::grouped};

/// "implicit_gemm", "winograd_4x4", ...
llvm::StringRef nameOf(ConvolutionAlgorithm algorithm);

/// Empty if the algorithm can compute the problem, else why not: "its stride is 2 x 2, not 1 x 1".
std::string whyNot(ConvolutionAlgorithm algorithm, const ConvolutionProblem& problem,
                   const CpuTarget& target);

/// The algorithm for a problem, and why: what the others would have cost.
struct ConvolutionChoice {
  ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::implicitGemm;
  std::string
      reason; ///< "rejected winograd_2x2 with 1.85 times its work, implicit_gemm with 3.10 times its work"
};
ConvolutionChoice chooseConvolution(const ConvolutionProblem& problem, const CpuTarget& target);

// --- one per algorithm; each says units, temporaries and scratch in context.info and reports its errors
mlir::LogicalResult emitImplicitGemm(KernelContext& context, const ConvolutionOp& conv);
mlir::LogicalResult emitImplicitGemmWeightGradient(KernelContext& context, const ConvolutionOp& conv);

// --- shared by the algorithms
/// Where the elements of image `n` of an operand are: the operand itself, or, when it is computed in the loads, a
/// panel in `scratch` (elements of one image) that is filled here.
mlir::Value imagePointer(Evaluator& e, KernelFrame& frame, mlir::Value tensor, mlir::Value n,
                         mlir::Value scratch);
/// True if `tensor` is an operand of the kernel, in memory as it is.
bool isInMemory(mlir::Value tensor);
/// Of one image of a tensor [N, H, W, C].
int64_t imageElements(mlir::Value tensor);
/// What imagePointer needs in scratch for the images among the operands that are computed in the loads, one behind the
/// other.
uint64_t panelBytes(const ConvolutionOp& conv);
/// A weight gradient sums over images, so nothing can be computed in its stores: an error if its kernel yields anything
/// else.
mlir::LogicalResult endsItsKernel(ir::KernelOp kernel, const ConvolutionOp& conv);
/// Defines the result of `conv` at a position and stores every value the kernel yields there.
void storeConvolution(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ConvolutionOp& conv,
                      llvm::ArrayRef<Coord> at, mlir::Value value);
/// Asks for what storeConvolution will write and read at a position, which need not exist.
void prefetchConvolution(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ConvolutionOp& conv,
                         llvm::ArrayRef<Coord> at);

} // namespace tailor::backend
