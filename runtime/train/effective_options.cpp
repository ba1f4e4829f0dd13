#include "runtime/train/effective_options.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/data_path.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/base/option_condition.h"
#include "runtime/base/wording.h"
#include "runtime/data/source.h"
#include "runtime/options/component.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/key_table.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/stage_keys.h"
#include "runtime/options/table_keys.h"
#include "runtime/options/words.h"
#include "runtime/train/control_rows.h"
#include "runtime/train/rebuild_hint.h"

#include <algorithm>
#include <sys/stat.h>

namespace tailor::runtime {
namespace {

constexpr const char* kCommandLine = "command line";
/// Where the control fields of C++ programs have their options.
constexpr std::string_view kControlSection = "control.";

std::string_view section_of(std::string_view key) {
  return key.substr(0, key.find('.'));
}

/// The keys of these sections are numbers that a step reads: whatever no control field takes, nothing does. Keys of
/// other sections are read by the data plan, the loop and the evaluation.
bool is_for_a_field(std::string_view key) {
  for (const ComponentKind& kind : component_kinds())
    if ((kind.kind == "method" || kind.kind == "optimizer" || kind.kind == "schedule") &&
        section_of(kind.selector) == section_of(key))
      return true;
  return key.starts_with(kControlSection);
}

/// The host writes this option, or a schedule of it, into a control field.
bool reaches_a_field(const ArtifactSpec& spec, std::string_view key) {
  for (const Stage& stage : spec.stages)
    if (const std::string own = stage_key(stage.name, ""); key.starts_with(own))
      return reaches_a_field(spec, key.substr(own.size()));
  if (!is_for_a_field(key)) return true;
  return std::any_of(spec.control.begin(), spec.control.end(), [&](const ControlField& field) {
    return field.key == key ||
           (field.binding == FieldBinding::kFractionRow && key == epochs_key(field.key)) ||
           (field.binding == FieldBinding::kAverageDecay && key == average_warmup_key(field)) ||
           (field.binding == FieldBinding::kSchedule && key.starts_with(field.options_prefix + "."));
  });
}

/// Where the keys of the names stand that a list holds: "method." for "method.use", "data.augment." for
/// "data.augment.use".
std::string_view prefix_of(std::string_view selector) {
  return selector.substr(0, selector.rfind('.') + 1);
}

/// The selector that holds several names, `key` being one of NAME in it: "method.use" for method.NAME.KEY.
std::optional<std::string_view> list_of_names(std::string_view key) {
  for (const ComponentKind& kind : component_kinds())
    if (!kind.one && !kind.selector.empty() && key.starts_with(prefix_of(kind.selector)) &&
        key.find('.', prefix_of(kind.selector).size()) != std::string_view::npos)
      return kind.selector;
  return std::nullopt;
}

/// Whether none of the keys of `condition` has one of its values.
bool unmet_by(const Options& options, const OptionCondition& condition) {
  return std::none_of(condition.keys.begin(), condition.keys.end(), [&](const std::string& key) {
    const Option* option = options.find(key);
    const std::string* word = option ? option->value.as_string() : nullptr;
    return word &&
           std::find(condition.values.begin(), condition.values.end(), *word) != condition.values.end();
  });
}

/// What else a program would have to say for a key to be read.
struct WayToRead {
  Settings settings; ///< as `--set` of a recipe; empty: not known
  std::string only;  ///< what has to hold beside them, which only compiling tells; empty: nothing
};

/// `key` is of a name that stands in a list of names: the list with it.
WayToRead list_with_name(const ArtifactSpec& spec, std::string_view selector, const std::string& key) {
  const std::size_t begin = prefix_of(selector).size();
  const std::string name = key.substr(begin, key.rfind('.') - begin);
  const Result<std::vector<std::string>> used = spec.options.get_strings(selector);
  if (!used.ok() || std::find(used->begin(), used->end(), name) != used->end()) return {};
  // The names that stand there by default are there for want of others.
  const KeySpec* list = find_key(selector);
  const OptionValue::List* by_default = list ? list->fallback.as_list() : nullptr;
  OptionValue::List names;
  for (const std::string& other : *used)
    if (!by_default ||
        std::find(by_default->begin(), by_default->end(), OptionValue(other)) == by_default->end())
      names.emplace_back(other);
  WayToRead way;
  if (!names.empty())
    way.only = concat("if '", name, "' goes together with ", OptionValue(names).to_json(), ", ");
  names.emplace_back(name);
  way.settings.emplace_back(selector, OptionValue(std::move(names)).to_json());
  return way;
}

/// The number of the same name that a name in the list has, where that is read: method.sam-a.rho for method.sam.rho.
std::string namesake(const ArtifactSpec& spec, std::string_view selector, const std::string& key) {
  const std::string number = key.substr(key.rfind('.'));
  if (const Result<std::vector<std::string>> used = spec.options.get_strings(selector); used.ok())
    for (const std::string& name : *used) {
      std::string other = concat(prefix_of(selector), name, number);
      if (other != key && spec.options.contains(other) && reaches_a_field(spec, other)) return other;
    }
  return "";
}

WayToRead way_to_read(const ArtifactSpec& spec, const std::string& key) {
  // The condition of the artifact, else that of the table of this program, which may know what the artifact has not.
  const Option* option = spec.options.find(key);
  std::string condition = option ? option->only_if : std::string();
  if (const KeySpec* known = find_key(key); known && condition.empty()) condition = known->only_if;
  const OptionCondition needed = OptionCondition::parse(condition);
  // A key that depends on its neighbour is read if its name is used at all.
  const std::string neighbours = key.substr(0, key.rfind('.') + 1);
  if (needed.keys.empty() || needed.keys.front().starts_with(neighbours))
    if (const std::optional<std::string_view> selector = list_of_names(key))
      if (WayToRead way = list_with_name(spec, *selector, key); !way.settings.empty()) return way;
  if (needed.values.empty() || !unmet_by(spec.options, needed)) return {};
  return {{{needed.keys.front(), needed.values.front()}}, ""};
}

/// What to do instead of `--set key=text`, which nothing in the artifact reads; empty: not known.
std::string hint_of_unread(const Artifact& artifact, const std::string& key, const std::string& text) {
  const ArtifactSpec& spec = artifact.spec();
  if (const std::optional<std::string_view> selector = list_of_names(key))
    if (const std::string other = namesake(spec, *selector, key); !other.empty())
      return concat("did you mean --set ", other, "=", text);
  WayToRead way = way_to_read(spec, key);
  if (way.settings.empty()) return "";
  way.settings.emplace_back(key, text);
  return way.only + rebuild_hint(artifact, way.settings);
}

/// "stage.head.optimizer.lr": a key of a stage, and the whole program's key of that name.
struct StageKey {
  std::string stage, key;
};

std::vector<std::string> stage_names(const ArtifactSpec& spec) {
  std::vector<std::string> names;
  for (const Stage& stage : spec.stages)
    names.push_back(stage.name);
  return names;
}

std::optional<StageKey> in_stage(const ArtifactSpec& spec, const std::string& key) {
  for (const Stage& stage : spec.stages)
    if (const std::string own = stage_key(stage.name, ""); key.starts_with(own))
      return StageKey{stage.name, key.substr(own.size())};
  return std::nullopt;
}

/// As options have the key: a file may write `epochs` in a stage.
std::string full_key(const ArtifactSpec& spec, const std::string& key) {
  const std::optional<StageKey> own = in_stage(spec, key);
  return own && own->key == "epochs" ? stage_key(own->stage, key_name(&RunKeys::epochs)) : key;
}

Status compiled_in(const Artifact& artifact, const std::string& key, const std::string& text) {
  const std::optional<StageKey> own = in_stage(artifact.spec(), key);
  const Option* whole = own ? artifact.spec().options.find(own->key) : nullptr;
  if (whole && !may_be_of_stage(own->key, whole->stage))
    return invalid_argument("--set ", key, "=", text, ": '", own->key,
                            "' is compiled into the artifact, the same for all stages")
        .with_hint(rebuild_hint(artifact, {{own->key, text}}));
  return invalid_argument("--set ", key, "=", text, ": '", key, "' is compiled into the artifact")
      .with_hint(rebuild_hint(artifact, {{key, text}}));
}

/// A stage may get a run key of its own that the program gave it none of: it begins as the program's.
/// Errors   a key that all stages share.
Status give_to_stage(const Artifact& artifact, const std::string& key, const std::string& text,
                     Options& options) {
  const std::optional<StageKey> own = in_stage(artifact.spec(), key);
  if (!own || options.contains(key)) return {};
  if (own->key == "continues") return compiled_in(artifact, key, text);
  const Option* whole = options.find(own->key);
  if (!whole) return {}; // unknown, which is said with the nearest one
  if (whole->stage == OptionStage::kCompile) return compiled_in(artifact, key, text);
  if (!may_differ_by_stage(own->key))
    return invalid_argument("--set ", key, "=", text, ": '", own->key, "' is the same in all stages, '",
                            own->stage, "' cannot set it")
        .with_hint(concat("--set ", own->key, "=", text));
  Option option = *whole;
  option.only_if.clear(); // it speaks of the program's choice, which is not the stage's
  options.set(key, std::move(option));
  return {};
}

/// What keeps `key` from being read, by the choices of its stage where it is a stage's.
std::optional<OptionCondition> unmet(const ArtifactSpec& spec, const Options& options,
                                     const std::string& key) {
  const std::optional<StageKey> own = in_stage(spec, key);
  if (!own) return unmet_condition(options, key);
  Options of_stage = options_of_stage(options, own->stage);
  const Option* whole = options.find(own->key);
  if (!whole) return std::nullopt;
  Option option = *of_stage.find(own->key);
  option.only_if = whole->only_if;
  of_stage.set(own->key, std::move(option));
  std::optional<OptionCondition> needed = unmet_condition(of_stage, own->key);
  if (needed)
    for (std::string& other : needed->keys)
      if (may_differ_by_stage(other)) other = stage_key(own->stage, other);
  return needed;
}

Status apply(const Artifact& artifact, const Settings& given, Options& options) {
  const ArtifactSpec& spec = artifact.spec();
  Settings set;
  for (const auto& [key, text] : given)
    set.emplace_back(full_key(spec, key), text);
  for (const auto& [key, text] : set) {
    TAILOR_RETURN_IF_ERROR_AS_IS(give_to_stage(artifact, key, text, options));
    const Option* option = options.find(key);
    if (option && option->stage == OptionStage::kCompile) return compiled_in(artifact, key, text);
    TAILOR_RETURN_IF_ERROR(options.set_from_text(key, text), concat("--set ", key, "=", text));
  }
  // With all of them in place: one may be what makes another read.
  for (const auto& [key, text] : set) {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_some_stage_reads(stage_names(spec), options, key, text));
    if (!reaches_a_field(spec, key)) {
      const std::string hint = hint_of_unread(artifact, key, text);
      Status status =
          invalid_argument("--set ", key, "=", text, ": nothing in this artifact reads '", key, "'");
      return hint.empty() ? status : std::move(status).with_hint(hint);
    }
    if (const std::optional<OptionCondition> needed = unmet(spec, options, key)) {
      const std::string& other = needed->keys.front();
      const std::optional<StageKey> own = in_stage(spec, other);
      const Option* chosen = options.find(own && !options.contains(other) ? own->key : other);
      const std::string wanted = listed(needed->values, " or ");
      const bool unset = !chosen || chosen->value.is_null() || chosen->value == OptionValue("");
      Status status =
          invalid_argument("--set ", key, "=", text, ": '", key, "' is read only with ",
                           listed(needed->keys, " or "), wanted.empty() ? " set" : concat(" = ", wanted),
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
    return key == key_name(&TableKeys::train) && run.value == OptionValue(manifest.data);
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
  // What the run's command line gave a stage that the program gives it nothing of.
  for (const auto& [key, run] : manifest.options) {
    if (program.contains(key) || run.origin != kCommandLine || run.stage == OptionStage::kCompile) continue;
    TAILOR_RETURN_IF_ERROR(give_to_stage(artifact, key, run.value.to_json(), resumed.options),
                           "the run's manifest.json");
    const Option* given = resumed.options.find(key);
    if (!given) continue;
    Option kept = *given;
    kept.value = run.value;
    kept.origin = run.origin;
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
    else if (const Option* whole = program.find(key); !whole || !(whole->value == option.value))
      resumed.kept.push_back(concat(key, " = ", option.value.to_json()));
  }
  return resumed;
}

Status check_data_folder(const std::string& folder, const Options& options) {
  const Option* format = options.find(key_name(&DataKeys::format));
  const std::string* name = format ? format->value.as_string() : nullptr;
  const SourceSpec* source = name ? Registry<SourceSpec>::find(*name) : nullptr;
  if (!source) return {}; // said where the source is made
  std::string moved, fixed, example;
  bool has_paths = false;
  for (const KeySpec& key : source->keys) {
    if (key.type != KeyType::kPath) continue;
    has_paths = true;
    const Option* option = options.find(key.key);
    const std::string* path = option ? option->value.as_string() : nullptr;
    if (!path || path->empty()) continue;
    const bool moves = starts_in_folder(*path);
    std::string& list = moves ? moved : fixed;
    if (!moves && example.empty()) example = concat("--set ", key.key, "=PATH");
    list += concat(list.empty() ? "" : ", ", key.key, " = '", *path, "'");
  }
  if (fixed.empty() && has_paths) return {};
  if (!has_paths)
    return invalid_argument("--data '", folder, "' is a folder, and data of the format '", *name,
                            "' have no paths that could start there")
        .with_hint("leave --data away");
  const Status status =
      invalid_argument("--data '", folder, "' moves only paths that are relative, not ", fixed);
  if (moved.empty()) return Status(status).with_hint(concat(example, " names other data"));
  log_warning(status.message());
  return {};
}

Status apply_data_argument(const std::string& data, Options& options) {
  if (data.empty()) return {};
  if (is_folder(data)) return check_data_folder(data, options);
  if (!file_exists(data)) return not_found("--data '", data, "' does not exist");
  const Option* format = options.find(key_name(&DataKeys::format));
  const std::string* name = format ? format->value.as_string() : nullptr;
  const SourceSpec* source = name ? Registry<SourceSpec>::find(*name) : nullptr;
  if (source && std::none_of(source->keys.begin(), source->keys.end(),
                             [](const KeySpec& key) { return key.key == key_name(&TableKeys::train); }))
    return invalid_argument("--data '", data, "' is a file, and this program trains on data of the format '",
                            *name, "', which reads no ", key_name(&TableKeys::train))
        .with_hint("--data names a folder here, or is left out; predict and eval take files where the format "
                   "has any");
  Option train;
  if (const Option* known = options.find(key_name(&TableKeys::train))) train = *known;
  train.value = data;
  train.origin = kCommandLine;
  options.set(key_name(&TableKeys::train), std::move(train));
  return {};
}

} // namespace tailor::runtime
