#pragma once

#include "frontend/graph/array.h"

#include <iosfwd>
#include <string>

namespace tailor {

/// The type of an array and its values, computed now, as numpy would show them:
///
///   f32[2, 3]
///   [[  1,   2,   3],
///    [0.5, 1e-9, -4]]
///
/// Six digits; of more than 1000 values the first and last three along every axis. A value of a step has none before
/// the program runs: of it only the type and the place where it was made are shown.
/// Errors   those of Array::eval.
std::string to_string(const Array& array);
std::ostream& operator<<(std::ostream& out, const Array& array);

} // namespace tailor
