#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// Rows of cells as aligned columns, two blanks in front of each, nothing behind the last; `right` says which
/// columns stand to the right. Width is counted in characters of UTF-8.
std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right);

} // namespace tailor::runtime
