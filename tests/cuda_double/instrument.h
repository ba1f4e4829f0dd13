#pragma once
/// Puts a call of the watch in front of every access that a kernel makes.

#include "tests/cuda_double/watch.h"

#include "llvm/IR/Module.h"

#include <deque>
#include <string>
#include <vector>

namespace tailor::backend::testing {

/// Attribute of a kernel's function: the bytes behind each pointer, "128,4,0": 0 where they are not known.
inline constexpr char kExtentsAttribute[] = "tailor.extents";
std::vector<uint64_t> extentsOf(const llvm::Function& kernel);

/// Names of what instrumented code calls, to be defined as instrumentedAccess and instrumentedFence.
inline constexpr char kAccessSymbol[] = "watch.access", kFenceSymbol[] = "watch.fence";
void instrumentedAccess(const void* address, uint64_t bytes, const Site* site, uint64_t happens);
void instrumentedFence();

/// `sites` outlives the code. Throws std::runtime_error at an instruction that reads or writes memory in a way it does not know.
void instrument(llvm::Function& kernel, std::deque<Site>& sites);

} // namespace tailor::backend::testing
