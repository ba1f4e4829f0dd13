#include "models/recipe/describe.h"

#include "models/recipe/bases.h"
#include "models/recipe/reserved.h"
#include "models/recipe/stages.h"
#include "runtime/base/option_condition.h"
#include "runtime/base/wording.h"
#include "runtime/metrics/metric.h"
#include "runtime/options/component.h"
#include "runtime/options/key_table.h"
#include "runtime/options/stage_keys.h"
#include "runtime/options/words.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

namespace tailor::recipe {
namespace {

using runtime::KeySpec;

void describe_key(std::ostream& out, const KeySpec& spec) {
  out << spec.key << " = " << (spec.fallback.is_null() ? "(unset)" : spec.fallback.to_json()) << "\n    "
      << name(spec.type);
  if (const std::vector<std::string> words = spec.words(); !words.empty())
    out << ": " << runtime::listed(words, "|");
  if (spec.has_limits()) out << " " << spec.range();
  out << "; " << to_string(spec.stage) << "\n    " << spec.text;
  if (!spec.source.empty()) out << " (" << spec.source << ")";
  out << "\n";
  if (!spec.only_if.empty()) out << "    only with " << spec.only_if << "\n";
}

void describe_components(std::ostream& out, const runtime::ComponentKind& kind) {
  const std::vector<const runtime::ComponentEntry*> entries = runtime::components(kind.kind);
  if (entries.empty()) return;
  std::string title(kind.plural);
  title[0] = static_cast<char>(std::toupper(title[0]));
  out << "\n" << title;
  if (!kind.selector.empty()) out << " (" << kind.selector << ")";
  out << ":\n";
  for (const runtime::ComponentEntry* entry : entries)
    out << "    " << entry->component.name << "\n        " << entry->component.text << " ("
        << entry->component.source << ")\n";
}

void describe_stage(std::ostream& out) {
  out << "\n[[stage]]\n"
         "name = (unset)\n"
         "    text; of several stages each has one, by which --set stage.NAME.KEY=VALUE, the log and "
         "checkpoints know "
         "it\n"
         "continues = false\n"
         "    true|false; compile\n"
         "    whether the clock of schedules, optimizer slots, averages and the best epoch go on from the "
         "stage "
         "before\n"
         "model.weights = (unset)\n"
         "    \"stage:NAME\"; compile\n"
         "    the earlier stage with whose last weights it begins, in place of those of the stage before\n"
         "One stage is merged over the sections; of several, which run in order over the same weights, each "
         "may have its "
         "own\n";
  std::map<std::string, std::pair<std::vector<std::string>, bool>>
      sections; // keys, whether they are all of it
  for (const KeySpec& spec : runtime::key_table()) {
    const std::size_t dot = spec.key.find('.');
    auto& [keys, whole] =
        sections.try_emplace(spec.key.substr(0, dot), std::vector<std::string>(), true).first->second;
    if (runtime::may_be_of_stage(spec.key, spec.stage))
      keys.push_back(spec.key.substr(dot + 1));
    else
      whole = false;
  }
  for (const auto& [section, known] : sections)
    if (const auto& [keys, whole] = known; !keys.empty())
      out << "    " << section << ": " << (whole ? "every key" : runtime::listed(keys)) << "\n";
  out << "    compile keys of a method that keeps state (an average) are the same in the stages that use it\n"
         "    epochs stands for run.epochs, batch (of a single stage) for run.batch\n";
}

void print_value(std::ostream& out, const std::string& key, const runtime::OptionValue& value,
                 const std::string& origin) {
  out << key << " = " << (value.is_null() ? "(unset)" : value.to_json()) << "   # " << origin << "\n";
}

} // namespace

namespace {

/// `key` is of a method or augmentation that the list in `options` does not name: method.ldam.scale without ldam.
bool is_of_unused_name(const runtime::Options& options, std::string_view key) {
  for (const runtime::ComponentKind& kind : runtime::component_kinds()) {
    const std::string_view prefix = kind.selector.substr(0, kind.selector.rfind('.') + 1);
    if (kind.one || kind.selector.empty() || !key.starts_with(prefix)) continue;
    const std::string_view rest = key.substr(prefix.size());
    const std::string name(rest.substr(0, rest.find('.')));
    const std::vector<std::string> known = runtime::component_names(kind.kind);
    if (name.size() == rest.size() || std::find(known.begin(), known.end(), name) == known.end()) continue;
    const runtime::Result<std::vector<std::string>> used = options.get_strings(kind.selector);
    return used.ok() && std::find(used->begin(), used->end(), name) == used->end();
  }
  return false;
}

bool has_effect(const runtime::Options& options, const std::string& key) {
  return !runtime::unmet_condition(options, key) && !is_of_unused_name(options, key);
}

} // namespace

std::string values_of(const Recipe& recipe) {
  std::ostringstream out;
  std::size_t without_effect = 0;
  const auto is_read_by_a_stage = [&](const std::string& key) {
    return std::any_of(recipe.stages.begin(), recipe.stages.end(),
                       [&](const RecipeStage& stage) { return has_effect(stage.own, key); });
  };
  for (const KeySpec& spec : runtime::key_table()) {
    const Option& option = *recipe.options.find(spec.key);
    if (option.origin == "default" && !has_effect(recipe.options, spec.key) &&
        !is_read_by_a_stage(spec.key)) {
      ++without_effect;
      continue;
    }
    print_value(out, spec.key, option.value, option.origin);
  }
  for (const RecipeStage& stage : recipe.stages) {
    const std::string prefix = "stage." + stage.name + ".";
    print_value(out, prefix + "continues", OptionValue(stage.continues),
                stage.continues_place.known() ? stage.continues_place.text() : "default");
    if (!stage.weights.empty())
      print_value(out, prefix + weights_section(), OptionValue("stage:" + stage.weights),
                  stage.weights_place.text());
    for (const auto& [key, option] : stage.own) // the weights that it evaluates may follow from its methods
      if (stage.places.contains(key) || !(option.value == recipe.options.find(key)->value))
        print_value(out, prefix + key, option.value, option.origin);
  }
  if (without_effect > 0)
    out << "# " << without_effect
        << " keys have no effect with these choices; tailor recipe --describe has them\n";
  return out.str();
}

std::string describe(std::string_view name) {
  std::ostringstream out;
  const std::string section = std::string(name) + ".", word = "." + std::string(name);
  for (const KeySpec& spec : runtime::key_table())
    if (spec.key == name || spec.key.starts_with(section) || spec.key.ends_with(word))
      describe_key(out, spec);
  for (const runtime::ComponentKind& kind : runtime::component_kinds())
    for (const runtime::ComponentEntry* entry : runtime::components(kind.kind)) {
      const runtime::Component& component = entry->component;
      if (component.name != name) continue;
      out << kind.kind << " " << component.name << "\n    " << component.text << " (" << component.source
          << ")\n";
      for (const KeySpec& spec : component.keys)
        if (!spec.key.starts_with(section) && !spec.key.ends_with(word)) describe_key(out, spec);
    }
  if (name == "stage") describe_stage(out);
  return out.str();
}

std::vector<std::string> described_names() {
  std::vector<std::string> names = {"stage"};
  const auto add = [&](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  };
  for (const KeySpec& spec : runtime::key_table()) {
    for (std::size_t dot = spec.key.find('.'); dot != std::string::npos; dot = spec.key.find('.', dot + 1))
      add(spec.key.substr(0, dot));
    add(spec.key);
  }
  for (const runtime::ComponentKind& kind : runtime::component_kinds())
    for (const runtime::ComponentEntry* entry : runtime::components(kind.kind))
      add(entry->component.name);
  return names;
}

std::string describe() {
  std::ostringstream out;
  std::string_view section;
  for (const KeySpec& spec : runtime::key_table()) {
    const std::string_view own = std::string_view(spec.key).substr(0, spec.key.find('.'));
    if (own != section) {
      out << (section.empty() ? "" : "\n") << "[" << own << "]\n";
      section = own;
    }
    describe_key(out, spec);
  }
  describe_stage(out);
  for (const runtime::ComponentKind& kind : runtime::component_kinds())
    describe_components(out, kind);
  out << "\nBuilt-in bases, to start from with base = \"NAME\" above the first section (tailor recipe --base "
         "NAME "
         "prints one):\n";
  for (const std::string& base : built_in_bases())
    out << "    " << base << "\n";
  out << "    per_class, few_med_many stand for the accuracy of every class, and for few, med and many\n";
  out << "\nKnown but not in this version:\n";
  for (const ReservedKey& reserved : reserved_keys())
    out << "    " << reserved.prefix << "  (" << reserved.what << ")\n";
  return out.str();
}

namespace {

/// A bar ends a cell.
std::string cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2))
    text.insert(at, 1, '\\');
  return text;
}

} // namespace

std::string component_table(std::string_view kind) {
  const std::vector<runtime::ComponentEntry const*> entries = runtime::components(kind);
  if (entries.empty()) return "";
  std::string_view section; // of the key that names one of them, which goes without saying
  for (const runtime::ComponentKind& known : runtime::component_kinds())
    if (known.kind == kind) section = known.selector.substr(0, known.selector.find('.') + 1);
  std::string table = "| name | what | source | keys |\n|---|---|---|---|\n";
  for (const runtime::ComponentEntry* entry : entries) {
    const runtime::Component& component = entry->component;
    std::vector<std::string> keys;
    for (const KeySpec& key : component.keys)
      keys.push_back("`" + key.key.substr(key.key.starts_with(section) ? section.size() : 0) + "`");
    table += "| `" + component.name + "` | " + cell(component.text) + " | " + cell(component.source) + " | " +
             runtime::listed(keys) + " |\n";
  }
  return table;
}

} // namespace tailor::recipe
