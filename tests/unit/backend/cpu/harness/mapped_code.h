#pragma once
/// A code blob, mapped executable the way the runtime does it.

#include "backend/cpu/KernelCompiler.h"

#include "runtime/kernels/abi.h"

#include "llvm/ADT/StringRef.h"

#include <sys/mman.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace tailor::backend::testing {

class MappedCode {
public:
  explicit MappedCode(CodeBlob blob) : blob_(std::move(blob)) {
    size_ = (blob_.bytes.size() + 4095) / 4096 * 4096;
    memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::runtime_error("mmap failed");
    std::memcpy(memory_, blob_.bytes.data(), blob_.bytes.size());
    if (mprotect(memory_, size_, PROT_READ | PROT_EXEC) != 0) throw std::runtime_error("mprotect failed");
  }
  ~MappedCode() { munmap(memory_, size_); }
  MappedCode(const MappedCode&) = delete;
  MappedCode& operator=(const MappedCode&) = delete;

  const CodeBlob& blob() const { return blob_; }

  runtime::KernelFunction function(const std::string& symbol) const {
    const CodeFunction* found = blob_.find(symbol);
    if (!found) throw std::runtime_error("no function " + symbol);
    return reinterpret_cast<runtime::KernelFunction>(static_cast<char*>(memory_) + found->offset);
  }

private:
  CodeBlob blob_;
  void* memory_ = nullptr;
  size_t size_ = 0;
};

} // namespace tailor::backend::testing
