#pragma once
#include "runtime/options/key_set.h"

#include <source_location>

namespace tailor::runtime {

/// How often a value changes.
enum class Period { kEpoch, kStep };
template <> struct Words<Period> {
  static constexpr std::pair<Period, const char*> kAll[] = {{Period::kEpoch, "epoch"},
                                                            {Period::kStep, "step"}};
};

/// The key `per`, which several schedules share: all declare it through this.
template <class S> KeyField<S> period_key(Period S::*member) {
  return key("per", member, {.text = "how often the value changes", .source = "methods 4.3"});
}

} // namespace tailor::runtime
