#pragma once
#include "runtime/base/options.h"

#include <limits>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

enum class KeyType {
  kBool,
  kInt,
  kNumber, ///< integers are accepted and widened
  kWord,   ///< one of the key's choices
  kText,
  kPath,       ///< a relative path is taken from the folder of the recipe that wrote it
  kColumn,     ///< a column's name or index; negative indices count from the end
  kSeedChoice, ///< an integer or "run_seed"
  kWords,      ///< list of text
  kColumns,    ///< list of column
  kInts,       ///< list of integer
  kNumbers,    ///< list of number
  kIntOrList,
  kBytes,         ///< an integer, or text with a unit ("2GiB"); kept as an integer
  kNumbersByName, ///< a list of numbers, or a table of numbers under names of the data
  kTables,        ///< list of tables, whose fields their reader knows
};

/// "an integer", "a list of words": what a value of that type is, for messages.
std::string_view name(KeyType type);

/// The largest count that every part of the product can hold.
inline constexpr double kMaxCount = 2147483647;
inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

/// A key that a recipe, a C++ program or `--set` may give a value: the only place where its name, type, default,
/// limits and meaning stand.
struct KeySpec {
  std::string key; ///< dotted: "optimizer.lr"
  KeyType type = KeyType::kNumber;
  OptionStage stage = OptionStage::kRun; ///< compile: changes the artifact; run: read when it runs
  OptionValue fallback;                  ///< null: unset, or derived as `text` says
  std::vector<std::string> choices;      ///< words it may be; empty: free, or those of `choices_of`
  std::string choices_of; ///< the kind of component whose names it takes ("sampler"); "" for none
  double min = -kNoLimit, max = kNoLimit; ///< of numbers and of each element of number lists, inclusive
  bool above_min = false;                 ///< the limit below is exclusive
  std::string text;                       ///< one line of help
  std::string source;                     ///< section of docs/methods.md, or "choice"
  std::string only_if;                    ///< Option::only_if: without it the key has no effect
  std::string
      read_by; ///< a key that names a component: this one has an effect if that lists it (Component::reads)
  std::source_location declared;

  bool has_limits() const { return min != -kNoLimit || max != kNoLimit; }
  /// The choices, those of registered components included.
  std::vector<std::string> words() const;
  /// "above 0 and at most 1"; "" without limits.
  std::string range() const;
};

/// The option that an artifact stores for `value`: type, stage, limits and the place that set it.
Option make_option(const KeySpec& spec, OptionValue value, std::string origin);

/// A number for a message: whole numbers without point or exponent.
std::string number_text(double value);

} // namespace tailor::runtime
