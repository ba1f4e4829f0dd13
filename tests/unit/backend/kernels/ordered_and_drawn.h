#pragma once

#include "tests/conformance/op_case.h"

namespace tailor::backend::testing {

/// Sorts, permutations, draws and statistics of images: what other tests reach through whole programs only.
std::vector<conformance::OpCase> orderedAndDrawnCases();

} // namespace tailor::backend::testing
