#include "tools/experiment/grid.h"

#include "runtime/base/file.h"
#include "runtime/options/run_keys.h"
#include "runtime/train/effective_options.h"
#include "runtime/train/manifest.h"
#include "runtime/train/run_folder.h"

#include <chrono>
#include <filesystem>
#include <set>

namespace tailor::experiment {
namespace {

using runtime::Manifest;
using runtime::Options;
using runtime::Result;
using runtime::RunResult;
using runtime::Status;
using runtime::StatusCode;

Status check_names(const std::vector<Variant>& variants) {
  std::set<std::string> names;
  for (const Variant& variant : variants) {
    if (variant.name.empty() || variant.name == "." || variant.name == ".." ||
        variant.name.find('/') != std::string::npos)
      return runtime::invalid_argument("'", variant.name, "' cannot be the name of a folder");
    if (!names.insert(variant.name).second)
      return runtime::invalid_argument("'", variant.name, "' is named twice");
  }
  return {};
}

bool same_values(const Options& a, const Options& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, option] : a) {
    const runtime::Option* other = b.find(key);
    if (!other || !(other->value == option.value)) return false;
  }
  return true;
}

/// The run in `folder` is one of this program with these options. (Its data are compared when it is resumed.)
bool holds_this_run(const std::string& folder, const runtime::Artifact& artifact, const Options& options,
                    const std::string& data) {
  const Result<Manifest> manifest = Manifest::read(folder);
  return manifest.ok() && manifest->artifact == runtime::identity_text(artifact) && manifest->data == data &&
         same_values(manifest->options, options);
}

/// Removes what a run writes into its folder, and nothing else.
Status remove_run(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> parts = {Manifest::path(folder), folder + "/program.tailor",
                                              folder + "/result.json"};
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().filename().string().starts_with("seed-")) parts.push_back(entry.path());
  for (const std::filesystem::path& part : parts) {
    std::filesystem::remove_all(part, error);
    if (error) return runtime::invalid_argument("cannot remove '", part.string(), "': ", error.message());
  }
  return {};
}

/// Trains, or goes on with what is there.
Result<RunResult> run_variant(const Variant& variant, const runtime::RunOptions& run) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Options options,
                                runtime::effective_options(*variant.artifact, run.set));
  runtime::RunOptions attempt = run;
  if (runtime::holds_checkpoint(run.out) && holds_this_run(run.out, *variant.artifact, options, run.data)) {
    attempt.resume = true;
    Result<RunResult> resumed = runtime::run_training(variant.artifact, attempt);
    const StatusCode code = resumed.status().code(); // other data, or a file of the run is damaged
    if (code != StatusCode::kIncompatible && code != StatusCode::kDataLoss) return resumed;
    attempt.resume = false;
  }
  if (runtime::file_exists(Manifest::path(run.out))) TAILOR_RETURN_IF_ERROR_AS_IS(remove_run(run.out));
  return runtime::run_training(variant.artifact, attempt);
}

/// Every seed the run was asked for is finished.
bool is_whole(const RunResult& run, const Variant& variant, const runtime::Settings& set) {
  const Result<Options> options = runtime::effective_options(*variant.artifact, set);
  if (!options.ok()) return false;
  const Result<runtime::RunKeys> keys = runtime::read_keys<runtime::RunKeys>(*options);
  return keys.ok() && std::ssize(run.seeds) == keys->seeds && run.seeds.back().outcome != "stopped";
}

} // namespace

Result<GridResult> run_grid(const std::vector<Variant>& variants, const GridOptions& options) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_names(variants));
  GridResult grid;
  const auto warnings = std::make_shared<runtime::Warnings>();
  for (std::size_t i = 0; i < variants.size() && grid.signal == 0; ++i) {
    const Variant& variant = variants[i];
    runtime::RunOptions run;
    run.set = options.run;
    run.out = options.out + "/" + variant.name;
    run.data = options.data;
    run.threads = options.threads;
    run.quiet = true;
    run.command_line = options.command_line;
    run.make_executor = options.make_executor;
    run.warnings = warnings;
    run.seed_finished = [&](const runtime::SeedResult& seed) {
      if (options.seed_finished) options.seed_finished(i, seed);
    };

    VariantResult result{variant.name, variant.settings, {}, {}, false, 0};
    const auto start = std::chrono::steady_clock::now();
    Result<RunResult> trained = run_variant(variant, run);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (trained.ok()) {
      result.run = *std::move(trained);
      result.reused = !result.run.trained;
      grid.signal = result.run.signal;
      // Comparable are only variants with all their seeds.
      if (grid.signal != 0 && !is_whole(result.run, variant, run.set)) break;
    } else {
      result.status = std::move(trained).status();
    }
    grid.variants.push_back(std::move(result));
    if (options.variant_finished) TAILOR_RETURN_IF_ERROR_AS_IS(options.variant_finished(grid.variants));
  }
  return grid;
}

} // namespace tailor::experiment
