#pragma once
#include "runtime/base/status.h"

#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace tailor::runtime {

/// Runs `work`, which returns a Status or a Result. Memory that is not there (std::bad_alloc), a size no
/// container can have (std::length_error) and a thread the system refuses (std::system_error) become
/// kResourceExhausted naming what was being done: `doing` = "training 'fraud'".
template <class Work>
std::invoke_result_t<Work> with_exhaustion_as_status(std::string_view doing, const Work& work) {
  const char* const hint =
      "fewer rows (data.*), classes or a smaller network need less, as does a smaller batch";
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return resource_exhausted(doing, ": out of memory").with_hint(hint);
  } catch (const std::length_error&) {
    return resource_exhausted(doing, ": out of memory, more than a process can address").with_hint(hint);
  } catch (const std::system_error& error) {
    return resource_exhausted(doing, ": ", error.what());
  }
}

} // namespace tailor::runtime
