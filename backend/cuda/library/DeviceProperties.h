#pragma once
/// What cuDNN must know of a GPU to plan for it where there is none.

#include "llvm/ADT/StringRef.h"

#include <string>

namespace tailor::backend::cuda {

/// The properties, as cuDNN's JSON, of the device that stands for an architecture: A100 for sm_80, H200 for sm_90, B200 for
/// sm_100. Empty for another architecture. None was read from a device.
std::string devicePropertiesOf(llvm::StringRef architecture);

} // namespace tailor::backend::cuda
