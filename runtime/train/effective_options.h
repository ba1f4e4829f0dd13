#pragma once
#include "runtime/artifact/reader.h"
#include "runtime/base/options.h"

#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// `--set key=text` of a command line.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// The program's options with `set` over them.
/// Errors   a compile key, with the command that rebuilds; a run key that nothing in this artifact reads,
/// with
///          what would make it read; an unknown key, type or limit.
Result<Options> effective_options(const Artifact& artifact, const Settings& set);

/// `--data D`: a file becomes data.train; a folder is where relative paths start (left to data_plan_from).
Status apply_data_argument(const std::string& data, Options& options);

} // namespace tailor::runtime
