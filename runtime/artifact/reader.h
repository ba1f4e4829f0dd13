#pragma once
#include "runtime/artifact/spec.h"

#include <memory>
#include <span>
#include <vector>

namespace tailor::runtime {

/// One raw section of an open artifact; bytes live as long as the Artifact.
struct SectionView {
  std::string name;
  std::span<const std::byte> bytes;
  std::uint64_t checksum = 0;
};

/// A verified artifact. Nothing of it is executed or mapped executable here, so `inspect` is safe on any
/// file.
///
/// Verified before open() returns: header, format version, FlatBuffer structure, the checksum of the metadata
/// and of each section, zero padding between them, every index, every operand inside its space (64-bit
/// checked), kernel offsets inside the code section, control and metrics fields inside their rows, command
/// lists that read slots only through read_slot and never write what the host writes. Checksums detect
/// damage, not forgery: running an artifact is running a program.
///
/// Errors   kDataLoss "damaged section 2 ('code'): checksum ...", kIncompatible "format 9 is newer than 1,
///          the newest this runtime reads", kInvalidArgument naming the entry, command and operand that
///          breaks a rule.
class Artifact {
public:
  /// Reads `path` and verifies it. What is verified is a copy: a file that is cut short or replaced later changes
  /// nothing.
  static Result<std::shared_ptr<const Artifact>> open(const std::string& path);
  /// The same for bytes in memory (`tailor train` compiles and runs without a file).
  static Result<std::shared_ptr<const Artifact>> from_bytes(std::vector<std::byte> bytes);

  const ArtifactSpec& spec() const { return spec_; }
  const std::vector<SectionView>& sections() const { return sections_; }
  /// Bytes of a section, empty if there is none of that name.
  std::span<const std::byte> section(std::string_view name) const;
  /// XXH3-64 over metadata and section checksums: tells whether two files are the same program.
  std::uint64_t identity() const { return identity_; }
  /// The whole file.
  std::span<const std::byte> bytes() const { return bytes_; }
  /// Path it was opened from; empty for bytes in memory.
  const std::string& path() const { return path_; }

private:
  Artifact() = default;
  Status load(std::span<const std::byte> bytes);

  std::string path_;
  std::vector<std::byte> bytes_;
  ArtifactSpec spec_;
  std::vector<SectionView> sections_;
  std::uint64_t identity_ = 0;
};

/// The rules above that concern the spec itself. `code_bytes` and `constant_bytes` are section sizes.
Status verify_spec(const ArtifactSpec& spec, std::uint64_t code_bytes, std::uint64_t constant_bytes);

} // namespace tailor::runtime
