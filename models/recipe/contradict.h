#pragma once
// What the checks of a recipe share: values as text and number, and a complaint about two keys.

#include "models/recipe/parse.h"
#include "runtime/options/key_set.h"

#include <string>
#include <string_view>

namespace tailor::recipe {

/// A string as it is, another value as JSON; "" for an unset one.
std::string text_of(const Recipe& recipe, std::string_view key);
/// 0 for what is no number.
double number_of(const Recipe& recipe, std::string_view key);

template <class S, class T> std::string text_of(const Recipe& recipe, T S::*member) {
  return text_of(recipe, runtime::key_name(member));
}
template <class S, class T> double number_of(const Recipe& recipe, T S::*member) {
  return number_of(recipe, runtime::key_name(member));
}

/// A contradiction between two keys (or elements of lists, "method.use[1]"): the complaint stands at `key`;
/// the note at `other`, or what its default is.
Diagnostic& contradict(Recipe& recipe, std::string_view key, std::string message, std::string_view other,
                       std::string note, std::string hint);

} // namespace tailor::recipe
