#pragma once
/// What a kernel asks of whoever launches it.
///
/// A kernel is one function, or the call of a library with one in front of it and one behind it, all on these pointers:
///
///   function(operand 0, ..., result 0, ..., temporary 0, ...)
///
/// in the order of the kernel's operands and results; a multi_tensor kernel has one pointer per role instead of one per tensor
/// (passes::kernelBuffers), to a region whose tensors are padded to 64 bytes each. Every pointer is 64-byte aligned device
/// memory, every extent is part of the code. Element types in memory are those of target cpu. A result may share its buffer with
/// an operand of the same type where passes::mayShareBuffer says so.
///
/// Numerics: those of target cpu: f32 with explicit fused multiply-adds, no fast-math flag, no contraction, denormals kept,
/// division and square root correctly rounded. The order of every sum is part of the code: what blocks made is put together by the
/// last of them to come (KernelFrame::inLastBlock), whichever that is.

#include "runtime/artifact/spec.h"
#include "runtime/device/cudnn_plan.h"

#include "llvm/ADT/SmallVector.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace tailor::backend::cuda {

/// A function and its launch: blocks and threads along one dimension.
struct GpuFunction {
  std::string symbol;
  uint32_t blocks = 1;
  uint32_t threads = 32; ///< of a block: whole warps, at most 1024
  uint32_t resident =
      1; ///< blocks that a multiprocessor has threads for, and registers where shareMultiprocessor() asks
  uint32_t sharedBytes = 0;
  runtime::TensorCores tensorCores = runtime::TensorCores::kNone;
};

/// A call of a library on some of the pointers, between the functions, one of them on each side at most.
struct LibraryCall {
  runtime::ChosenPlan chosen;
  /// Pointers by runtime::ConvOperand, as the functions count theirs; -1: no workspace.
  std::array<int64_t, runtime::kNumConvOperands> pointers{-1, -1, -1, -1};
  size_t functionsBefore = 0;                ///< that run before it
  std::string reason;                        ///< why a library, for a remark
  uint64_t bytes = 0;                        ///< it reads and writes, without its workspace
  uint64_t bytesBefore = 0, bytesBehind = 0; ///< of the functions
};

/// Memory that the blocks and functions of one launch share. No initial content expected.
struct Temporary {
  std::string purpose;
  uint64_t bytes = 0;
};

struct KernelInfo {
  llvm::SmallVector<GpuFunction, 2>
      functions; ///< one, in front of it and behind it where a library is called
  std::optional<LibraryCall> library;
  llvm::SmallVector<Temporary, 1> temporaries;
  uint64_t flops = 0; ///< transcendental functions count once
  uint64_t bytes = 0; ///< operands read once plus results written once
  std::string slow;   ///< why a thread does what many should; empty: it does not
};

} // namespace tailor::backend::cuda
