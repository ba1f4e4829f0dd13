#pragma once

#include "frontend/graph/error.h"

#include <functional>
#include <string>

namespace tailor {

/// what() of the TraceError that `build` throws, or a note that it threw none.
inline std::string error_of(const std::function<void()>& build) {
  try {
    build();
  } catch (const TraceError& error) {
    return error.what();
  }
  return "no error";
}

} // namespace tailor
