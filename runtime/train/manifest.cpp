#include "runtime/train/manifest.h"

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

} // namespace

std::string utc_timestamp() {
  return utc("%Y-%m-%dT%H:%M:%SZ");
}
std::string utc_folder_suffix() {
  return utc("%Y%m%d-%H%M%S");
}

std::string manifest_to_json(const Artifact& artifact, const Options& options, const ManifestFacts& facts) {
  const ArtifactSpec& spec = artifact.spec();
  OptionValue::Table values;
  for (const auto& [key, option] : options)
    values.emplace_back(key, OptionValue(OptionValue::Table{{"value", option.value},
                                                            {"stage", OptionValue(to_string(option.stage))},
                                                            {"origin", OptionValue(option.origin)}}));
  OptionValue::List command;
  for (const std::string& word : facts.command_line)
    command.emplace_back(word);
  char identity[17];
  std::snprintf(identity, sizeof(identity), "%016llx", static_cast<unsigned long long>(artifact.identity()));
  return OptionValue(OptionValue::Table{{"program", OptionValue(spec.name)},
                                        {"source", OptionValue(spec.source_name)},
                                        {"producer", OptionValue(spec.producer)},
                                        {"target", OptionValue(spec.target.backend + ":" + spec.target.name)},
                                        {"artifact", OptionValue(identity)},
                                        {"started", OptionValue(facts.started)},
                                        {"command_line", OptionValue(std::move(command))},
                                        {"threads", OptionValue(facts.threads)},
                                        {"loader_threads", OptionValue(facts.loader_threads)},
                                        {"options", OptionValue(std::move(values))}})
             .to_json() +
         "\n";
}

} // namespace tailor::runtime
