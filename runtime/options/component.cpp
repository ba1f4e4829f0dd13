#include "runtime/options/component.h"

#include "runtime/base/status.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/schedule_keys.h"

#include <algorithm>
#include <deque>

namespace tailor::runtime {
namespace {

struct Components {
  std::deque<ComponentEntry> entries; ///< stays in place: the table of keys points into it
  std::vector<std::string> problems;
};

// Components register themselves before main(), in any order of files.
Components& all() {
  static Components instance;
  return instance;
}

std::string place(const std::source_location& where) {
  return concat(where.file_name(), ":", where.line());
}

/// What makes two declarations of one key different; "" if they agree.
std::string_view difference(const KeySpec& a, const KeySpec& b) {
  if (a.type != b.type) return "type";
  if (a.stage != b.stage) return "stage";
  if (!(a.fallback == b.fallback)) return "default";
  if (a.min != b.min || a.max != b.max || a.above_min != b.above_min) return "limits";
  if (a.choices != b.choices || a.choices_of != b.choices_of) return "words";
  return {};
}

std::string why_not(std::string_view kind, const Component& component) {
  const auto& kinds = component_kinds();
  if (std::none_of(kinds.begin(), kinds.end(),
                   [&](const ComponentKind& known) { return known.kind == kind; }))
    return concat("there is no kind of component '", kind, "'");
  if (component.name.empty() || component.name.find_first_of(" |,\"\n") != std::string::npos)
    return concat("'", component.name, "' is no name for a ", kind,
                  ": it needs letters, without blanks, bars, commas and quotes");
  if (kind == "method") // the section of a recipe is named after it, and nothing else is read there
    for (const KeySpec& own : component.keys)
      if (const std::string section = concat("method.", component.name, "."); !own.key.starts_with(section))
        return concat("key '", own.key, "' of method '", component.name, "' does not begin with '", section,
                      "'");
  for (const ComponentEntry& known : all().entries) {
    if (known.kind == kind && known.component.name == component.name)
      return concat(kind, " '", component.name, "' is registered already, at ", place(known.where));
    for (const KeySpec& theirs : known.component.keys)
      for (const KeySpec& own : component.keys) {
        if (theirs.key != own.key) continue;
        if (known.kind != kind)
          return concat("key '", own.key, "' belongs to ", known.kind, " '", known.component.name, "', at ",
                        place(known.where));
        if (const std::string_view what = difference(theirs, own); !what.empty())
          return concat("key '", own.key, "' has another ", what, " than ", kind, " '", known.component.name,
                        "' gives it, at ", place(theirs.declared));
      }
  }
  return "";
}

} // namespace

const std::vector<ComponentKind>& component_kinds() {
  static const std::vector<ComponentKind> kinds = {
      {"source", "data sources", key_name(&DataKeys::format)},
      {"sampler", "samplers", key_name(&DataKeys::sampler)},
      {"augmentation", "augmentations", key_name(&DataKeys::augment), false},
      {"model", "models", key_name(&ModelKeys::name)},
      {"method", "methods", key_name(&MethodKeys::use), false},
      {"loss", "losses", key_name(&MethodKeys::loss)},
      {"weight_table", "class weights", "", false},
      {"ascent_table", "ascent tables", "", false},
      {"smoothing_table", "smoothing profiles", "", false},
      {"optimizer", "optimizers", key_name(&OptimizerKeys::name)},
      {"schedule", "schedules", key_name(&ScheduleKeys::name)},
      {"metric", "metrics", key_name(&EvalKeys::metrics), false},
  };
  return kinds;
}

std::vector<const ComponentEntry*> components(std::string_view kind) {
  std::vector<const ComponentEntry*> found;
  for (const ComponentEntry& entry : all().entries)
    if (entry.kind == kind) found.push_back(&entry);
  std::sort(found.begin(), found.end(),
            [](const auto* a, const auto* b) { return a->component.name < b->component.name; });
  return found;
}

std::vector<std::string> component_names(std::string_view kind) {
  std::vector<std::string> names;
  for (const ComponentEntry* entry : components(kind))
    names.push_back(entry->component.name);
  return names;
}

std::vector<std::string> registration_problems() {
  return all().problems;
}

namespace detail {

bool add_component(std::string_view kind, const Component& component, const std::source_location& where) {
  if (const std::string problem = why_not(kind, component); !problem.empty()) {
    all().problems.push_back(concat(place(where), ": error: ", problem));
    return false;
  }
  all().entries.push_back({kind, component, where});
  return true;
}

void add_problem(std::string_view kind, std::string_view name, std::string_view what,
                 const std::source_location& where) {
  all().problems.push_back(concat(place(where), ": error: ", kind, " '", name, "' ", what));
}

std::uint64_t component_version() {
  return all().entries.size();
}

} // namespace detail

} // namespace tailor::runtime
