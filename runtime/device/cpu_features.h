#pragma once
#include "runtime/base/status.h"

#include <string>
#include <vector>

namespace tailor::runtime {

/// Whether this machine (CPU and operating system) has every instruction set of `features`, LLVM names.
/// Errors   kIncompatible listing what is missing; kIncompatible for a name this runtime cannot test,
///          because code that may use unknown instructions must not be started.
Status check_host_features(const std::vector<std::string>& features);

} // namespace tailor::runtime
