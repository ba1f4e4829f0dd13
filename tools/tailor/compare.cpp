#include "tools/tailor/compare.h"

#include "backend/driver/Driver.h"
#include "backend/driver/Executors.h"
#include "models/recipe/stages.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/data/plan.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/split_keys.h"
#include "runtime/options/table_keys.h"
#include "runtime/train/effective_options.h"
#include "runtime/train/manifest.h"
#include "runtime/train/progress.h"
#include "runtime/train/run_folder.h"
#include "runtime/train/stop_signal.h"
#include "tools/experiment/comparison_text.h"
#include "tools/tailor-run/run_command.h"
#include "tools/tailor/candidates.h"
#include "tools/tailor/commands.h"
#include "tools/tailor/recipe_program.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <unistd.h>

namespace tailor::tools {
namespace {

using runtime::concat;
using runtime::report;
using runtime::Result;
using runtime::Status;

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// The value of every option, for telling whether two programs are the same method.
bool same_options(const runtime::Options& a, const runtime::Options& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.first == other.first && one.second.value == other.second.value;
  });
}

/// A whole list, or the default one; the baseline is always there, in front.
Result<std::vector<Candidate>> chosen_candidates(const recipe::Recipe& recipe,
                                                 const std::vector<std::string>& methods) {
  std::vector<std::string> names = methods.empty() ? default_candidates() : methods;
  if (std::find(names.begin(), names.end(), kBaseline) == names.end()) names.insert(names.begin(), kBaseline);
  std::vector<Candidate> candidates;
  for (const std::string& name : names) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Candidate candidate, make_candidate(recipe, name));
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

Result<std::shared_ptr<const runtime::Artifact>>
compile(const CompareArguments& arguments, const std::vector<std::string>& settings, std::string* warnings) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(
      LoadedRecipe loaded, load_recipe(arguments.recipe, joined(arguments.set, settings), arguments.data));
  backend::CompileOptions options;
  options.target = arguments.target;
  options.reproducerFolder = ".";
  TAILOR_ASSIGN_OR_RETURN_AS_IS(backend::Compilation compiled, compile_recipe(loaded, options));
  if (warnings) *warnings = compiled.warnings;
  return runtime::Artifact::from_bytes(std::move(compiled.artifact));
}

/// First line of a complaint, without its place.
std::string reason(const Status& status) {
  std::string text = status.message().substr(0, status.message().find('\n'));
  const std::size_t error = text.find(": error: ");
  return error == std::string::npos ? text : text.substr(error + 9);
}

/// Every candidate compiled. One of the default list that the recipe excludes is left out with the reason; one
/// that was asked for is an error, as is the baseline.
Result<std::vector<experiment::Variant>> compile_all(const CompareArguments& arguments,
                                                     const std::vector<Candidate>& candidates) {
  std::vector<experiment::Variant> variants;
  for (const Candidate& candidate : candidates) {
    std::string warnings;
    auto artifact = compile(arguments, candidate.settings, &warnings);
    const bool needed =
        !arguments.methods.empty() || candidate.name == kBaseline || candidate.name == kAsWritten;
    if (!artifact.ok()) {
      if (needed) {
        if (candidate.name != kAsWritten) runtime::log_info(concat("method '", candidate.name, "':"));
        return std::move(artifact).status();
      }
      runtime::log_info(concat("note: ", candidate.name, " is left out: ", reason(artifact.status())));
      continue;
    }
    if (variants.empty()) std::fputs(warnings.c_str(), stderr); // of the program all share
    const auto twin = std::find_if(variants.begin(), variants.end(), [&](const experiment::Variant& other) {
      return same_options(other.artifact->spec().options, (*artifact)->spec().options);
    });
    if (twin != variants.end()) {
      if (!arguments.methods.empty() || candidate.name != kAsWritten || twin->name != kBaseline)
        runtime::log_info(concat("note: ", candidate.name, " says what ", twin->name, " says: trained once"));
      continue;
    }
    variants.push_back({candidate.name, candidate.settings, *std::move(artifact)});
  }
  return variants;
}

Status check_validation(const runtime::DataPlan& plan, const runtime::Options& options) {
  if (plan.source->validation() != runtime::ValidationRows::kNone) return {};
  return runtime::invalid_argument("methods are compared on validation rows, and the recipe's data have none")
      .with_hint(runtime::way_to_validate(options));
}

/// Another table would be another recipe's: its columns are the program's.
Status check_data_folder(const CompareArguments& arguments, const runtime::Options& options) {
  if (arguments.data.empty()) return {};
  std::error_code ignored;
  if (!std::filesystem::is_directory(arguments.data, ignored))
    return runtime::invalid_argument("--data '", arguments.data,
                                     "' is no folder: it says where the recipe's data paths start")
        .with_hint(
            concat("--set ", runtime::key_name(&runtime::TableKeys::train), "=FILE names another table"));
  return runtime::check_data_folder(arguments.data, options);
}

/// One line a method; at a terminal it counts the seeds.
class MethodProgress {
public:
  MethodProgress(bool quiet, const std::vector<experiment::Variant>& variants, std::int64_t seeds)
      : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), variants_(variants), seeds_(seeds) {
    for (const experiment::Variant& variant : variants)
      width_ = std::max(width_, variant.name.size());
  }

  void seed(std::size_t variant) {
    done_ = variant == current_ ? done_ + 1 : 1;
    current_ = variant;
    if (quiet_ || !terminal_) return;
    std::fprintf(stderr, "\r%s  seed %lld of %lld ", head(variant).c_str(), static_cast<long long>(done_),
                 static_cast<long long>(seeds_));
    std::fflush(stderr);
  }

  void method(std::size_t variant, const experiment::VariantResult& result) {
    if (quiet_) return;
    const std::string end = !result.status.ok() ? "failed"
                            : result.reused     ? "kept: the folder holds this run, finished"
                                                : concat(seeds_, seeds_ == 1 ? " seed, " : " seeds, ",
                                                         runtime::duration_text(result.seconds));
    std::fprintf(stderr, "%s%s  %s%s\n", terminal_ ? "\r" : "", head(variant).c_str(), end.c_str(),
                 terminal_ ? "          " : ""); // over a longer count
  }

private:
  std::string head(std::size_t variant) const {
    const std::string& name = variants_[variant].name;
    return concat("[", variant + 1, "/", variants_.size(), "] ", name,
                  std::string(width_ - name.size(), ' '));
  }

  bool quiet_, terminal_;
  const std::vector<experiment::Variant>& variants_;
  std::int64_t seeds_, done_ = 0;
  std::size_t current_ = 0, width_ = 0;
};

experiment::ComparisonOptions comparison_options(const runtime::Artifact& artifact, bool new_rows_per_seed) {
  experiment::ComparisonOptions options;
  options.baseline = kBaseline;
  options.new_rows_per_seed = new_rows_per_seed;
  const runtime::DataSchema& schema = artifact.spec().schema;
  if (schema.num_classes == 2) {
    const std::int32_t positive = schema.positive_class >= 0 ? schema.positive_class : 1;
    options.positive_class = schema.class_names[static_cast<std::size_t>(positive)];
  }
  return options;
}

Status write_files(const experiment::Comparison& comparison, const CompareArguments& arguments,
                   const std::string& out) {
  const experiment::Provenance provenance{arguments.recipe, runtime::shell_words(arguments.command_line),
                                          runtime::utc_timestamp(), "tailor " TAILOR_VERSION};
  TAILOR_RETURN_IF_ERROR_AS_IS(runtime::make_folders(out));
  for (const auto& [name, text] : {std::pair("/compare.md", experiment::to_markdown(comparison, provenance)),
                                   std::pair("/compare.csv", experiment::to_csv(comparison)),
                                   std::pair("/compare.json", experiment::to_json(comparison, provenance))})
    TAILOR_RETURN_IF_ERROR_AS_IS(runtime::write_file_atomic(out + name, text));
  return {};
}

/// The command that trains with the method that did most for the rare classes and is told apart there, else with
/// the recipe as it is.
std::string next_command(const experiment::Comparison& comparison, const CompareArguments& arguments) {
  const auto rare =
      static_cast<std::size_t>(std::find_if(comparison.columns.begin(), comparison.columns.end(),
                                            [](const experiment::Column& column) {
                                              return column.metric == "recall" || column.metric == "minority";
                                            }) -
                               comparison.columns.begin());
  const experiment::Row* chosen = nullptr;
  for (const experiment::Row& row : comparison.rows)
    if (row.val[rare].verdict == experiment::Verdict::kBetter &&
        (!chosen || row.val[rare].summary.mean > chosen->val[rare].summary.mean))
      chosen = &row;
  std::vector<std::string> words = {arguments.command_line.front(), "train", arguments.recipe};
  for (const std::string& setting :
       joined(arguments.set, chosen ? chosen->settings : std::vector<std::string>()))
    words.insert(words.end(), {"--set", setting});
  if (!arguments.data.empty()) words.insert(words.end(), {"--data", arguments.data});
  const std::string& title = comparison.columns[rare].title;
  const std::string why = chosen
                              ? concat(chosen->name, ", the highest ", title, " told apart from ", kBaseline,
                                       "; what it costs stands above")
                              : concat("no method is told apart from ", kBaseline, " as better in ", title);
  return concat("next (", why, "):\n  ", runtime::shell_words(words));
}

Result<int> compare_recipe(const CompareArguments& arguments) {
  for (const char* other : {".tailor", ".mlir"})
    if (arguments.recipe.ends_with(other))
      return runtime::invalid_argument("'", arguments.recipe,
                                       "' is no recipe: only there methods can be exchanged")
          .with_hint("tailor compare RECIPE.toml");
  recipe::Recipe recipe = recipe::parse(arguments.recipe, arguments.set);
  if (!recipe.ok()) {
    std::fputs(recipe.messages().c_str(), stderr);
    return 1;
  }
  for (const std::string& key :
       {runtime::key_name(&runtime::MethodKeys::use), runtime::key_name(&runtime::DataKeys::sampler)})
    if (const auto own = recipe::own_key_of_stages(recipe, key)) {
      recipe.errors.push_back({own->place,
                               concat("methods are compared over a whole recipe, and stage '", own->stage,
                                      "' has a ", key, " of its own"),
                               {},
                               "leave it to the sections, or train each by itself: tailor train RECIPE.toml "
                               "--set stage." +
                                   own->stage + "." + key + "=..."});
      std::fputs(recipe.messages().c_str(), stderr);
      return 1;
    }
  const Result<std::vector<Candidate>> candidates = chosen_candidates(recipe, arguments.methods);
  if (!candidates.ok()) {
    report(candidates.status());
    return kWrongCommandLine;
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(check_data_folder(arguments, recipe.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const runtime::DataPlan plan,
                                runtime::data_plan_from(recipe.options, arguments.data));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_validation(plan, recipe.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<experiment::Variant> variants,
                                compile_all(arguments, *candidates));

  const bool new_rows_per_seed = plan.source->validation() == runtime::ValidationRows::kCut;
  const experiment::ComparisonOptions judged =
      comparison_options(*variants.front().artifact, new_rows_per_seed);
  MethodProgress progress(arguments.quiet, variants, arguments.seeds);
  experiment::GridOptions grid;
  grid.out = arguments.out.empty() ? "runs/compare-" + recipe.name : arguments.out;
  grid.run = {{runtime::key_name(&runtime::RunKeys::seeds), concat(arguments.seeds)}};
  if (new_rows_per_seed) grid.run.emplace_back(runtime::key_name(&runtime::SplitKeys::val_seed), "run_seed");
  grid.data = arguments.data;
  grid.threads = arguments.threads;
  grid.command_line = arguments.command_line;
  grid.make_executor = backend::makeExecutor;
  grid.seed_finished = [&](std::size_t variant, const runtime::SeedResult&) { progress.seed(variant); };
  grid.variant_finished = [&](const std::vector<experiment::VariantResult>& results) {
    progress.method(results.size() - 1, results.back());
    return write_files(experiment::compare(results, judged), arguments, grid.out);
  };
  if (!arguments.quiet)
    runtime::log_info(concat(variants.size(), " methods, ", arguments.seeds,
                             arguments.seeds == 1 ? " seed" : " seeds", " each; ", grid.out,
                             "/compare.md is written after every method"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const experiment::GridResult trained, experiment::run_grid(variants, grid));

  const experiment::Comparison comparison = experiment::compare(trained.variants, judged);
  std::fputs(experiment::to_terminal(comparison).c_str(), stdout);
  std::fflush(stdout);
  for (const std::string& warning : comparison.warnings)
    runtime::log_warning(warning);
  if (!trained.variants.empty())
    std::printf("\nwrote %s/compare.md, .csv, .json and a run folder per method\n", grid.out.c_str());
  if (trained.signal != 0) {
    runtime::log_info(
        concat("stopped by ", runtime::signal_name(trained.signal), " after ", trained.variants.size(),
               " of ", variants.size(),
               " methods; the same command goes on: ", runtime::shell_words(arguments.command_line)));
    return 128 + trained.signal;
  }
  if (comparison.baseline == comparison.rows.size())
    return Status(trained.variants.front().status)
        .with_context(concat("the baseline '", kBaseline, "' failed, so nothing is compared with it"));
  if (comparison.rows.size() > 1) std::printf("%s\n", next_command(comparison, arguments).c_str());
  // A method whose numbers leave the finite ones is a result; a full disk is none.
  for (const experiment::VariantResult& variant : trained.variants)
    if (!variant.status.ok() && variant.status.code() != runtime::StatusCode::kInvalidArgument)
      return Status(variant.status).with_context(variant.name);
  return 0;
}

} // namespace

int run_compare(const CompareArguments& arguments) {
  const Result<int> code = compare_recipe(arguments);
  if (code.ok()) return *code;
  return report_source(code.status());
}

} // namespace tailor::tools
