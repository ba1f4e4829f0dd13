#include "frontend/recipe/parse.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "frontend/recipe/toml.h"

#include "frontend/recipe/check.h"
#include "frontend/recipe/convert.h"
#include "frontend/recipe/schema.h"

namespace tailor::recipe {

Place Recipe::place(std::string_view key) const {
  auto found = places.find(key);
  return found == places.end() ? Place{} : found->second;
}

void Recipe::error(std::string_view key, std::string message, std::string hint) {
  errors.push_back({place(key), std::move(message), {}, std::move(hint)});
}

std::string Recipe::messages() const {
  std::string out;
  for (const Diagnostic& diagnostic : errors)
    out += format(diagnostic, texts);
  return out;
}

FileReader disk_reader() {
  return [](const std::string& path) -> std::optional<std::string> {
    constexpr std::uintmax_t kMaxBytes = 1 << 20;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
    if (std::filesystem::file_size(path, error) > kMaxBytes) return std::nullopt;
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return std::nullopt;
    return std::move(text).str();
  };
}

namespace {

constexpr int kMaxBaseDepth = 8;

// One recipe and its bases, read from the bottom up so that later values win.
class Reader {
public:
  Reader(Recipe& recipe, const FileReader& read) : recipe_(recipe), read_(read) {}

  void file(const std::string& path, const Place& from) {
    if (std::find(open_.begin(), open_.end(), path) != open_.end() || open_.size() >= kMaxBaseDepth) {
      complain(from, "base recipes form a chain that does not end: '" + path + "' is already open");
      return;
    }
    std::optional<std::string> text = read_(path);
    if (!text) {
      complain(from, "cannot read recipe '" + path + "' (no such file, or over 1 MiB)");
      return;
    }
    recipe_.texts.add(path, *text);
    if (open_.empty()) recipe_.text = *text;
    toml::parse_result parsed = toml::parse(std::string_view(*text), std::string_view(path));
    if (!parsed) {
      const toml::source_position at = parsed.error().source().begin;
      complain({path, at.line, at.column}, std::string(parsed.error().description()));
      return;
    }
    open_.push_back(path);
    document(parsed.table());
    open_.pop_back();
  }

  // "optimizer.lr=0.05": a one-line document of its own, whose places are the command line.
  void override_with(const std::string& text) {
    size_t equals = text.find('=');
    std::string key = text.substr(0, equals);
    const KeySpec* spec = find_key(key);
    if (equals == std::string::npos || key.empty()) {
      complain({}, "'" + text + "' is not KEY=VALUE");
      return;
    }
    if (!spec) {
      unknown({}, key);
      return;
    }
    std::string value = text.substr(equals + 1);
    toml::parse_result parsed = toml::parse("value = " + value);
    if (!parsed || parsed.table().size() != 1) parsed = toml::parse("value = " + quoted(value));
    if (!parsed || parsed.table().size() != 1) {
      complain({}, "cannot read the value of '" + text + "'");
      return;
    }
    leaf(*spec, *parsed.table().get("value"), {});
  }

private:
  void document(const toml::table& table) {
    if (const toml::node* base = table.get("base")) base_file(*base);
    const toml::node* stages = table.get("stage");
    for (auto&& [key, node] : table)
      if (key.str() != "base" && key.str() != "stage") entry("", key, node);
    if (stages) stage_list(*stages);
  }

  void base_file(const toml::node& node) {
    std::optional<std::string> named = node.value<std::string>();
    if (!named) {
      complain(place(node.source()), "base must be a path, not " + toml_kind(node));
      return;
    }
    std::string beside =
        (std::filesystem::path(open_.back()).parent_path() / *named).lexically_normal().string();
    for (const std::string& candidate : {beside, *named})
      if (read_(candidate)) return file(candidate, place(node.source()));
    complain(place(node.source()), "cannot read base recipe '" + *named + "'",
             "looked for '" + beside + "' and '" + *named + "'");
  }

  // [[stage]]: the grammar allows several; this version runs one, merged over the sections.
  void stage_list(const toml::node& node) {
    const toml::array* stages = node.as_array();
    if (!stages || stages->empty() || !stages->is_homogeneous<toml::table>()) {
      complain(place(node.source()), "stage must be written as [[stage]]");
      return;
    }
    if (stages->size() > 1) {
      complain(place(stages->get(1)->source()),
               "a recipe with " + std::to_string(stages->size()) + " stages: this version runs one stage",
               "train the stages one after the other, from separate recipes");
      return;
    }
    for (auto&& [key, child] : *stages->get(0)->as_table()) {
      if (key.str() == "name") continue; // a label
      if (key.str() == "epochs" || key.str() == "batch")
        leaf(*find_key("run." + std::string(key.str())), child, place(key.source()));
      else
        entry("", key, child);
    }
  }

  void entry(const std::string& prefix, const toml::key& key, const toml::node& node) {
    std::string dotted = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
    Place at = place(key.source());
    if (const KeySpec* spec = find_key(dotted)) return leaf(*spec, node, at);
    bool section = std::any_of(keys().begin(), keys().end(),
                               [&](const KeySpec& spec) { return spec.key.starts_with(dotted + "."); });
    if (section) {
      if (const toml::table* table = node.as_table()) {
        for (auto&& [child_key, child] : *table)
          entry(dotted, child_key, child);
        return;
      }
      if (const KeySpec* spec = short_form(dotted)) return leaf(*spec, node, at);
      complain(at, "'" + dotted + "' is a section, not " + toml_kind(node));
      return;
    }
    if (const ReservedKey* reserved = find_reserved(dotted)) {
      complain(at, "'" + dotted + "' is not available in this version (" + std::string(reserved->what) + ")");
      return;
    }
    unknown(at, dotted);
  }

  // What a plain value under the name of a section means.
  static const KeySpec* short_form(std::string_view section) {
    if (section == "data.test") return find_key("data.test.file");
    if (section == "data.label") return find_key("data.label.column");
    return nullptr;
  }

  void leaf(const KeySpec& spec, const toml::node& node, const Place& at) {
    Conversion converted = convert(spec, node);
    if (!converted.error.empty()) {
      Place value_at = at.in_file() ? place(node.source()) : at;
      complain(value_at.in_file() ? value_at : at, converted.error, converted.hint);
      return;
    }
    if (spec.type == Type::path && at.in_file()) {
      std::filesystem::path path(*converted.value.as_string());
      std::filesystem::path folder = std::filesystem::path(at.file).parent_path();
      if (path.is_relative() && !folder.empty())
        converted.value = OptionValue((folder / path).lexically_normal().string());
    }
    recipe_.places[std::string(spec.key)] = at;
    recipe_.options.set(std::string(spec.key), make_option(spec, std::move(converted.value), at.text()));
  }

  void unknown(const Place& at, const std::string& key) {
    std::vector<std::string> known{"base", "stage"};
    for (const KeySpec& spec : keys()) {
      known.emplace_back(spec.key);
      for (size_t dot = spec.key.find('.'); dot != std::string_view::npos; dot = spec.key.find('.', dot + 1))
        if (std::string section(spec.key.substr(0, dot));
            std::find(known.begin(), known.end(), section) == known.end())
          known.push_back(section);
    }
    std::string near = nearest(key, known);
    complain(at, "unknown key '" + key + "'",
             near.empty() ? "`tailor recipe --describe` lists every key" : "did you mean '" + near + "'?");
  }

  Place place(const toml::source_region& source) const {
    return {open_.empty() ? std::string() : open_.back(), source.begin.line, source.begin.column};
  }

  void complain(const Place& at, std::string message, std::string hint = {}) {
    recipe_.errors.push_back({at, std::move(message), {}, std::move(hint)});
  }

  static std::string quoted(const std::string& text) {
    std::string out = "'";
    for (char c : text)
      if (c != '\'' && c != '\n') out.push_back(c);
    return out + "'";
  }

  Recipe& recipe_;
  const FileReader& read_;
  std::vector<std::string> open_;
};

} // namespace

void fill_defaults(Options& options) {
  for (const KeySpec& spec : keys()) {
    if (options.contains(spec.key)) continue;
    OptionValue value;
    if (!spec.fallback.empty()) {
      toml::parse_result parsed = toml::parse("value = " + std::string(spec.fallback));
      value = convert(spec, *parsed.table().get("value")).value;
    }
    options.set(std::string(spec.key), make_option(spec, std::move(value), "default"));
  }
}

Recipe parse(const std::string& path, const std::vector<std::string>& overrides, const FileReader& read) {
  Recipe recipe;
  recipe.path = path;
  recipe.name = std::filesystem::path(path).stem().string();
  Reader reader(recipe, read);
  reader.file(path, {});
  for (const std::string& text : overrides)
    reader.override_with(text);
  bool readable = recipe.ok();
  fill_defaults(recipe.options);
  if (readable) check(recipe);
  return recipe;
}

} // namespace tailor::recipe
