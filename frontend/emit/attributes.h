#pragma once

#include "frontend/graph/array.h"

#include <mlir/IR/OperationSupport.h>

namespace tailor::emission {

/// Adds what the dialect keeps in attributes: the node's options and the sizes of its operand and result
/// segments.
void add_attributes(const Node& node, mlir::OperationState& state);

} // namespace tailor::emission
