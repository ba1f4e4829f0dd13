#pragma once

#include "frontend/graph/error.h"
#include "runtime/options/component.h"
#include "runtime/options/key_set.h"

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

} // namespace tailor
