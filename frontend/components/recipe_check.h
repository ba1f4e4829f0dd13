#pragma once

#include "runtime/options/double_correction.h"
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tailor {

enum class Part : std::uint8_t;

/// What the check of a component sees of a recipe, and how it complains.
class RecipeCheck {
public:
  virtual ~RecipeCheck() = default;
  virtual const runtime::Options& options() const = 0;
  /// A file or the command line set it.
  virtual bool is_set(std::string_view key) const = 0;
  virtual bool uses(std::string_view method) const = 0;
  /// The method that gives `part`; "" if none does.
  virtual std::string giver_of(Part part) const = 0;
  /// The place in method.use where `method` stands, as contradict() takes it.
  virtual std::string place_of(std::string_view method) const = 0;
  /// The sampler of the recipe if it draws rows of rare classes more often than there are; else "".
  virtual std::string sampler_of_rare_rows() const = 0;
  /// What is allowed and may not be meant, said at `key`.
  virtual void note(std::string_view key, std::string message) = 0;
  /// A complaint at `key`.
  virtual void refuse(std::string_view key, std::string message, std::string hint) = 0;
  /// A contradiction: the complaint stands at `key`, a note at `other`.
  virtual void contradict(std::string_view key, std::string message, std::string_view other, std::string note,
                          std::string hint) = 0;
};

/// Notes that class weights of `method` and the sampler correct the frequencies of the classes twice; `key` is the
/// method's key that says that this is meant (runtime::kTwice).
inline void note_double_correction(RecipeCheck& recipe, std::string_view method, const std::string& key) {
  if (const std::string sampler = recipe.sampler_of_rare_rows(); !sampler.empty())
    recipe.note(recipe.place_of(method), runtime::double_correction_text(method, sampler, key));
}

} // namespace tailor
