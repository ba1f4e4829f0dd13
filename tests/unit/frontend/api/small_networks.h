#pragma once

#include "tailor/tailor.h"

namespace tailor {

/// Two linear networks that differ in their outputs only.
struct Net : nn::Module {
  nn::Linear fc{2, 3};
  Net() { add("fc", fc); }
};
struct Wide : nn::Module {
  nn::Linear fc{2, 4};
  Wide() { add("fc", fc); }
};

} // namespace tailor
