#include "runtime/options/memory_keys.h"

namespace tailor::runtime {

const KeySet<MemoryKeys>& MemoryKeys::keys() {
  static const KeySet<MemoryKeys> set{
      "data.",
      {key("memory", &MemoryKeys::memory,
           {.stage = kCompiled,
            .text = "name of the rows that a C++ program holds (data::in_memory)",
            .unset = true})}};
  return set;
}

} // namespace tailor::runtime
