// Which pointers a kernel gets: the one definition that PlanMemory, the code generator and the artifact
// share.
#pragma once

#include "ir/Tailor.h"

namespace tailor::passes {

/// Bytes of a value in memory: i1 takes one byte an element. Types of the dialect have static shapes.
int64_t bytesOf(mlir::Type type);

/// One pointer of the kernel ABI: arguments (or results) [first, first + count) of a `tailor.kernel`. `count`
/// tensors lie behind it one after the other; it is 1 except for the roles of a multi-tensor kernel.
struct KernelBuffer {
  bool isResult = false;
  unsigned first = 0;
  unsigned count = 1;
  bool isRole = false;  ///< the tensors of one role of a multi-tensor op
  llvm::StringRef role; ///< its name: params, grads, velocity, ...
};

/// The buffers of a kernel in ABI order: arguments, then results. Kinds other than multi_tensor have one
/// buffer per argument and result. In a multi_tensor kernel each run of arguments that feeds one role of one
/// op is one buffer, and each run of results that one role of one op yields.
llvm::SmallVector<KernelBuffer> kernelBuffers(ir::KernelOp kernel);

/// Sizes a multi_tensor kernel is launched with, in elements, each tensor padded to 64 bytes. First all of a role's
/// region, then per segment, in order, the end of its decaying part, which comes first, and its own end; that of the
/// last segment is left out where there is only one.
llvm::SmallVector<int64_t> regionSizes(ir::KernelOp kernel);

/// For a multi_tensor kernel: the segment of the index-th tensor of its roles, and how many there are.
unsigned segmentOfTensor(ir::KernelOp kernel, unsigned index);
unsigned numSegments(ir::KernelOp kernel);

/// For a multi_tensor kernel: true if weight decay acts on the index-th tensor of its roles.
bool isDecayedTensor(ir::KernelOp kernel, unsigned index);

/// True if result `result` may be written over argument `argument`: the kernel reads element i of the
/// argument before it writes element i of the result and never again. Holds between equal types in
/// multi_tensor kernels, and in map kernels where the argument flows through lane-wise ops only; in a horizontal kernel, if no
/// other part reads the argument.
bool mayShareBuffer(ir::KernelOp kernel, unsigned argument, unsigned result);

} // namespace tailor::passes
