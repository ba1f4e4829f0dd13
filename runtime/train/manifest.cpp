#include "runtime/train/manifest.h"

#include "runtime/base/file.h"

#include <cstdio>
#include <ctime>

namespace tailor::runtime {
namespace {

std::string utc(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char buffer[32];
  return {buffer, std::strftime(buffer, sizeof(buffer), format, &parts)};
}

Status damaged(const char* member) {
  return data_loss("damaged manifest: member '", member, "'");
}

Status take(const OptionValue& json, const char* member, std::string& out) {
  const OptionValue* value = json.find(member);
  if (!value || !value->as_string()) return damaged(member);
  out = *value->as_string();
  return {};
}

Status take(const OptionValue& json, const char* member, std::vector<std::string>& out) {
  const OptionValue* list = json.find(member);
  if (!list || !list->as_list()) return damaged(member);
  for (const OptionValue& word : *list->as_list()) {
    if (!word.as_string()) return damaged(member);
    out.push_back(*word.as_string());
  }
  return {};
}

template <class Int>
Status take(const OptionValue& json, const char* member, std::int64_t min, std::int64_t max, Int& out) {
  const OptionValue* value = json.find(member);
  if (!value || !value->as_int() || *value->as_int() < min || *value->as_int() > max) return damaged(member);
  out = static_cast<Int>(*value->as_int());
  return {};
}

Result<Options> options_of(const OptionValue& json) {
  Options options;
  for (const auto& [key, entry] : *json.as_table()) {
    const OptionValue *value = entry.find("value"), *stage = entry.find("stage"),
                      *origin = entry.find("origin");
    const std::string* stage_name = stage ? stage->as_string() : nullptr;
    if (!value || !stage_name || (*stage_name != "run" && *stage_name != "compile") || !origin ||
        !origin->as_string())
      return data_loss("damaged manifest: option '", key, "'");
    Option option;
    option.value = *value;
    option.stage = *stage_name == "run" ? OptionStage::kRun : OptionStage::kCompile;
    option.origin = *origin->as_string();
    options.set(key, std::move(option));
  }
  return options;
}

} // namespace

std::string utc_timestamp() {
  return utc("%Y-%m-%dT%H:%M:%SZ");
}
std::string utc_folder_suffix() {
  return utc("%Y%m%d-%H%M%S");
}

std::string identity_text(const Artifact& artifact) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(artifact.identity()));
  return text;
}

Manifest Manifest::of(const Artifact& artifact, Options options) {
  const ArtifactSpec& spec = artifact.spec();
  Manifest manifest;
  manifest.program = spec.name;
  manifest.source = spec.source_name;
  manifest.producer = spec.producer;
  manifest.target = spec.target.backend + ":" + spec.target.name;
  manifest.artifact = identity_text(artifact);
  manifest.started = utc_timestamp();
  for (const Stage& stage : spec.stages)
    manifest.stages.push_back(stage.name);
  manifest.options = std::move(options);
  return manifest;
}

std::string Manifest::to_json() const {
  OptionValue::Table values;
  for (const auto& [key, option] : options)
    values.emplace_back(
        key, OptionValue(OptionValue::Table{{"value", option.value},
                                            {"stage", OptionValue(runtime::to_string(option.stage))},
                                            {"origin", OptionValue(option.origin)}}));
  OptionValue::List words(command_line.begin(), command_line.end());
  OptionValue::List names(stages.begin(), stages.end());
  return OptionValue(OptionValue::Table{{"program", OptionValue(program)},
                                        {"source", OptionValue(source)},
                                        {"producer", OptionValue(producer)},
                                        {"target", OptionValue(target)},
                                        {"artifact", OptionValue(artifact)},
                                        {"started", OptionValue(started)},
                                        {"command_line", OptionValue(std::move(words))},
                                        {"stages", OptionValue(std::move(names))},
                                        {"threads", OptionValue(threads)},
                                        {"loader_threads", OptionValue(loader_threads)},
                                        {"batch", OptionValue(batch)},
                                        {"data", OptionValue(data)},
                                        {"weights", OptionValue(weights)},
                                        {"options", OptionValue(std::move(values))}})
             .to_json() +
         "\n";
}

Result<Manifest> Manifest::from_json(std::string_view text) {
  TAILOR_ASSIGN_OR_RETURN(const OptionValue json, OptionValue::from_json(text), "damaged manifest");
  if (!json.as_table()) return data_loss("damaged manifest: not a table");
  Manifest manifest;
  for (auto [member, out] :
       {std::pair("program", &manifest.program), std::pair("source", &manifest.source),
        std::pair("producer", &manifest.producer), std::pair("target", &manifest.target),
        std::pair("artifact", &manifest.artifact), std::pair("started", &manifest.started),
        std::pair("data", &manifest.data), std::pair("weights", &manifest.weights)})
    TAILOR_RETURN_IF_ERROR_AS_IS(take(json, member, *out));
  TAILOR_RETURN_IF_ERROR_AS_IS(take(json, "threads", 1, 1024, manifest.threads));
  TAILOR_RETURN_IF_ERROR_AS_IS(take(json, "loader_threads", -1, 64, manifest.loader_threads));
  TAILOR_RETURN_IF_ERROR_AS_IS(take(json, "batch", 0, INT32_MAX, manifest.batch));
  TAILOR_RETURN_IF_ERROR_AS_IS(take(json, "command_line", manifest.command_line));
  TAILOR_RETURN_IF_ERROR_AS_IS(take(json, "stages", manifest.stages));
  const OptionValue* options = json.find("options");
  if (!options || !options->as_table()) return damaged("options");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(manifest.options, options_of(*options));
  return manifest;
}

Result<Manifest> Manifest::read(const std::string& folder) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{64} << 20;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string text, read_file(path(folder), kMaxBytes));
  TAILOR_ASSIGN_OR_RETURN(Manifest manifest, from_json(text), concat("'", path(folder), "'"));
  return manifest;
}

} // namespace tailor::runtime
