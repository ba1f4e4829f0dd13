#include "runtime/options/key_table.h"

#include "runtime/base/status.h"
#include "runtime/base/wording.h"
#include "runtime/options/component.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/long_tail_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/schedule_keys.h"

#include <algorithm>
#include <list>
#include <map>

namespace tailor::runtime {
namespace {

constexpr std::string_view kSections[] = {"data", "model", "method", "optimizer", "schedule", "run", "eval"};

std::size_t section_of(std::string_view key) {
  const std::string_view section = key.substr(0, key.find('.'));
  return static_cast<std::size_t>(std::find(std::begin(kSections), std::end(kSections), section) - kSections);
}

struct Table {
  std::vector<KeySpec> specs;
  std::map<std::string_view, const KeySpec*> by_name;
  std::uint64_t version = 0;
};

/// The keys that name a component of `kind`: data.sampler and data.sampler_then.
std::vector<std::string> selectors_of(std::string_view kind, const std::vector<KeySpec>& specs) {
  std::vector<std::string> selectors;
  for (const KeySpec& spec : specs)
    if (spec.choices_of == kind) selectors.push_back(spec.key);
  return selectors;
}

/// The keys of all components, each once. A key of one that a recipe names in a single place has an effect only where
/// a name stands that reads it.
void add_components(std::vector<KeySpec>& specs) {
  std::map<std::string, std::size_t> known;
  std::map<std::size_t, std::pair<std::string_view, std::vector<std::string>>>
      readers; // kind and names of a key
  for (const ComponentKind& kind : component_kinds())
    for (const ComponentEntry* entry : components(kind.kind))
      for (const KeySpec& own : entry->component.keys) {
        const auto [found, added] = known.emplace(own.key, specs.size());
        if (added) specs.push_back(own);
        if (!kind.one || !own.only_if.empty()) continue;
        auto& [of_kind, names] = readers[found->second];
        of_kind = kind.kind;
        names.push_back(entry->component.name);
      }
  for (const auto& [index, reader] : readers) {
    std::vector<std::string> selectors = selectors_of(reader.first, specs);
    std::erase(selectors, specs[index].key);
    specs[index].only_if = concat(listed(selectors, "|"), " = ", listed(reader.second, "|"));
  }
}

/// Conditions by what a component says that it reads.
void add_conditions(std::vector<KeySpec>& specs) {
  std::map<std::string, std::string> kind_of; // of the component that a key names
  for (const KeySpec& spec : specs)
    if (!spec.choices_of.empty()) kind_of.emplace(spec.key, spec.choices_of);
  for (KeySpec& spec : specs) {
    if (spec.read_by.empty()) continue;
    const std::string number = spec.key.substr(spec.key.rfind('.') + 1);
    std::vector<std::string> names;
    for (const ComponentEntry* entry : components(kind_of[spec.read_by]))
      if (const auto& reads = entry->component.reads;
          std::find(reads.begin(), reads.end(), number) != reads.end())
        names.push_back(entry->component.name);
    spec.only_if = concat(spec.read_by, " = ", listed(names, "|"));
  }
}

Table made_table() {
  Table table;
  table.version = detail::component_version();
  const auto add = [&](const std::vector<KeySpec>& specs) {
    table.specs.insert(table.specs.end(), specs.begin(), specs.end());
  };
  add(DataKeys::keys().specs());
  add(LongTailKeys::keys().specs());
  add(TestTailKeys::keys().specs());
  add(ModelKeys::keys().specs());
  add(MethodKeys::keys().specs());
  add(OptimizerKeys::keys().specs());
  add(ScheduleKeys::keys().specs());
  add(RunKeys::keys().specs());
  add(EvalKeys::keys().specs());
  add_components(table.specs);
  add_conditions(table.specs);
  std::stable_sort(table.specs.begin(), table.specs.end(),
                   [](const KeySpec& a, const KeySpec& b) { return section_of(a.key) < section_of(b.key); });
  for (const KeySpec& spec : table.specs)
    table.by_name.emplace(spec.key, &spec);
  return table;
}

const Table& current() {
  static std::list<Table> tables; // older ones stay: callers hold pointers into them
  if (tables.empty() || tables.back().version != detail::component_version()) {
    tables.push_back(made_table());
  }
  return tables.back();
}

} // namespace

const std::vector<KeySpec>& key_table() {
  return current().specs;
}

const KeySpec* find_key(std::string_view key) {
  const auto found = current().by_name.find(key);
  return found == current().by_name.end() ? nullptr : found->second;
}

} // namespace tailor::runtime
