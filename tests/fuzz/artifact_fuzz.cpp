// Any bytes as an artifact: refused with a reason or read; never a crash, an overrun or a hang.
#include "runtime/artifact/layout.h"
#include "runtime/artifact/reader.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <cstring>
#include <xxhash.h>

using namespace tailor::runtime;

namespace {

/// Makes header and checksums right, so that the mutations reach the rules behind them.
void repair(std::vector<std::byte>& bytes) {
  if (bytes.size() < sizeof(FileHeader)) return;
  FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.format_version = kFormatVersion;
  header.header_bytes = sizeof(FileHeader);
  header.file_bytes = bytes.size();
  header.reserved[0] = header.reserved[1] = 0;
  header.metadata_bytes = std::min<std::uint64_t>(header.metadata_bytes, bytes.size() - sizeof(FileHeader));
  header.metadata_checksum = XXH3_64bits(bytes.data() + sizeof(FileHeader), header.metadata_bytes);
  header.header_checksum = XXH3_64bits(&header, offsetof(FileHeader, header_checksum));
  std::memcpy(bytes.data(), &header, sizeof(header));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::transform(data, data + size, bytes.begin(), [](std::uint8_t b) { return static_cast<std::byte>(b); });
  (void)Artifact::from_bytes(bytes);
  repair(bytes);
  const auto artifact = Artifact::from_bytes(std::move(bytes));
  if (artifact.ok() && !verify_spec((*artifact)->spec(), (*artifact)->section(kCodeSection).size(),
                                    (*artifact)->section(kConstantSection).size())
                            .ok())
    __builtin_trap();
  return 0;
}
