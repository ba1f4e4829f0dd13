#pragma once
// The methods that `tailor compare` trains, and how their names become settings of a recipe.

#include "models/recipe/parse.h"
#include "runtime/base/result.h"

#include <string>
#include <vector>

namespace tailor::tools {

/// A method to train the recipe with.
struct Candidate {
  std::string name;                  ///< "sam-a+smoothing"
  std::vector<std::string> settings; ///< "key=value" over the recipe; none for the recipe as it is
};

/// What the others are measured against.
inline constexpr const char* kBaseline = "erm";
/// The recipe with the methods it names itself.
inline constexpr const char* kAsWritten = "recipe";

/// What is compared when nobody says what: erm, weighted, logit-adjustment, balanced-sampling, smoothing, sam-a,
/// sam-a+smoothing, recipe.
std::vector<std::string> default_candidates();

/// The candidate `name` of `recipe`: "recipe", or names joined by '+', each a value of method.use (built in or
/// registered) or a sampler: balanced-sampling (data.sampler = class_balanced), sqrt-sampling, effective-sampling,
/// class-aware-sampling.
///
/// A candidate replaces method.use and data.sampler (uniform, if it names no sampler) and takes every other key
/// from the recipe, so that tables and strengths written there hold. The one exception: smoothing is of the profile
/// one_minus_p unless the recipe sets a profile, because uniform smoothing knows no rare class.
///
/// Errors   kInvalidArgument: an unknown name (with those there are), two samplers.
runtime::Result<Candidate> make_candidate(const recipe::Recipe& recipe, const std::string& name);

} // namespace tailor::tools
