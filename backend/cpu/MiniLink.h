#pragma once
/// Turns one relocatable ELF object into position-independent bytes without an external linker.
///
/// Layout: all executable sections, then all read-only data sections, each at its own alignment (at least 64
/// for code). Only PC-relative relocations between these sections exist in such code; each is applied here,
/// so nothing is left for the loader. Errors, all internal: an undefined symbol (named: a call the code
/// generator should have prevented), a writable or thread-local section, an absolute or GOT relocation.

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::backend {

struct LinkedSymbol {
  std::string name;
  uint64_t offset = 0, size = 0;
};

struct LinkedCode {
  std::vector<uint8_t> bytes;
  std::vector<LinkedSymbol> functions; ///< global functions in the order of the object's symbol table
};

llvm::Expected<LinkedCode> linkObject(llvm::MemoryBufferRef object);

} // namespace tailor::backend
