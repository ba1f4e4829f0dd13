#include "runtime/train/run_folder.h"

#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/base/utf8.h"
#include "runtime/metrics/summary.h"
#include "runtime/options/run_keys.h"
#include "runtime/train/trainer.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace tailor::runtime {

namespace {

/// result.json says that the seed took steps: it was written behind a checkpoint.
bool result_has_steps(const std::string& folder, std::uint64_t seed) {
  const Result<std::string> text = read_file(result_path(folder));
  if (!text.ok()) return false;
  const Result<OptionValue> json = OptionValue::from_json(*text);
  const OptionValue* seeds = json.ok() ? json->find("seeds") : nullptr;
  if (!seeds || !seeds->as_list()) return false;
  return std::any_of(seeds->as_list()->begin(), seeds->as_list()->end(), [&](const OptionValue& entry) {
    const OptionValue *number = entry.find("seed"), *steps = entry.find("steps");
    return number && number->as_int() && static_cast<std::uint64_t>(*number->as_int()) == seed && steps &&
           steps->as_int() && *steps->as_int() > 0;
  });
}

} // namespace

std::string folder_name_of(std::string_view name) {
  constexpr std::size_t kMostBytes = 100; // with the time behind it, below every file system's 255
  std::string safe(utf8_prefix(name, kMostBytes));
  for (char& c : safe)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '_';
  if (safe.starts_with('.')) safe.front() = '_';
  return safe.empty() ? "program" : safe;
}

Result<SeedProgress> seed_progress(const std::string& folder, std::uint64_t seed) {
  const std::string seed_folder = concat(folder, "/seed-", seed);
  const std::string last = Trainer::last_path(seed_folder), best = Trainer::best_path(seed_folder);
  if (file_exists(last)) return SeedProgress::kCheckpoint;
  std::error_code ignored;
  std::string sign;
  if (std::filesystem::is_symlink(last, ignored))
    sign = concat("it is a link to '", std::filesystem::read_symlink(last, ignored).string(),
                  "', which is not there");
  else if (file_exists(best))
    sign = "it is gone, while best.safetensors is there";
  else if (result_has_steps(folder, seed))
    sign = "it is gone, while result.json knows of its steps";
  if (!sign.empty())
    return data_loss("cannot go on from '", last, "': ", sign)
        .with_hint(concat("bring it back, or remove '", seed_folder, "' and '", result_path(folder),
                          "' to train this seed from its start"));
  const Result<std::string> log = read_file(seed_folder + "/log.jsonl");
  return log.ok() && !log->empty() ? SeedProgress::kLogOnly : SeedProgress::kNone;
}

bool holds_checkpoint(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().filename().string().starts_with("seed-"))
      for (const auto& path_in : {Trainer::last_path, Trainer::best_path}) {
        const std::string path = path_in(entry.path().string()); // a link that leads nowhere counts
        if (file_exists(path) || std::filesystem::is_symlink(path, ignored)) return true;
      }
  return false;
}

Status check_start_folder(const std::string& folder) {
  const bool has_manifest = file_exists(Manifest::path(folder));
  if (holds_checkpoint(folder))
    return invalid_argument("'", folder, "' already holds a run")
        .with_hint("use --resume to go on with it, or another --out");
  if (!has_manifest) return {};
  if (const Result<Manifest> known = Manifest::read(folder); !known.ok())
    return invalid_argument("'", Manifest::path(folder), "' is not of a run and would be overwritten")
        .with_hint("use another --out");
  return {};
}

Result<Resumption> read_resumption(const std::string& folder, const Artifact& artifact, const Settings& set) {
  Resumption resumption;
  if (file_exists(Manifest::path(folder))) {
    Result<Manifest> manifest = Manifest::read(folder);
    if (!manifest.ok())
      return Status(manifest.status())
          .with_hint("without the file, --resume goes on with the program's options");
    resumption.manifest = *std::move(manifest);
  } else if (holds_checkpoint(folder)) {
    log_warning(
        concat("'", Manifest::path(folder),
               "' is lost: the run goes on with the program's options and what the command line says"));
    resumption.manifest = Manifest::of(artifact, artifact.spec().options);
  } else {
    return invalid_argument("'", folder, "' holds no run to resume");
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(resumption.options, resumed_options(artifact, resumption.manifest, set));
  return resumption;
}

namespace {

/// Numbers of the seeds that have a checkpoint, ascending.
std::vector<std::int64_t> trained_seeds(const std::string& folder) {
  constexpr std::string_view kPrefix = "seed-";
  std::vector<std::int64_t> seeds;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    std::int64_t seed = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, seed);
    if (error == std::errc() && stop == end && file_exists(Trainer::last_path(entry.path().string())))
      seeds.push_back(seed);
  }
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

Result<std::int64_t> choose_seed(const std::string& folder, std::int64_t wanted) {
  const std::vector<std::int64_t> seeds = trained_seeds(folder);
  if (seeds.empty()) return invalid_argument("'", folder, "' holds no trained run");
  if (wanted < 0 && seeds.size() == 1) return seeds.front();
  if (std::find(seeds.begin(), seeds.end(), wanted) != seeds.end()) return wanted;
  constexpr std::size_t kShown = 20;
  std::string known;
  for (std::size_t i = 0; i < std::min(seeds.size(), kShown); ++i)
    known += concat(i ? ", " : "", seeds[i]);
  if (seeds.size() > kShown) known += concat(", ... (", seeds.size(), " in all)");
  if (wanted >= 0) return invalid_argument("'", folder, "' has no trained seed ", wanted, ", it has ", known);
  return invalid_argument("'", folder, "' has ", seeds.size(), " trained seeds: ", known)
      .with_hint(concat("say which: --seed ", seeds.front()));
}

} // namespace

Result<TrainedRun> find_weights(const std::string& folder, std::int64_t seed, const std::string& which) {
  TrainedRun run;
  run.program = program_path(folder);
  if (!which.empty() && which != "best" && which != "last") {
    run.weights = which;
    return run;
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int64_t chosen, choose_seed(folder, seed));
  const std::string place = concat(folder, "/seed-", chosen);
  const std::string last_path = Trainer::last_path(place), best_path = Trainer::best_path(place);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const TrainingRecord last, read_record(last_path));
  const bool has_best = last.best.epoch >= 0;
  if (which == "best" && !has_best)
    return invalid_argument("seed ", chosen, " of '", folder, "' has no best epoch: ",
                            last.best.by.empty() ? concat(key_name(&RunKeys::keep_best), " was not set")
                                                 : concat("val/", last.best.by.metric, " was never there"))
        .with_hint("take the last one: --weights last");
  if (which == "last" || !has_best) {
    run.weights = last_path;
    run.about = concat("seed ", chosen, ", epoch ", last.epoch, ", the last",
                       last.outcome.empty() ? " so far: the run is not finished" : "");
    return run;
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const TrainingRecord best, read_record(best_path));
  if (!(best.best == last.best))
    return incompatible("'", best_path, "' is of epoch ", best.best.epoch + 1, ", but '", last_path,
                        "' knows epoch ", last.best.epoch + 1, " as the best")
        .with_hint("--resume settles it; --weights FILE takes a file as it is");
  run.weights = best_path;
  run.about = concat("seed ", chosen, ", epoch ", last.best.epoch + 1, ", the best by val/",
                     last.best.by.metric, " (", metric_text(last.best.value), ")",
                     last.outcome.empty() ? " so far: the run is not finished" : "");
  return run;
}

std::string shell_words(const std::vector<std::string>& words) {
  const std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word)
      line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

} // namespace tailor::runtime
