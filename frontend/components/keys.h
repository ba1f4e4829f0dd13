#pragma once

#include "frontend/graph/error.h"
#include "runtime/options/component.h"
#include "runtime/options/key_set.h"

#include <vector>

namespace tailor {

using runtime::Registered;

/// The keys of a component as their struct. They were checked when the recipe was read: what is wrong with them now is
/// a mistake of the component.
/// Errors   TraceError
template <class Keys> Keys component_keys(const runtime::Options& options) {
  runtime::Result<Keys> keys = runtime::read_keys<Keys>(options);
  if (!keys.ok()) throw TraceError("keys", keys.status().message(), {});
  return *std::move(keys);
}

/// The keys of several structs, for a component that reads them all.
template <class... Keys> std::vector<runtime::KeySpec> all_keys() {
  std::vector<runtime::KeySpec> all;
  const auto append = [&](const std::vector<runtime::KeySpec>& specs) {
    all.insert(all.end(), specs.begin(), specs.end());
  };
  (append(Keys::keys().specs()), ...);
  return all;
}

} // namespace tailor
