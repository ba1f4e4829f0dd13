#include "frontend/graph/context.h"

#include "frontend/graph/trace.h"

namespace tailor {

Array Context::rng(const Location& location) const {
  return Trace::require("random", location).control("rng", {DType::i32, {4}}, location);
}

Array Context::pass(const Location& location) const {
  return Trace::require("random", location).pass(location);
}

Array Context::valid(const Location& location) const {
  return Trace::require("valid", location).control("valid", {DType::i32, {}}, location);
}

Array Context::key(const Location& location, std::int64_t view) const {
  return record1("rng_key", {rng(location), pass(location)}, KeyOptions{.stream = 0, .view = view},
                 {DType::i32, {8}}, location, "key");
}

} // namespace tailor
