#pragma once
/// What a kernel asks of whoever launches it.
///
/// A kernel is a function of the ABI of runtime/kernels/abi.h:
///
///   void kernel(void *const *buffers, const int64_t *sizes, int64_t begin, int64_t end)
///
/// buffers: the operands of the kernel in order, then its results, then its temporaries in order, then the worker's
/// scratch memory if scratchBytes > 0. A multi_tensor kernel has one buffer per role instead of one per tensor: a region
/// of sizes[0] elements (a multiple of 16, padding zero); the other sizes say where its segments and their decaying parts
/// end (passes::regionSizes). Otherwise sizes[0] is `KernelInfo::rows` of the launch and every other extent is part of
/// the code. Element types in memory: f32, i32, i64 and ui8 as they are, i1 as one byte holding 0 or 1,
/// bf16 as the upper half of an f32.
/// Buffers are 64-byte aligned. A result may share its buffer with an operand of the same type in `map`, `channels` and
/// `multi_tensor` kernels only (passes::mayShareBuffer).
///
/// Chunks. Units [0, units.count(sizes[0])) may be split into any contiguous chunks; no bit of a result
/// depends on the split.
///
/// Prepare, launch, combine. Up to three functions, with the same buffers and sizes, each over units of its own that
/// may be split like those of the launch: `prepareSymbol` fills temporaries before the launch (packs weights);
/// `combineSymbol` makes results of them after it, in the order of the units, whatever the chunks were. Where
/// `combinesItself`, a call that covers every unit has done so already and no combine may follow: only a launch in one
/// chunk is such a call. Temporaries belong
/// to units, not chunks: all chunks share them, and each unit writes its own part.
///
/// Numerics: f32 with explicit fused multiply-adds and no fast-math flag: LLVM may not regroup anything, so a
/// row's bits are the same in every tile, chunk and batch size. exp, log, tanh, erf are polynomials
/// (backend/codegen/ElementaryFunctions.h).

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <string>

namespace tailor::backend {

/// Work units of a kernel: perBlock * ceil(rows / rowsPerBlock), or perBlock when rowsPerBlock is 0.
struct UnitRule {
  int64_t perBlock = 1;
  int64_t rowsPerBlock = 0;

  int64_t count(int64_t rows) const {
    return rowsPerBlock == 0 ? perBlock : perBlock * ((rows + rowsPerBlock - 1) / rowsPerBlock);
  }
  bool operator==(const UnitRule&) const = default;
};

/// Memory that a launch, its prepare and its combine share, beside operands and results: one buffer of bytes *
/// per.count(rows). No initial content expected.
struct Temporary {
  std::string purpose; ///< "transformed weights", "partial sums": what `inspect --memory` calls it
  UnitRule per;        ///< how many times `bytes`; once by default
  uint64_t bytes = 0;
};

/// What the driver must know to launch a kernel.
struct KernelInfo {
  std::string symbol;        ///< key into CodeBlob::functions; equal structures share it
  std::string prepareSymbol; ///< empty, or the function to run before every launch
  std::string combineSymbol; ///< empty, or the function to run after a launch
  int64_t rows = 1;          ///< sizes[0] of this launch: static in the IR, run time in the code
  UnitRule units, prepareUnits, combineUnits;
  bool combinesItself = false; ///< a launch of all units in one chunk needs no combine
  llvm::SmallVector<Temporary, 1> temporaries;
  uint64_t scratchBytes = 0; ///< per worker, a multiple of 64, of all functions; no initial content expected
  uint64_t prepareBytes = 0; ///< that prepare reads and writes
  uint64_t flops = 0;        ///< of one launch with `rows` rows; transcendental functions count once
  uint64_t bytes = 0;        ///< operands read once plus results written once
  std::string
      oneUnit; ///< why the work is one unit, which one thread runs alone; empty: split, or small by its kind
  std::string algorithm; ///< of a convolution, and why: "winograd_4x4: rejected ..."
  bool reused = false;   ///< true when an earlier kernel had the same structure
};

} // namespace tailor::backend
