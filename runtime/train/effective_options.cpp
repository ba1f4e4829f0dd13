#include "runtime/train/effective_options.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/file.h"
#include "runtime/base/option_condition.h"

#include <algorithm>
#include <sys/stat.h>

namespace tailor::runtime {
namespace {

constexpr const char* kCommandLine = "command line";

/// The host writes this option, or a schedule of it, into a control field. Keys of other sections are read by
/// the data plan, the loop and the evaluation.
bool reaches_a_field(const ArtifactSpec& spec, std::string_view key) {
  for (const Stage& stage : spec.stages)
    if (const std::string own = stage_key(stage.name, ""); key.starts_with(own))
      return reaches_a_field(spec, key.substr(own.size()));
  for (const char* section : {"method.", "optimizer.", "control.", "schedule."}) {
    if (!key.starts_with(section)) continue;
    return std::any_of(spec.control.begin(), spec.control.end(), [&](const ControlField& field) {
      return field.key == key ||
             (field.binding == FieldBinding::kSchedule && key.starts_with(field.options_prefix + "."));
    });
  }
  return true;
}

/// What else a program would have to say for `key` to be read, as `--set` of a recipe; empty: not known.
std::string way_to_read(const ArtifactSpec& spec, std::string_view key) {
  if (key == "optimizer.momentum") return "--set optimizer.name=sgd ";
  if (key == "optimizer.beta1" || key == "optimizer.beta2" || key == "optimizer.eps")
    return "--set optimizer.name=adamw ";
  if (!key.starts_with("method.")) return "";
  const std::string method(key.substr(7, key.rfind('.') - 7));
  std::string words;
  if (const Result<std::vector<std::string>> use = spec.options.get_strings("method.use"); use.ok())
    for (const std::string& name : *use) {
      if (name == method)
        return key.ends_with(".beta") ? concat("--set method.", method, ".table=effective ") : "";
      const bool replaced =
          name == "erm" || ((name == "sam" || name == "sam-a") && method.starts_with("sam"));
      if (!replaced) words += concat('"', name, "\",");
    }
  return concat("--set 'method.use=[", words, '"', method, "\"]' ");
}

std::string rebuild_hint(const Artifact& artifact, const std::string& more, const std::string& key,
                         const std::string& text) {
  const std::string& source = artifact.spec().source_name;
  if (!source.ends_with(".toml")) { // a C++ program says it in its code
    const Option* option = artifact.spec().options.find(key);
    const bool placed = option && option->origin != "default";
    return concat("change it in ", source, placed ? concat(" (", option->origin, ")") : std::string(),
                  " and compile that program again");
  }
  return concat("rebuild it: tailor compile ", artifact.spec().source_name, " ", more, "--set ", key, "=",
                text, " -o ", artifact.path().empty() ? "P.tailor" : artifact.path());
}

Status apply(const Artifact& artifact, const Settings& set, Options& options) {
  std::vector<std::string> names;
  for (const Stage& stage : artifact.spec().stages)
    names.push_back(stage.name);
  for (const auto& [key, text] : set) {
    const Option* option = options.find(key);
    if (option && option->stage == OptionStage::kCompile)
      return invalid_argument("--set ", key, "=", text, ": '", key, "' is compiled into the artifact")
          .with_hint(rebuild_hint(artifact, "", key, text));
    TAILOR_RETURN_IF_ERROR(options.set_from_text(key, text), concat("--set ", key, "=", text));
  }
  // With all of them in place: one may be what makes another read.
  for (const auto& [key, text] : set) {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_some_stage_reads(names, options, key, text));
    if (!reaches_a_field(artifact.spec(), key)) {
      const std::string way = way_to_read(artifact.spec(), key);
      Status status =
          invalid_argument("--set ", key, "=", text, ": nothing in this artifact reads '", key, "'");
      return way.empty() ? status : std::move(status).with_hint(rebuild_hint(artifact, way, key, text));
    }
    if (const std::optional<OptionCondition> needed = unmet_condition(options, key)) {
      const std::string& other = needed->keys.front();
      const Option* chosen = options.find(other);
      const auto joined = [](const std::vector<std::string>& words) {
        std::string all;
        for (const std::string& word : words)
          all += (all.empty() ? "" : " or ") + word;
        return all;
      };
      const std::string wanted = joined(needed->values);
      const bool unset = !chosen || chosen->value.is_null() || chosen->value == OptionValue("");
      Status status = invalid_argument("--set ", key, "=", text, ": '", key, "' is read only with ",
                                       joined(needed->keys), wanted.empty() ? " set" : concat(" = ", wanted),
                                       ", which is ", unset ? "not set" : chosen->value.to_json());
      if (chosen && chosen->stage == OptionStage::kCompile) return status;
      return std::move(status).with_hint(
          concat("add --set ", other, "=", needed->values.empty() ? "..." : needed->values.front()));
    }
  }
  return {};
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

} // namespace

Result<Options> effective_options(const Artifact& artifact, const Settings& set) {
  Options options = artifact.spec().options;
  TAILOR_RETURN_IF_ERROR_AS_IS(apply(artifact, set, options));
  return options;
}

Result<ResumedOptions> resumed_options(const Artifact& artifact, const Manifest& manifest,
                                       const Settings& set) {
  ResumedOptions resumed;
  const Options& program = artifact.spec().options;
  resumed.options = program;
  // `--data FILE` left its mark in data.train and comes again by itself.
  const auto is_data_argument = [&](const std::string& key, const Option& run) {
    return key == "data.train" && run.value == OptionValue(manifest.data);
  };
  for (const auto& [key, option] : program) {
    const Option* run = manifest.options.find(key);
    if (!run || option.stage == OptionStage::kCompile || run->stage == OptionStage::kCompile ||
        run->value == option.value)
      continue;
    if (is_data_argument(key, *run)) continue;
    const bool programs_word = run->origin != kCommandLine || option.origin == kCommandLine;
    if (programs_word && manifest.artifact != identity_text(artifact)) continue;
    Option kept = option;
    kept.value = run->value;
    kept.origin = run->origin;
    TAILOR_RETURN_IF_ERROR(Options::check(key, kept), "the run's manifest.json");
    resumed.options.set(key, std::move(kept));
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(apply(artifact, set, resumed.options));
  for (const auto& [key, option] : resumed.options) {
    const Option* run = manifest.options.find(key);
    if (!run || option.stage == OptionStage::kCompile || is_data_argument(key, *run)) continue;
    if (!(run->value == option.value))
      resumed.changed.push_back(
          concat(key, " = ", option.value.to_json(), " (was ", run->value.to_json(), ")"));
    else if (!(program.find(key)->value == option.value))
      resumed.kept.push_back(concat(key, " = ", option.value.to_json()));
  }
  return resumed;
}

Status apply_data_argument(const std::string& data, Options& options) {
  if (data.empty() || is_folder(data)) return {};
  if (!file_exists(data)) return not_found("--data '", data, "' does not exist");
  Option train;
  if (const Option* known = options.find("data.train")) train = *known;
  train.value = data;
  train.origin = kCommandLine;
  options.set("data.train", std::move(train));
  return {};
}

} // namespace tailor::runtime
