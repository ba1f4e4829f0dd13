#pragma once
#include "runtime/train/effective_options.h"
#include "runtime/train/manifest.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// What a run does with its output folder (README.md here describes it). A folder without a checkpoint is not
/// a run: whatever failed before the first one left nothing to go on with, and the folder may be used again.

/// seed-*/last.safetensors or best.safetensors is there.
bool holds_checkpoint(const std::string& folder);

/// The program that ran, and what came out.
inline std::string program_path(const std::string& folder) {
  return folder + "/program.tailor";
}
inline std::string result_path(const std::string& folder) {
  return folder + "/result.json";
}

/// `name` as one part of a path: what would leave the folder ('/', a leading '.') or not be seen (control
/// characters) becomes '_', and it is cut to 100 bytes at the end of a character. An artifact may have any name.
std::string folder_name_of(std::string_view name);

/// How far the seed of a run to be resumed came.
enum class SeedProgress {
  kNone,      ///< it has not begun
  kLogOnly,   ///< it was ended before its first checkpoint, or has lost it
  kCheckpoint ///< seed-<n>/last.safetensors is there
};

/// Errors   kDataLoss: there was a checkpoint (best.safetensors, result.json or a link that leads nowhere tells),
///          but it is gone. Training that seed from its start again is no resume.
Result<SeedProgress> seed_progress(const std::string& folder, std::uint64_t seed);

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

/// What predict and eval take from the folder of a run.
struct TrainedRun {
  std::string program; ///< the artifact that ran
  std::string weights;
  std::string about; ///< "seed 0, epoch 9, the best by val/auc (0.8123)"
};

/// Weights of one seed (`seed` -1: of the only one). `which` is "best" or "last" of it, or a file; empty: the best
/// epoch if the run chose one, else the last. "best" is what the seed's last checkpoint names, so that a file
/// left from elsewhere is not taken for it.
/// Errors   no run here; several seeds and none chosen, with their numbers; no such seed or weights.
Result<TrainedRun> find_weights(const std::string& folder, std::int64_t seed, const std::string& which);

/// Words of a command line as a shell takes them.
std::string shell_words(const std::vector<std::string>& words);

} // namespace tailor::runtime
