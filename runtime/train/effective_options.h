#pragma once
#include "runtime/artifact/reader.h"
#include "runtime/train/manifest.h"

#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// `--set key=text` of a command line.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// The program's options with `set` over them.
/// Errors   a compile key, with the command that rebuilds; a run key that nothing in this artifact reads,
///          with what would make it read; an unknown key, type or limit.
Result<Options> effective_options(const Artifact& artifact, const Settings& set);

/// The options a resumed run goes on with, and what to say of them.
struct ResumedOptions {
  Options options;
  std::vector<std::string> kept;    ///< "run.epochs = 30": the run's, not the program's
  std::vector<std::string> changed; ///< "optimizer.lr = 0.01 (was 0.1)": not as the run had them so far
};

/// Every run key as the run had it (its manifest), then `set` over that. A key whose program says otherwise
/// than the manifest's program did (the recipe was edited, or compiled with another --set) is taken from the
/// program, unless the run's command line had set it.
/// Errors   those of effective_options; a value of the manifest that is outside the key's type or limits.
Result<ResumedOptions> resumed_options(const Artifact& artifact, const Manifest& manifest,
                                       const Settings& set);

/// `--data FOLDER` says where relative data paths start (left to data_plan_from).
/// Errors   kInvalidArgument if it moves no path of the program's source: all are absolute, or it has none. Some that
///          stay where they are are said in a warning.
Status check_data_folder(const std::string& folder, const Options& options);

/// `--data D`: a file becomes data.train, a folder is checked.
/// Errors   kInvalidArgument for a file where the program's source reads no data.train; those of check_data_folder.
Status apply_data_argument(const std::string& data, Options& options);

} // namespace tailor::runtime
