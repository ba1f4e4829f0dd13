#pragma once
#include <span>
#include <string>
#include <string_view>

namespace tailor::runtime {

/// The candidate nearest to `word` by edit distance, the first on a tie; "" when none is near: of three letters one may
/// differ, of a shorter word one in all. Never the word itself. For hints about slips of the hand.
std::string nearest_word(std::string_view word, std::span<const std::string> candidates);

/// "did you mean 'lr'?", or "" when none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// "inv_max, inv_p, effective".
std::string listed(std::span<const std::string> words, std::string_view between = ", ");

} // namespace tailor::runtime
