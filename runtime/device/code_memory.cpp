#include "runtime/device/code_memory.h"

#define XXH_INLINE_ALL
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>
#include <xxhash.h>

namespace tailor::runtime {

CodeMemory::CodeMemory(CodeMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

CodeMemory& CodeMemory::operator=(CodeMemory&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

CodeMemory::~CodeMemory() {
  if (base_) ::munmap(base_, bytes_);
}

Result<CodeMemory> CodeMemory::load(std::span<const std::byte> code, std::uint64_t checksum) {
  CodeMemory memory;
  if (code.empty()) return memory;
  void* address = ::mmap(nullptr, code.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    return resource_exhausted("no memory for ", code.size(), " bytes of code: ", std::strerror(errno));
  memory.base_ = static_cast<std::byte*>(address);
  memory.bytes_ = code.size();
  std::memcpy(address, code.data(), code.size());
  if (XXH3_64bits(address, code.size()) != checksum)
    return data_loss("the code changed on disk after it was verified");
  if (::mprotect(address, code.size(), PROT_READ | PROT_EXEC) != 0)
    return incompatible("this system does not allow compiled code to run: ", std::strerror(errno));
  return memory;
}

} // namespace tailor::runtime
