#include "runtime/train/program_identity.h"

#include "runtime/options/component.h"
#include "runtime/options/memory_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/split_keys.h"
#include "runtime/options/table_keys.h"

#include <set>

#include <algorithm>

namespace tailor::runtime {
namespace {

OptionValue compile_keys(const ArtifactSpec& spec) {
  OptionValue::Table keys;
  for (const auto& [key, option] : spec.options)
    // Under another budget other launches run twice, and every bit is the same.
    if (option.stage == OptionStage::kCompile && key != key_name(&RunKeys::memory_budget))
      keys.emplace_back(key, option.value);
  return OptionValue(std::move(keys));
}

std::string date_text(const Column& column) {
  if (column.role != ColumnRole::kDate) return "";
  std::string text = concat(", form ", static_cast<int>(column.date_form), ", inputs");
  for (const std::string& name : date_input_names(column.name, column.date_features))
    text += " " + name;
  return text;
}

OptionValue columns(const ArtifactSpec& spec) {
  OptionValue::List list;
  for (const Column& column : spec.schema.columns)
    list.emplace_back(concat(column.name, " (", to_string(column.role),
                             column.role == ColumnRole::kCategorical ? concat(", ", column.capacity) : "",
                             column.missing_flag ? ", missing flag" : "",
                             column.sign.empty() ? "" : ", sign " + column.sign, date_text(column), ")"));
  return OptionValue(std::move(list));
}

/// The version of the random numbers in `identity`, which before version 2 said none; nullopt if it is none.
std::optional<std::int64_t> random_version(const OptionValue& identity) {
  const OptionValue* version = identity.find("random_version");
  if (!version) return 1;
  return version->as_int() ? std::optional(*version->as_int()) : std::nullopt;
}

bool is_selector(std::string_view key) {
  const std::vector<ComponentKind>& kinds = component_kinds();
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](const ComponentKind& kind) { return kind.selector == key; });
}

std::string text_of(const OptionValue* value) {
  return value ? value->to_json() : "not a compile key";
}

/// The same for a message among others: a list of classes may be long.
std::string shown(const OptionValue* value) {
  constexpr std::size_t kMost = 100;
  const std::string text = text_of(value);
  return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

/// True of keys of network and data that decide how it is trained, and nothing of what is computed from a row.
bool trains_only(const std::string& key) {
  static const std::set<std::string> keys = {
      key_name(&ModelKeys::freeze),        key_name(&ModelKeys::initialise),
      key_name(&TableKeys::columns_group), key_name(&TableKeys::columns_id),
      key_name(&TableKeys::columns_time),  key_name(&TableKeys::row_weights),
      key_name(&SplitKeys::column),        key_name(&MemoryKeys::memory)};
  return keys.contains(key);
}

} // namespace

std::string program_identity(const ArtifactSpec& spec) {
  return OptionValue(OptionValue::Table{{"compile_keys", compile_keys(spec)},
                                        {"columns", columns(spec)},
                                        {"meaning", OptionValue(concat(spec.meaning))},
                                        {"random_version", OptionValue(std::int64_t{spec.random_version})}})
      .to_json();
}

Status check_program_identity(const ArtifactSpec& spec, std::string_view identity) {
  const Result<OptionValue> parsed = OptionValue::from_json(identity);
  const OptionValue* keys = parsed.ok() ? parsed->find("compile_keys") : nullptr;
  const OptionValue* their_columns = parsed.ok() ? parsed->find("columns") : nullptr;
  const OptionValue* meaning = parsed.ok() ? parsed->find("meaning") : nullptr;
  if (!keys || !keys->as_table() || !their_columns || !their_columns->as_list() || !meaning ||
      !meaning->as_string() || !random_version(*parsed))
    return data_loss("damaged program identity");

  const auto differs = [](const std::string& key, const OptionValue* here, const OptionValue* there) {
    return incompatible("it was trained by another program: '", key, "' was ", text_of(there),
                        ", here it is ", text_of(here));
  };
  const OptionValue own = compile_keys(spec);
  // What names a component comes first: the keys of another one differ because of it.
  for (const bool names_component : {true, false})
    for (const auto& [key, value] : *own.as_table()) {
      const OptionValue* other = keys->find(key);
      if (is_selector(key) == names_component && (!other || !(*other == value)))
        return differs(key, &value, other);
    }
  for (const auto& [key, value] : *keys->as_table()) {
    // What became a run key is what the run keeps it as, unless the program computes something else, which `meaning` says.
    const Option* option = spec.options.find(key);
    if (!own.find(key) && !(option && option->stage == OptionStage::kRun))
      return differs(key, nullptr, &value);
  }
  const OptionValue own_columns = columns(spec);
  if (const std::size_t here = own_columns.as_list()->size(), there = their_columns->as_list()->size();
      here != there)
    return incompatible("it was trained by another program: its data had ", there,
                        " columns, here they have ", here);
  for (std::size_t c = 0; c < own_columns.as_list()->size(); ++c) {
    const OptionValue &here = (*own_columns.as_list())[c], &there = (*their_columns->as_list())[c];
    if (!(here == there))
      return incompatible("it was trained by another program: column ", c, " was ", there.to_json(),
                          ", here it is ", here.to_json());
  }
  // A program that draws nothing goes on whatever the version was.
  if (const std::int64_t theirs = *random_version(*parsed);
      spec.random_version != 0 && theirs != spec.random_version)
    return incompatible("its steps drew random numbers of version ", theirs,
                        ", this program draws those of version ", spec.random_version,
                        ": the run would go on as another one")
        .with_hint("start a new run, or go on with the program that wrote it");
  if (*meaning->as_string() != concat(spec.meaning))
    return incompatible("it was trained by another program: the step or evaluation computes something else")
        .with_hint("`tailor compile --emit traced` prints what a program computes");
  return {};
}

std::string forward_difference(const ArtifactSpec& spec, std::string_view identity) {
  const Result<OptionValue> parsed = OptionValue::from_json(identity);
  const OptionValue* keys = parsed.ok() ? parsed->find("compile_keys") : nullptr;
  if (!keys || !keys->as_table()) return "";
  const OptionValue own = compile_keys(spec);
  std::string text;
  const auto compare = [&](const std::string& key, const OptionValue* here, const OptionValue* there) {
    if (!(key.starts_with("model.") || key.starts_with("data.")) || trains_only(key)) return;
    if (here && there && *here == *there) return;
    text += concat(text.empty() ? "'" : ", '", key, "' was ", shown(there), ", here it is ", shown(here));
  };
  for (const auto& [key, value] : *own.as_table())
    compare(key, &value, keys->find(key));
  for (const auto& [key, value] : *keys->as_table())
    if (!own.find(key)) compare(key, nullptr, &value);
  return text;
}

} // namespace tailor::runtime
