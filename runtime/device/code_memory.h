#pragma once
#include "runtime/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tailor::runtime {

/// Machine code ready to be called: a private copy, never writable and executable at the same time. A copy
/// rather than a mapping of the file, so that nothing done to the file later reaches running code, and so
/// that artifacts run from file systems mounted without execute permission.
class CodeMemory {
public:
  CodeMemory() = default;
  CodeMemory(CodeMemory&& other) noexcept;
  CodeMemory& operator=(CodeMemory&& other) noexcept;
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;
  ~CodeMemory();

  /// Copies `code`, compares the copy with `checksum` (XXH3-64) and makes it read+execute.
  /// Errors: kDataLoss if the copy differs, kResourceExhausted or kIncompatible if the system gives no such
  /// memory.
  static Result<CodeMemory> load(std::span<const std::byte> code, std::uint64_t checksum);

  const std::byte* base() const { return base_; }

private:
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
};

} // namespace tailor::runtime
