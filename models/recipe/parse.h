#pragma once
// Recipe text -> options, with the place of every value.

#include "models/recipe/source.h"
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/options/key_set.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::recipe {

using runtime::Option;
using runtime::Options;
using runtime::OptionValue;

/// One of several [[stage]]s: what it says over the sections.
struct RecipeStage {
  std::string name;
  Place place;
  bool continues = false; // its clock, optimizer slots and best epoch go on from the stage before
  Place continues_place;  // where it says so; nowhere: it does not
  /// The earlier stage with whose last weights it begins; empty: those of the stage before.
  std::string weights;
  Place weights_place;
  Options own; // the keys it sets
  std::map<std::string, Place, std::less<>> places;
};

/// What a recipe says once `base` files, the stage and `--set` are merged: every key of the table, defaults
/// included.
struct Recipe {
  Options options;
  /// Of the keys that a file or the command line set, and of the elements of lists in files
  /// ("method.use[1]").
  std::map<std::string, Place, std::less<>> places;
  std::vector<std::string> files; // read: the recipe, its base, the base of that, ...
  std::string path;               // as given
  std::string name;               // "fraud" for "examples/fraud.toml"
  std::string text;               // of the recipe file itself, stored in the artifact
  SourceTexts texts;
  std::set<std::string, std::less<>> of_own_stage; // keys that the stage set, in what of_stage() gives
  std::vector<RecipeStage> stages; // in order; empty where the recipe has one part (its [[stage]] is merged)
  std::vector<Diagnostic> errors;
  std::vector<std::string> notes; // what is allowed and may not be meant, with its place

  bool ok() const { return errors.empty(); }
  /// Where `key` was set, or nowhere for a default. A list element not known by itself answers with its list.
  Place place(std::string_view key) const;
  bool is_set(std::string_view key) const { return places.contains(key); }
  template <class S, class T> bool is_set(T S::*member) const { return is_set(runtime::key_name(member)); }
  /// `key` comes from a file below the one that set `other` (or from a file when the command line set it):
  /// what it says is the context that `other` replaces.
  bool is_below(std::string_view key, std::string_view other) const;
  /// The stage set `other` itself, and `key` comes from the sections.
  bool is_above_stage(std::string_view key, std::string_view other) const;
  /// The recipe as stage `i` has it: its own keys over the sections, without errors or stages.
  Recipe of_stage(std::size_t i) const;
  /// A complaint at the place of `key`, or about the recipe as a whole if it is a default.
  Diagnostic& error(std::string_view key, std::string message, std::string hint = {});
  /// The first ten complaints, formatted as `format` does, in the order of their places: the recipe, its bases,
  /// the command line; then how many more there are.
  std::string messages() const;
};

/// Gives the options of a C++ program what a recipe's have: keys of the table that are set get their type,
/// stage and limits from it, the others their default. `declared` are those that the program's code reads, which
/// may be its own; those of a second optimizer or average ("optimizer.head.lr") get what the first's have.
/// Errors   kInvalidArgument "main.cpp:31:5: error: 'optimizer.lr' must be a number above 0, not -1"; a key that
///          is neither in the table nor declared, with the nearest one.
runtime::Status complete(Options& options, const std::set<std::string, std::less<>>& declared = {});

/// Reads files; a test or a fuzzer may hand in its own. kNotFound if there is no such file; other errors say
/// why it cannot be read.
using FileReader = std::function<runtime::Result<std::string>(const std::string& path)>;
/// At most kMaxRecipeBytes a file.
FileReader disk_reader();
/// What `tailor init` writes of the widest table (65,536 columns, most of them dropped by name) and far above
/// what is written by hand.
inline constexpr std::uint64_t kMaxRecipeBytes = std::uint64_t{16} << 20;

/// Parses `path`, its `base` files below it, then `overrides` ("optimizer.lr=0.05") on top, and checks keys,
/// types, limits and combinations. A base is the name of a built-in one (bases.h), or a path, with a folder or an
/// ending, that is looked for beside the recipe that names it, then from the working folder. An override says
/// what a file could say under the same key; `KEY=none` takes back what files say for a key that may be unset.
Recipe parse(const std::string& path, const std::vector<std::string>& overrides = {},
             const FileReader& read = disk_reader());

} // namespace tailor::recipe
