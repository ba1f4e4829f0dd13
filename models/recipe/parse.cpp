#include "models/recipe/parse.h"

#include "models/recipe/bases.h"
#include "models/recipe/check.h"
#include "models/recipe/complete.h"
#include "models/recipe/convert.h"
#include "models/recipe/methods.h"
#include "models/recipe/nesting.h"
#include "models/recipe/reserved.h"
#include "models/recipe/stages.h"
#include "models/recipe/toml.h"
#include "runtime/base/data_path.h"
#include "runtime/base/file.h"
#include "runtime/base/wording.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/key_table.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/table_keys.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>

namespace tailor::recipe {

using runtime::find_key;
using runtime::key_name;
using runtime::key_table;
using runtime::make_option;

namespace {

// key_name(&MethodKeys::use) of "method.use[1]".
std::string_view list_of(std::string_view key) {
  return key.substr(0, key.find('['));
}

// Complaints printed at once: as many as fit on a screen.
constexpr std::size_t kMostShown = 10;

// 0 for the recipe, 1 for its base, ...; behind them what is in no file.
std::size_t layer(const Recipe& recipe, const Place& place) {
  return std::find(recipe.files.begin(), recipe.files.end(), place.file) - recipe.files.begin();
}

} // namespace

Place Recipe::place(std::string_view key) const {
  auto found = places.find(key);
  if (found == places.end()) found = places.find(list_of(key));
  return found == places.end() ? Place{} : found->second;
}

bool Recipe::is_below(std::string_view key, std::string_view other) const {
  const Place low = place(key);
  Place high = place(other);
  if (const Option* unset = options.find(other); !high.known() && unset)
    if (unset->origin == Place::command_line().text()) high = Place::command_line(); // --set KEY=none
  if (!low.in_file() || !high.known()) return false;
  return !high.in_file() || layer(*this, low) > layer(*this, high);
}

bool Recipe::is_above_stage(std::string_view key, std::string_view other) const {
  return of_own_stage.contains(list_of(other)) && !of_own_stage.contains(list_of(key));
}

Recipe Recipe::of_stage(std::size_t i) const {
  Recipe view = *this;
  view.stages.clear();
  view.errors.clear();
  const RecipeStage& stage = stages[i];
  for (const auto& [key, option] : stage.own) {
    // Elements of a list that the stage replaces have no place any more.
    std::erase_if(view.places, [&](const auto& entry) { return list_of(entry.first) == key; });
    view.options.set(key, option);
  }
  for (const auto& [key, place] : stage.places) {
    view.places[key] = place;
    view.of_own_stage.emplace(list_of(key));
  }
  return view;
}

Diagnostic& Recipe::error(std::string_view key, std::string message, std::string hint) {
  const Place at = place(key);
  errors.push_back({at.known() ? at : Place{path}, std::move(message), {}, std::move(hint)});
  return errors.back();
}

std::string Recipe::messages() const {
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : errors)
    sorted.push_back(&diagnostic);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Diagnostic* a, const Diagnostic* b) {
    const std::size_t x = layer(*this, a->place), y = layer(*this, b->place);
    return std::tie(x, a->place.line, a->place.column) < std::tie(y, b->place.line, b->place.column);
  });
  std::string out;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostShown); ++i)
    out += format(*sorted[i], texts);
  if (sorted.size() > kMostShown)
    out += "note: " + std::to_string(sorted.size() - kMostShown) + " more errors are not shown\n";
  return out;
}

FileReader disk_reader() {
  return [](const std::string& path) { return runtime::read_file(path, kMaxRecipeBytes); };
}

namespace {

constexpr int kMaxBaseDepth = 8;
/// Far more than any training has; every stage is a copy of the options.
constexpr std::size_t kMostStages = 32;
constexpr std::string_view kStagePrefix = "stage.", kWeightsOfStage = "stage:";

// toml++ begins with "Error while parsing key-value pair: ", which is our "error: " again.
std::string syntax_message(std::string_view description) {
  constexpr std::string_view kPrefix = "Error while parsing ";
  if (!description.starts_with(kPrefix)) return std::string(description);
  return "parsing " + std::string(description.substr(kPrefix.size()));
}

// One recipe and its bases, read from the bottom up so that later values win.
class Reader {
public:
  Reader(Recipe& recipe, const FileReader& read) : recipe_(recipe), read_(read) {}

  void file(const std::string& path, const Place& from) {
    if (std::find(open_.begin(), open_.end(), path) != open_.end()) {
      complain(from, "base recipes form a chain that does not end: '" + path + "' is already open");
      return;
    }
    if (open_.size() >= kMaxBaseDepth) {
      complain(from, "a chain of more than " + std::to_string(kMaxBaseDepth) +
                         " recipes, each the base of the one before: '" + path + "' is one too many");
      return;
    }
    runtime::Result<std::string> text = read_(path);
    if (!text.ok()) {
      complain(from, "cannot read recipe '" + path + "': " + text.status().message());
      return;
    }
    text_of(path, *text);
  }

  // "optimizer.lr=0.05": what a file says as `lr = 0.05` under [optimizer], at the place "command line".
  void override_with(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    const Place at = Place::command_line();
    if (equals == std::string::npos || key.empty()) {
      complain(at, "'" + shortened(text) + "' is not KEY=VALUE");
      return;
    }
    if (key.starts_with(kStagePrefix)) return override_stage(text);
    const std::string value = text.substr(equals + 1);
    if (key == weights_section()) return weights_of(value, at);
    const KeySpec* spec = find_key(key);
    if (!spec) spec = short_form(key);
    if (!spec) {
      no_value(at, key);
      return;
    }
    if (value == "none" && spec->fallback.is_null()) { // as `tailor-run --set` takes it
      forget(spec->key);
      options().set(spec->key, make_option(*spec, OptionValue(), at.text()));
      return;
    }
    store(*spec, convert_text(*spec, value), at, [&](std::optional<std::size_t>) { return at; });
  }

private:
  void document(const toml::table& table) {
    if (const toml::node* base = table.get("base")) base_file(*base);
    const toml::node* stages = table.get("stage");
    for (auto&& [key, node] : table)
      if (key.str() != "base" && key.str() != "stage") entry("", key, node);
    if (stages) stage_list(*stages);
  }

  void text_of(const std::string& path, const std::string& text) {
    recipe_.texts.add(path, text);
    recipe_.files.push_back(path);
    if (open_.empty()) recipe_.text = text;
    if (const std::optional<TextPlace> deep = nested_too_deep(text)) {
      complain({path, deep->line, deep->column},
               "tables and lists nest deeper than " + std::to_string(kMaxNesting) + " levels here");
      return;
    }
    toml::parse_result parsed = toml::parse(std::string_view(text), std::string_view(path));
    if (!parsed) {
      const toml::source_position at = parsed.error().source().begin;
      complain({path, at.line, at.column}, syntax_message(parsed.error().description()));
      return;
    }
    open_.push_back(path);
    document(parsed.table());
    open_.pop_back();
  }

  void base_file(const toml::node& node) {
    const Place at = place(node.source());
    const std::optional<std::string> named = node.value<std::string>();
    if (!named) {
      complain(at, "base must be a path or the name of a built-in base, not " + toml_kind(node));
      return;
    }
    if (names_built_in_base(*named)) {
      if (const std::optional<std::string_view> text = built_in_base(*named))
        return text_of(built_in_path(*named), std::string(*text));
      const std::string near = runtime::nearest_word(*named, built_in_bases());
      complain(at, "there is no built-in base recipe '" + *named + "'",
               near.empty() ? "built in: " + runtime::listed(built_in_bases()) +
                                  "; a file is named with its ending, as \"" + *named + ".toml\""
                            : "did you mean '" + near + "'?");
      return;
    }
    const std::string beside =
        (std::filesystem::path(open_.back()).parent_path() / *named).lexically_normal().string();
    // What is there but cannot be read is said by file().
    for (const std::string& candidate : {beside, *named})
      if (auto text = read_(candidate); text.ok() || text.status().code() != runtime::StatusCode::kNotFound)
        return file(candidate, at);
    const std::string stem = std::filesystem::path(*named).stem().string();
    complain(at, "cannot read base recipe '" + *named + "'",
             built_in_base(stem) ? "base = \"" + stem + "\" is built in"
             : beside == *named  ? "paths start from the folder of the recipe, then from the working folder"
                                 : "looked for '" + beside + "' and '" + *named + "'");
  }

  // One [[stage]] is merged over the sections; of several each keeps its own. A file's list replaces that of its base.
  void stage_list(const toml::node& node) {
    const toml::array* stages = node.as_array();
    if (!stages || stages->empty() || !stages->is_homogeneous<toml::table>()) {
      complain(place(node.source()), "stage must be written as [[stage]]");
      return;
    }
    if (stages->size() == 1 && !recipe_.stages.empty()) {
      complain(place(stages->get(0)->source()),
               "one [[stage]] would replace the " + std::to_string(recipe_.stages.size()) +
                   " stages of the base",
               "list all of them, or set one's key on the command line: --set stage." +
                   recipe_.stages.front().name + ".KEY=VALUE");
      return;
    }
    recipe_.stages.clear();
    if (stages->size() == 1) return stage(*stages->get(0)->as_table());
    if (stages->size() > kMostStages) {
      complain(place(stages->get(kMostStages)->source()), "a recipe of " + std::to_string(stages->size()) +
                                                              " stages has more than " +
                                                              std::to_string(kMostStages));
      return;
    }
    for (std::size_t i = 0; i < stages->size(); ++i) {
      const toml::table& table = *stages->get(i)->as_table();
      RecipeStage stage_of;
      stage_of.place = place(table.source());
      named(table, stage_of);
      recipe_.stages.push_back(std::move(stage_of));
      stage_ = recipe_.stages.size() - 1;
      stage(table);
      stage_.reset();
    }
  }

  // The name by which the command line, the log and checkpoints know a stage.
  void named(const toml::table& table, RecipeStage& stage) {
    const toml::node* node = table.get("name");
    const std::optional<std::string> name = node ? node->value<std::string>() : std::nullopt;
    const Place at = node ? place(node->source()) : stage.place;
    if (!name || name->empty() || name->find_first_of(".\"'[] \t\n") != std::string::npos) {
      complain(at, "a stage of several needs a name, without dots, blanks and quotes", "name = \"main\"");
      return;
    }
    for (const RecipeStage& other : recipe_.stages)
      if (other.name == *name) complain(at, "two stages are called '" + *name + "'");
    stage.name = *name;
    if (const toml::node* continues = table.get("continues")) {
      if (continues->is_boolean())
        continue_from(stage, **continues->as_boolean(), place(continues->source()));
      else
        complain(place(continues->source()), "continues must be true or false, not " + toml_kind(*continues));
    }
  }

  // model.weights = "stage:NAME"
  void weights_of(const std::string& text, const Place& at) {
    if (!text.starts_with(kWeightsOfStage))
      return complain(
          at, "'" + weights_section() + "' is a section, or \"stage:NAME\", not '" + shortened(text) + "'",
          "weights of a file are " + key_name(&runtime::ModelKeys::weights_file) + " = \"FILE\"");
    if (!stage_)
      return complain(at, "the weights of a stage are what a later [[stage]] of several begins with",
                      "set it in that stage");
    recipe_.stages[*stage_].weights = text.substr(kWeightsOfStage.size());
    recipe_.stages[*stage_].weights_place = at;
  }

  static void continue_from(RecipeStage& stage, bool continues, const Place& at) {
    stage.continues = continues;
    stage.continues_place = continues ? at : Place{};
  }

  void stage(const toml::table& table) {
    for (auto&& [key, child] : table) {
      if (key.str() == "name" || (stage_ && key.str() == "continues")) continue;
      if (const KeySpec* spec = short_of_stage(key.str()))
        leaf(*spec, child, place(key.source()));
      else
        entry("", key, child);
    }
  }

  // Keys of a stage that stand there without their section.
  static const KeySpec* short_of_stage(std::string_view name) {
    if (name == "epochs") return &runtime::key_spec(&runtime::RunKeys::epochs);
    if (name == "batch") return &runtime::key_spec(&runtime::RunKeys::batch);
    return nullptr;
  }

  // What a file says in the stage that is being read: a key, or how it goes on from others.
  void override_of_stage(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    const Place at = Place::command_line();
    if (const KeySpec* spec = short_of_stage(key)) return override_with(spec->key + "=" + value);
    if (key == "name")
      complain(at, "'" + shortened(text) + "': a stage has its name from its file");
    else if (key != "continues")
      override_with(text);
    else if (value == "true" || value == "false")
      continue_from(recipe_.stages[*stage_], value == "true", at);
    else
      complain(at, "continues must be true or false, not '" + shortened(value) + "'");
  }

  // "stage.NAME.KEY=VALUE"
  void override_stage(const std::string& text) {
    const std::size_t dot = text.find('.', kStagePrefix.size());
    const std::string name = text.substr(kStagePrefix.size(), dot - kStagePrefix.size());
    for (std::size_t i = 0; i < recipe_.stages.size() && dot != std::string::npos; ++i) {
      if (recipe_.stages[i].name != name) continue;
      stage_ = i;
      override_of_stage(text.substr(dot + 1));
      stage_.reset();
      return;
    }
    std::vector<std::string> names;
    for (const RecipeStage& known : recipe_.stages)
      names.push_back("stage." + known.name + ".KEY=VALUE");
    complain(Place::command_line(), "'" + shortened(text) + "' names no stage of this recipe",
             names.empty() ? "it has one part: KEY=VALUE" : runtime::listed(names));
  }

  // Where values go: the stage that is being read, else the sections.
  Options& options() { return stage_ ? recipe_.stages[*stage_].own : recipe_.options; }
  std::map<std::string, Place, std::less<>>& places() {
    return stage_ ? recipe_.stages[*stage_].places : recipe_.places;
  }

  void entry(const std::string& prefix, const toml::key& key, const toml::node& node) {
    const std::string dotted =
        prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
    const Place at = place(key.source());
    if (const KeySpec* spec = find_key(dotted)) return leaf(*spec, node, at);
    if (is_section(dotted)) {
      if (const toml::table* table = node.as_table()) {
        for (auto&& [child_key, child] : *table)
          entry(dotted, child_key, child);
        return;
      }
      if (const KeySpec* spec = short_form(dotted)) return leaf(*spec, node, at);
      if (const toml::value<std::string>* text = node.as_string(); text && dotted == weights_section())
        return weights_of(**text, place(node.source()));
    }
    no_value(at, dotted);
  }

  static bool is_section(const std::string& dotted) {
    return std::any_of(key_table().begin(), key_table().end(),
                       [&](const KeySpec& spec) { return spec.key.starts_with(dotted + "."); });
  }

  // Why `dotted` cannot have a value, in files and on the command line.
  void no_value(const Place& at, const std::string& dotted) {
    const std::string name = dotted.substr(dotted.rfind('.') + 1);
    if (is_section(dotted))
      complain(at, "'" + dotted + "' is a section, not a key", "its keys are " + keys_of(dotted));
    else if (const ReservedKey* reserved = find_reserved(dotted))
      complain(at, "'" + dotted + "' is not available in this version (" + std::string(reserved->what) + ")");
    else if (name == "base" || name == "stage")
      complain(at, "'" + name + "' is no key of a section: it stands in a recipe file",
               name == "base" ? "above the first [section], base = \"tabular\"" : "as [[stage]]");
    else
      unknown(at, dotted);
  }

  // "data.split.by, data.split.val, ...": at most five.
  static std::string keys_of(const std::string& section) {
    std::vector<std::string> found;
    for (const KeySpec& spec : key_table())
      if (spec.key.starts_with(section + ".")) found.emplace_back(spec.key);
    constexpr std::size_t kShown = 5;
    const bool more = found.size() > kShown;
    found.resize(std::min(found.size(), kShown));
    return runtime::listed(found) + (more ? ", ..." : "");
  }

  // What a plain value under the name of a section means.
  static const KeySpec* short_form(std::string_view section) {
    for (const auto& [name, key] : {std::pair("data.test", key_name(&runtime::TableKeys::test_file)),
                                    std::pair("data.label", key_name(&runtime::TableKeys::label_column)),
                                    std::pair("data.augment", key_name(&runtime::DataKeys::augment))})
      if (section == name) return find_key(key);
    return nullptr;
  }

  void leaf(const KeySpec& spec, const toml::node& node, const Place& at) {
    const toml::array* list = node.as_array();
    store(spec, convert(spec, node), at, [&](std::optional<std::size_t> element) {
      return place(list && element ? list->get(*element)->source() : node.source());
    });
  }

  // `place_of` an element of a list, or of the whole value.
  void store(const KeySpec& spec, Conversion converted, const Place& at,
             const std::function<Place(std::optional<std::size_t> element)>& place_of) {
    for (Conversion::Complaint& complaint : converted.complaints)
      complain(place_of(complaint.element), std::move(complaint.error), std::move(complaint.hint));
    if (!converted.ok()) return;
    if (spec.type == runtime::KeyType::kPath && at.in_file()) {
      std::filesystem::path path(*converted.value.as_string());
      std::filesystem::path folder = std::filesystem::path(at.file).parent_path();
      if (spec.key.starts_with("data."))
        converted.value = OptionValue(runtime::data_path_of(folder.string(), path.string()));
      else if (path.is_relative() && !folder.empty())
        converted.value = OptionValue((folder / path).lexically_normal().string());
    }
    const std::string& key = spec.key;
    forget(key);
    places()[key] = at;
    if (const OptionValue::List* list = converted.value.as_list(); list && at.in_file())
      for (std::size_t i = 0; i < list->size(); ++i)
        places()[key + "[" + std::to_string(i) + "]"] = place_of(i);
    options().set(key, make_option(spec, std::move(converted.value), at.text()));
  }

  // The places of `key` and its elements.
  void forget(const std::string& key) {
    auto& known = places();
    known.erase(key);
    const auto begin = known.lower_bound(key + "[");
    auto end = begin;
    while (end != known.end() && end->first.starts_with(key + "["))
      ++end;
    known.erase(begin, end);
  }

  void unknown(const Place& at, const std::string& key) {
    if (known_.empty())
      known_ = [] {
        std::set<std::string> names{"base", "stage"};
        for (const KeySpec& spec : key_table()) {
          names.emplace(spec.key);
          for (std::size_t dot = spec.key.find('.'); dot != std::string_view::npos;
               dot = spec.key.find('.', dot + 1))
            names.emplace(spec.key.substr(0, dot));
        }
        return std::vector<std::string>(names.begin(), names.end());
      }();
    const std::vector<std::string>& known = known_;
    std::string near = runtime::nearest_word(key, known);
    if (const std::string last = key.substr(key.rfind('.') + 1); near.empty()) // lr, run.lr: optimizer.lr
      if (const auto found = std::find_if(known.begin(), known.end(), ends_in(last)); found != known.end())
        if (std::find_if(found + 1, known.end(), ends_in(last)) == known.end()) near = *found;
    complain(at, "unknown key '" + shortened(key) + "'",
             near.empty() ? "`tailor recipe --describe` lists every key" : "did you mean '" + near + "'?");
  }

  static std::function<bool(const std::string&)> ends_in(const std::string& last) {
    return [end = "." + last](const std::string& known) { return known.ends_with(end); };
  }

  Place place(const toml::source_region& source) const {
    return {open_.back(), source.begin.line, source.begin.column};
  }

  void complain(const Place& at, std::string message, std::string hint = {}) {
    recipe_.errors.push_back({at, std::move(message), {}, std::move(hint)});
  }

  Recipe& recipe_;
  const FileReader& read_;
  std::vector<std::string> open_;
  std::optional<std::size_t> stage_; ///< the one of several that is being read
  std::vector<std::string> known_;   ///< names of keys and sections, once one is unknown
};

// eval.weights = "auto" means the average where there is one; the options say which it is.
void resolve_eval_weights(Options& options) {
  const std::string& key = key_name(&runtime::EvalKeys::weights);
  Option weights = *options.find(key);
  if (*weights.value.as_string() != "auto") return;
  weights.value = averages(options) ? "ema" : "raw";
  options.set(key, std::move(weights));
}

} // namespace

Recipe parse(const std::string& path, const std::vector<std::string>& overrides, const FileReader& read) {
  Recipe recipe;
  recipe.path = path;
  recipe.name = std::filesystem::path(path).stem().string();
  Reader reader(recipe, read);
  reader.file(path, {path});
  for (const std::string& text : overrides)
    reader.override_with(text);
  bool readable = recipe.ok();
  fill_defaults(recipe.options);
  for (std::size_t i = 0; i < recipe.stages.size();
       ++i) { // from what the sections say, before they are resolved
    Options whole = recipe.of_stage(i).options;
    resolve_eval_weights(whole);
    const std::string& key = key_name(&runtime::EvalKeys::weights);
    recipe.stages[i].own.set(key, *whole.find(key));
  }
  resolve_eval_weights(recipe.options);
  if (readable) check(recipe);
  return recipe;
}

} // namespace tailor::recipe
