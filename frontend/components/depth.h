#pragma once

#include "frontend/components/keys.h"

#include <cstdint>
#include <string_view>

namespace tailor {

/// The key model.depth of every family of networks that is told apart by its number of layers. It has no default: whoever
/// names a family says which of it.
struct DepthKeys {
  std::int64_t depth = 0; ///< 0: not set

  static const runtime::KeySet<DepthKeys>& keys();
};

/// How many blocks each stage of a family of `step` n + `rest` layers has: n.
/// Errors   TraceError for a depth that is none of the family's, with the nearest ones.
std::int64_t blocks_of_depth(std::string_view family, std::int64_t depth, std::int64_t step,
                             std::int64_t rest);

} // namespace tailor
