#include "runtime/options/key_table.h"

#include "runtime/base/status.h"
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

/// The keys of a kind's components, each once, with the names that read it as its condition.
void add_components(const ComponentKind& kind, std::vector<KeySpec>& specs) {
  std::map<std::string, std::size_t> known;
  for (const ComponentEntry* entry : components(kind.kind))
    for (const KeySpec& own : entry->component.keys) {
      const auto [found, added] = known.emplace(own.key, specs.size());
      if (added) specs.push_back(own);
      KeySpec& spec = specs[found->second];
      if (!kind.one || !own.only_if.empty()) continue;
      spec.only_if = added ? concat(kind.selector, " = ", entry->component.name)
                           : concat(spec.only_if, "|", entry->component.name);
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
  for (const ComponentKind& kind : component_kinds())
    add_components(kind, table.specs);
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
