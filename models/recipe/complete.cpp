#include "models/recipe/complete.h"

#include "models/recipe/reserved.h"
#include "runtime/base/wording.h"
#include "runtime/options/key_table.h"
#include "runtime/options/program_keys.h"

#include <cmath>
#include <utility>
#include <vector>

namespace tailor::recipe {

using runtime::find_key;
using runtime::key_name;
using runtime::key_table;
using runtime::KeySpec;
using runtime::make_option;

void fill_defaults(Options& options) {
  for (const KeySpec& spec : key_table()) {
    if (options.contains(spec.key)) continue;
    options.set(spec.key, make_option(spec, spec.fallback, "default"));
  }
}

namespace {

/// "optimizer.head.momentum" -> "optimizer.momentum": the key of the first optimizer or average.
std::string key_of_first(const std::string& key) {
  const std::size_t last = key.rfind('.');
  const std::size_t group =
      last == std::string::npos || last == 0 ? std::string::npos : key.rfind('.', last - 1);
  return group == std::string::npos ? std::string() : key.substr(0, group) + key.substr(last);
}

/// Message and hint for a key of a C++ program that is none.
std::pair<std::string, std::string> unknown_key(const std::string& key,
                                                const std::set<std::string, std::less<>>& declared) {
  if (const ReservedKey* reserved = find_reserved(key))
    return {"'" + key + "' is not in this version: " + std::string(reserved->what), ""};
  std::vector<std::string> known(declared.begin(), declared.end());
  for (const KeySpec& spec : key_table())
    known.emplace_back(spec.key);
  const std::string near = runtime::nearest_word(key, known);
  return {"unknown key '" + key + "'",
          near.empty() ? "`tailor recipe --describe` lists every key" : "did you mean '" + near + "'?"};
}
} // namespace

runtime::Status complete(Options& options, const std::set<std::string, std::less<>>& declared) {
  std::vector<std::pair<std::string, Option>> typed_options;
  const std::string& selector = key_name(&runtime::OptimizerKeys::name);
  const Option* name = options.find(selector);
  const bool own_optimizer =
      name && declared.contains(selector) &&
      !Options::check(selector, make_option(*find_key(selector), name->value, name->origin)).ok();
  for (const auto& [key, given] : options) {
    const std::string place = given.origin == "default" ? "" : given.origin + ": error: ";
    const KeySpec* spec = find_key(key);
    const bool is_own = !spec && declared.contains(key);
    if (!spec && !is_own) {
      const auto [message, hint] = unknown_key(key, declared);
      return runtime::Status(runtime::StatusCode::kInvalidArgument, place + message).with_hint(hint);
    }
    if (is_own) spec = find_key(key_of_first(key));
    Option typed = spec ? make_option(*spec, given.value, given.origin) : given;
    if (is_own) typed.only_if.clear(); // it speaks of the first one's choice
    if (own_optimizer && spec && key.starts_with("optimizer.") && declared.contains(key)) {
      typed.only_if.clear(); // it speaks of the table's optimizers
      if (key == selector) typed.limits.choices.clear();
    }
    // A run key that this program's code does without (a momentum of 0) stays a compile key.
    if (given.stage == runtime::OptionStage::kCompile) typed.stage = given.stage;
    // A C++ schedule counts its epochs in doubles.
    if (const double* number = typed.value.as_double(); number && typed.type == runtime::OptionType::kInt &&
                                                        *number == std::floor(*number) &&
                                                        std::abs(*number) < 1e15)
      typed.value = OptionValue(static_cast<std::int64_t>(*number));
    if (runtime::Status status = Options::check(key, typed); !status.ok())
      return runtime::invalid_argument(place, status.message());
    typed_options.emplace_back(key, std::move(typed));
  }
  for (auto& [key, option] : typed_options)
    options.set(key, std::move(option));
  fill_defaults(options);
  return {};
}

} // namespace tailor::recipe
