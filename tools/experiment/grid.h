#pragma once
// A grid of runs: variants of a recipe, each compiled once and trained on the same seeds.

#include "runtime/artifact/reader.h"
#include "runtime/train/run.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tailor::experiment {

/// One point of a grid: a program, and what was said over the recipe to get it.
struct Variant {
  std::string name;                  ///< also its folder's: no '/', not "." or ".."
  std::vector<std::string> settings; ///< "key=value" over the recipe
  std::shared_ptr<const runtime::Artifact> artifact;
};

/// What became of a variant.
struct VariantResult {
  std::string name;
  std::vector<std::string> settings;
  runtime::RunResult run; ///< empty if it failed
  runtime::Status status; ///< why it failed (its loss left the finite numbers, the disk is full)
  bool reused = false;    ///< a finished run of the same program, options and data was in the folder
  double seconds = 0;     ///< of this call
};

struct GridOptions {
  std::string out;       ///< run folders are OUT/<variant>
  runtime::Settings run; ///< run keys of every variant (run.seeds)
  std::string data;      ///< the folder that relative data paths start from; empty: the recipe's
  std::int32_t threads = 0;
  std::vector<std::string> command_line; ///< for the manifests
  runtime::ExecutorFactory make_executor;
  /// After every seed of the variant with this index that finished.
  std::function<void(std::size_t variant, const runtime::SeedResult&)> seed_finished;
  /// After every variant, with all results so far: a table that is written here survives whatever comes.
  std::function<runtime::Status(const std::vector<VariantResult>&)> variant_finished;
};

struct GridResult {
  std::vector<VariantResult> variants; ///< in order; fewer than asked for if a signal stopped the grid
  int signal = 0;                      ///< the signal, or 0
};

/// Trains the variants one after the other. A variant whose folder holds a run of the same program with the
/// same options is not trained again: a finished one is taken as it is, one that was stopped goes on. A run of
/// anything else (another program, options or data) is removed and trained anew.
///
/// A variant that fails leaves its reason and the others go on. A signal stops the grid; what was finished is
/// returned, and the same call goes on later.
///
/// Errors   a name that is no folder's, twice the same name; a folder of that name that holds something else;
///          those of `variant_finished`.
runtime::Result<GridResult> run_grid(const std::vector<Variant>& variants, const GridOptions& options);

} // namespace tailor::experiment
