#pragma once
#include "runtime/options/key_set.h"

#include <string>

namespace tailor::runtime {

struct MemoryKeys {
  std::string memory;

  static const KeySet<MemoryKeys>& keys();
};

} // namespace tailor::runtime
