#include "runtime/train/rebuild_hint.h"

#include "runtime/base/file.h"
#include "runtime/train/run_folder.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

constexpr const char* kCommandLine = "command line";

std::string toml_text(const OptionValue& value) {
  const auto joined = [](const auto& items, const auto& text_of) {
    std::string text;
    for (const auto& item : items)
      text += (text.empty() ? "" : ",") + text_of(item);
    return text;
  };
  if (const OptionValue::List* list = value.as_list())
    return concat("[", joined(*list, [](const OptionValue& item) { return toml_text(item); }), "]");
  if (const OptionValue::Table* table = value.as_table())
    return concat("{",
                  joined(*table,
                         [](const auto& member) {
                           return concat(OptionValue(member.first).to_json(), "=", toml_text(member.second));
                         }),
                  "}");
  return value.to_json();
}

/// The artifact's file, if compiling may replace it: a run keeps the program that trained it.
std::string output_of(const Artifact& artifact) {
  const std::string& path = artifact.path();
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  const bool of_run = file_exists(Manifest::path(folder));
  return path.empty() || of_run ? "P.tailor" : path;
}

} // namespace

std::string setting_text(const Option& option) {
  const OptionValue& value = option.value;
  if (value.is_null()) return "none";
  const std::string* text = value.as_string();
  if (!text) return toml_text(value);
  // Where numbers are taken too, text that reads as one is written in quotes.
  const Result<OptionValue> other = OptionValue::from_json(*text);
  const bool is_plain = !text->empty() && (option.type == OptionType::kString || !other.ok());
  return is_plain ? *text : value.to_json();
}

std::string rebuild_hint(const Artifact& artifact,
                         const std::vector<std::pair<std::string, std::string>>& settings) {
  const ArtifactSpec& spec = artifact.spec();
  const std::string& source = spec.source_name;
  if (std::find(spec.compile_flags.begin(), spec.compile_flags.end(), "--from") != spec.compile_flags.end())
    return concat("it was compiled from a dump of ", source,
                  ", which carries its options: change them at the end of the dump and compile it again");
  if (!source.ends_with(".toml")) { // a C++ program says it in its code
    const Option* option = spec.options.find(settings.back().first);
    const bool placed = option && option->origin != "default";
    return concat("change it in ", source, placed ? concat(" (", option->origin, ")") : std::string(),
                  " and compile that program again");
  }
  std::vector<std::string> words = {"tailor", "compile", source, "--target",
                                    spec.target.backend == "reference"
                                        ? spec.target.backend
                                        : concat(spec.target.backend, ":", spec.target.name)};
  words.insert(words.end(), spec.compile_flags.begin(), spec.compile_flags.end());
  for (const auto& [key, option] : spec.options) {
    const bool replaced = std::any_of(settings.begin(), settings.end(),
                                      [&](const auto& setting) { return setting.first == key; });
    if (option.origin == kCommandLine && !replaced)
      words.insert(words.end(), {"--set", concat(key, "=", setting_text(option))});
  }
  for (const auto& [key, text] : settings)
    words.insert(words.end(), {"--set", concat(key, "=", text)});
  words.insert(words.end(), {"-o", output_of(artifact)});
  return "rebuild it: " + shell_words(words);
}

} // namespace tailor::runtime
