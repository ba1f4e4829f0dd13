#pragma once
// Every key a recipe may hold: type, default, limits, when it is fixed, what it means and where that comes
// from. One table serves parsing, the checks of `--set`, `tailor recipe --describe` and the hints of error
// messages.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::recipe {

enum class Type {
  boolean,
  integer,
  number, // integers are accepted and widened
  word,   // one of `choices`
  text,
  path,        // a relative path is taken from the folder of the recipe that wrote it
  column,      // a column's name or index; negative indices count from the end
  seed_choice, // an integer or "run_seed"
  words,       // list of text
  columns,     // list of column
  integers,    // list of integer
  integer_or_list,
};

/// `compile`: changes the artifact. `run`: read when training starts, so `tailor-run --set` may change it.
enum class Stage { compile, run };

struct KeySpec {
  std::string_view key; // dotted: "optimizer.lr"
  Type type;
  Stage stage;
  std::string_view fallback; // default as TOML text; "" means unset (absent, or derived as `text` says)
  std::string_view choices;  // `a|b|c` for Type::word and the elements of Type::words; "" means free
  double min, max;           // limits of numbers and of each element of number lists, inclusive
  std::string_view text;
  std::string_view source; // section of the methods specification or "choice"
  /// Option::only_if: without it the key has no effect.
  std::string_view only_if = "";
};

/// All keys, ordered by section.
std::span<const KeySpec> keys();

/// The entry of `key`, or nullptr.
const KeySpec* find_key(std::string_view key);

/// Keys and names of methods and models that are part of the grammar but not of this version: `prefix` covers the
/// key itself and all below; "method.ldam" and "model.resnet8" stand for values of method.use and model.name.
struct ReservedKey {
  std::string_view prefix;
  std::string_view what; // "image folders"
};
std::span<const ReservedKey> reserved_keys();
const ReservedKey* find_reserved(std::string_view key);

/// The values `method.use` may list.
std::vector<std::string> method_names();

std::string_view name(Type type);
std::string_view name(Stage stage);
std::vector<std::string> split_choices(std::string_view choices);

/// A number for a message: whole numbers without point or exponent.
std::string number_text(double value);

/// The table printed by `tailor recipe --describe`: one block a section, one entry a key.
std::string describe();

} // namespace tailor::recipe
