#pragma once
#include "runtime/artifact/reader.h"
#include "runtime/base/options.h"

#include <string>
#include <vector>

namespace tailor::runtime {

/// manifest.json: what ran and with which choices. Program, target, artifact identity, every option with
/// value, stage and the place that set it, threads, command line, time of the start.
struct ManifestFacts {
  std::vector<std::string> command_line;
  std::int32_t threads = 1, loader_threads = 1;
  std::string started; ///< ISO 8601, UTC
};
std::string manifest_to_json(const Artifact& artifact, const Options& options, const ManifestFacts& facts);

/// Now, as "2026-01-31T12:00:00Z", and as "20260131-120000" for folder names.
std::string utc_timestamp();
std::string utc_folder_suffix();

} // namespace tailor::runtime
