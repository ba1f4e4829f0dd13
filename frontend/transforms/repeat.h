#pragma once

#include "frontend/graph/array.h"

#include <functional>
#include <vector>

namespace tailor {

/// f(f(... f(carried))), `count` times; f is traced, not run, so it may be as long as it likes without the program
/// being `count` times as long to read. Each round has the results of the one before as its arguments, and what f uses
/// from outside is the same in all; states that f writes (running statistics) go on from round to round.
/// Every round draws random numbers of its own.
///
/// Errors   TraceError when f returns other shapes or types than it is given, when count is below 1, and when a repeat
///          inside the rounds of another draws random numbers: a draw knows one round.
std::vector<Array> repeat(int count, const std::function<std::vector<Array>(const std::vector<Array>&)>& f,
                          const std::vector<Array>& carried,
                          const std::source_location& where = std::source_location::current());
Array repeat(int count, const std::function<Array(const Array&)>& f, const Array& carried,
             const std::source_location& where = std::source_location::current());

} // namespace tailor
