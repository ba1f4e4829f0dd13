#pragma once
#include "runtime/artifact/spec.h"

namespace tailor::runtime {

/// The bytes of an artifact file. The same spec and sections give the same bytes, whatever the directory,
/// thread count, host or time. Errors: kInvalidArgument naming what is wrong if the reader would refuse the
/// result (it is checked here, so that a bad artifact is never written); kResourceExhausted if the metadata
/// would pass 1 GiB.
Result<std::vector<std::byte>> write_artifact(const ArtifactSpec& spec,
                                              const std::vector<RawSection>& sections);

/// The same into a file, whole or not at all.
Status write_artifact_file(const ArtifactSpec& spec, const std::vector<RawSection>& sections,
                           const std::string& path);

} // namespace tailor::runtime
