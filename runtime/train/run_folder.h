#pragma once
#include "runtime/train/effective_options.h"
#include "runtime/train/manifest.h"

#include <string>
#include <vector>

namespace tailor::runtime {

/// What a run does with its output folder (README.md here describes it). A folder without a checkpoint is not
/// a run: whatever failed before the first one left nothing to go on with, and the folder may be used again.

/// seed-*/last.safetensors or best.safetensors is there.
bool holds_checkpoint(const std::string& folder);

/// A run may start here.
/// Errors   a checkpoint is there; a manifest.json that is not of a run.
Status check_start_folder(const std::string& folder);

/// The choices a resumed run goes on with.
struct Resumption {
  Manifest manifest; ///< as the folder had it; of the program itself if it is lost (said in a warning)
  ResumedOptions options;
};

/// Errors   no run here; a damaged manifest; those of resumed_options.
Result<Resumption> read_resumption(const std::string& folder, const Artifact& artifact, const Settings& set);

/// Words of a command line as a shell takes them.
std::string shell_words(const std::vector<std::string>& words);

} // namespace tailor::runtime
