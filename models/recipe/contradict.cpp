#include "models/recipe/contradict.h"

namespace tailor::recipe {

std::string text_of(const Recipe& recipe, std::string_view key) {
  const Option* option = recipe.options.find(key);
  if (!option || option->value.is_null()) return {};
  const std::string* text = option->value.as_string();
  return text ? *text : option->value.to_json();
}

double number_of(const Recipe& recipe, std::string_view key) {
  const Option* option = recipe.options.find(key);
  return option ? option->value.as_number().value_or(0) : 0;
}

Diagnostic& contradict(Recipe& recipe, std::string_view key, std::string message, std::string_view other,
                       std::string note, std::string hint) {
  const Place second = recipe.place(other);
  if (!second.known()) {
    const std::string value = text_of(recipe, other);
    note = std::string(other) + " is not set" +
           (value.empty() ? "" : "; its default is " + recipe.options.find(other)->value.to_json());
  }
  Diagnostic& complaint = recipe.error(key, std::move(message), std::move(hint));
  complaint.notes.push_back({second, std::move(note)});
  return complaint;
}

} // namespace tailor::recipe
