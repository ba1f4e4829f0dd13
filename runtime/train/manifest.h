#pragma once
#include "runtime/artifact/reader.h"
#include "runtime/base/options.h"

#include <string>
#include <vector>

namespace tailor::runtime {

/// manifest.json: what ran and with which choices. Written when a run starts, and again when a resume changes
/// something; `--resume` reads it back, so that a run goes on with the choices it started with.
struct Manifest {
  std::string program, source, producer;
  std::string target;   ///< "cpu:znver4"
  std::string artifact; ///< Artifact::identity of program.tailor, 16 hexadecimal digits
  std::string started;  ///< ISO 8601, UTC
  std::vector<std::string> command_line;
  std::vector<std::string> stages;               ///< in the order in which they run
  std::int32_t threads = 1, loader_threads = -1; ///< of the start; -1: `run.loader_threads`
  std::int64_t batch = 0;                        ///< `--batch`; 0: the first compiled size
  std::string data;                              ///< `--data`; empty: none
  std::string weights;                           ///< hash of `model.weights.file` (pretrained.h); empty: none
  Options options;                               ///< value, stage and origin of each

  /// Of a run that starts now; the caller fills what the artifact does not know.
  static Manifest of(const Artifact& artifact, Options options);

  std::string to_json() const;
  /// kDataLoss naming the member that is missing or of another type. A manifest is input like any other.
  static Result<Manifest> from_json(std::string_view text);

  static std::string path(const std::string& folder) { return folder + "/manifest.json"; }
  /// kDataLoss, kNotFound with the path. Refuses a file over 64 MiB.
  static Result<Manifest> read(const std::string& folder);
};

/// Artifact::identity as the manifest writes it.
std::string identity_text(const Artifact& artifact);

/// Now, as "2026-01-31T12:00:00Z", and as "20260131-120000" for folder names.
std::string utc_timestamp();
std::string utc_folder_suffix();

} // namespace tailor::runtime
