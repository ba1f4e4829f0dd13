#include "runtime/train/run_folder.h"

#include "runtime/base/log.h"

#include <algorithm>
#include <filesystem>

namespace tailor::runtime {

bool holds_checkpoint(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().filename().string().starts_with("seed-"))
      for (const char* name : {"last.safetensors", "best.safetensors"})
        if (file_exists((entry.path() / name).string())) return true;
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
