// Tells the user which clause kept a hand-written loss, or what stands next to a loss, out of the loss op.
#pragma once

#include "passes/analysis/TrainedValues.h"
#include "passes/analysis/TwiceDifferentiated.h"

namespace tailor::passes {

/// One `missed` remark per look-up by label near a softmax that is not a cross-entropy, and per op at a loss that
/// could have been an option of it. Call after the rewrites.
void explainLosses(mlir::Operation* scope, const TrainedValues& trained, const TwiceDifferentiated& twice);

} // namespace tailor::passes
