#include "models/recipe/describe.h"

#include "models/recipe/bases.h"
#include "models/recipe/reserved.h"
#include "runtime/metrics/metric.h"
#include "runtime/options/component.h"
#include "runtime/options/key_table.h"
#include "runtime/options/words.h"

#include <sstream>

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

} // namespace

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
  std::string table = "| name | what | source | keys |\n|---|---|---|---|\n";
  for (const runtime::ComponentEntry* entry : entries) {
    const runtime::Component& component = entry->component;
    std::vector<std::string> keys;
    for (const KeySpec& key : component.keys)
      keys.push_back("`" + key.key.substr(key.key.rfind('.') + 1) + "`");
    table += "| `" + component.name + "` | " + cell(component.text) + " | " + cell(component.source) + " | " +
             runtime::listed(keys) + " |\n";
  }
  return table;
}

} // namespace tailor::recipe
