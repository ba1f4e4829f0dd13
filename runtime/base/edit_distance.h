#pragma once
#include <cstddef>
#include <string_view>

namespace tailor::runtime {

/// Letters to insert, delete, replace, or swap with their neighbour to make `a` of `b` (optimal string
/// alignment): how far a misspelt name is from a known one. Words longer than 200 letters are as far as they
/// are long: they are no slips of the hand, and the cost is the product of the lengths.
std::size_t edit_distance(std::string_view a, std::string_view b);

} // namespace tailor::runtime
