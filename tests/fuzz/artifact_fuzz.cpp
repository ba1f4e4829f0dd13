// Any bytes as an artifact: refused with a reason or read, and then inspected in every view; never a crash,
// an overrun or a hang.
#include "runtime/artifact/layout.h"
#include "runtime/artifact/reader.h"
#include "runtime/artifact/tailor_generated.h"
#include "tools/tailor/inspect_graph.h"
#include "tools/tailor/inspect_kernels.h"
#include "tools/tailor/inspect_text.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <cstring>
#include <xxhash.h>

using namespace tailor::runtime;
namespace fb = tailor::format;

namespace {

constexpr std::uint64_t kMostSectionBytes = 1 << 16;

template <class T> void put(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

/// Writes a number of a section table, if the table stores it.
void patch(std::vector<std::byte>& file, std::span<const std::byte> metadata, const fb::Section& section,
           flatbuffers::voffset_t field, std::uint64_t value) {
  // A generated table hides that it is one, and has nothing of its own.
  if (const std::uint8_t* place = reinterpret_cast<const flatbuffers::Table&>(section).GetAddressOf(field))
    put(file,
        sizeof(FileHeader) +
            static_cast<std::size_t>(place - reinterpret_cast<const std::uint8_t*>(metadata.data())),
        value);
}

/// The metadata of `bytes` in a file whose header, places and checksums are right, so that mutations reach
/// the rules behind them. Sections keep their bytes where they are found, else they are zeros.
std::vector<std::byte> repaired(std::span<const std::byte> bytes) {
  FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::span<const std::byte> metadata = bytes.subspan(
      sizeof(FileHeader), std::min<std::uint64_t>(header.metadata_bytes, bytes.size() - sizeof(FileHeader)));
  std::vector<std::byte> file(sizeof(FileHeader));
  file.insert(file.end(), metadata.begin(), metadata.end());
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(metadata.data()), metadata.size(), 64,
                                 10'000'000);
  if (fb::VerifyArtifactBuffer(verifier) && fb::GetArtifact(metadata.data())->sections()) {
    for (const fb::Section* section : *fb::GetArtifact(metadata.data())->sections()) {
      const std::size_t begin = align_up(file.size(), kPageBytes);
      const std::uint64_t size = std::min(section->size(), kMostSectionBytes);
      file.resize(begin + size);
      if (section->offset() <= bytes.size() && size <= bytes.size() - section->offset())
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(section->offset()), size,
                    file.begin() + static_cast<std::ptrdiff_t>(begin));
      patch(file, metadata, *section, fb::Section::VT_OFFSET, begin);
      patch(file, metadata, *section, fb::Section::VT_SIZE, size);
      patch(file, metadata, *section, fb::Section::VT_CHECKSUM, XXH3_64bits(file.data() + begin, size));
    }
  }
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.format_version = kFormatVersion;
  header.header_bytes = sizeof(FileHeader);
  header.file_bytes = file.size();
  header.reserved[0] = header.reserved[1] = 0;
  header.metadata_bytes = metadata.size();
  header.metadata_checksum = XXH3_64bits(file.data() + sizeof(FileHeader), metadata.size());
  header.header_checksum = XXH3_64bits(&header, offsetof(FileHeader, header_checksum));
  put(file, 0, header);
  return file;
}

void inspect(const Artifact& artifact) {
  using namespace tailor::tools;
  const ArtifactSpec& spec = artifact.spec();
  for (const bool json : {false, true}) {
    (void)summary(artifact, json);
    (void)memory_table(spec, json);
    (void)kernel_table(artifact, "", json);
    (void)graph_table(spec, json);
    if (!spec.kernels.empty() && !kernel_table(artifact, spec.kernels.back().name, json).ok())
      __builtin_trap();
  }
  (void)stored_ir(artifact, "traced");
  if (spec.ops.empty()) return;
  (void)why(spec, std::to_string(spec.ops.front().id), std::to_string(spec.ops.back().id));
  (void)why(spec, spec.ops.front().name, spec.ops.back().location);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::transform(data, data + size, bytes.begin(), [](std::uint8_t b) { return static_cast<std::byte>(b); });
  (void)Artifact::from_bytes(bytes);
  if (size < sizeof(FileHeader)) return 0;
  const auto artifact = Artifact::from_bytes(repaired(bytes));
  if (!artifact.ok()) return 0;
  if (!verify_spec((*artifact)->spec(), (*artifact)->section(kCodeSection).size(),
                   (*artifact)->section(kConstantSection).size())
           .ok())
    __builtin_trap();
  inspect(**artifact);
  return 0;
}
