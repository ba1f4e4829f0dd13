#pragma once
#include "runtime/base/options.h"

#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// A method that weighs classes by their counts has a key of this name, method.NAME.twice, whose truth says that a
/// sampler beside it which favours rare rows is meant (methods.md 3).
inline constexpr const char* kTwice = "twice";

/// What is said where the class weights of `method` and `sampler` meet; `key` is the method's key above.
std::string double_correction_text(std::string_view method, std::string_view sampler, std::string_view key);

/// The same for every method of method.use among `options` whose key says no, and has an effect.
std::vector<std::string> double_corrections(const Options& options, std::string_view sampler);

} // namespace tailor::runtime
