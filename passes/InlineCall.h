// Replacing one call by the ops of the called body.
#pragma once

#include "ir/Tailor.h"

namespace tailor::passes {

/// Copies the ops of `callee` before `call`, with the call's arguments for the body's, and erases the call.
/// Ops keep their own locations and ids; `callee` is not changed.
void replaceCall(ir::CallOp call, ir::BodyOp callee);

} // namespace tailor::passes
