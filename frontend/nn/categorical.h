#pragma once

#include "frontend/graph/array.h"

#include <cstdint>
#include <vector>

namespace tailor::nn {

/// One-hot of every column side by side: codes [N, columns] i32 -> f32 [N, sum of sizes]. Sizes count the
/// codes of a column, the code of unknown values included (methods.md 11.1).
Array one_hot_columns(const Operand& codes, const std::vector<std::int64_t>& sizes);

} // namespace tailor::nn
