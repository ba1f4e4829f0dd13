// Which bodies have a gradient that is differentiated again.
#pragma once

#include "llvm/ADT/DenseSet.h"

#include "ir/Tailor.h"

namespace tailor::passes {

/// A gradient penalty differentiates a body that holds the gradient of another. Of that other body every backward op
/// needs a derivative itself; the ones of losses and norms (`softmax_cross_entropy_grad`) have none, so Differentiate
/// takes those apart first (DecomposableOpInterface), and what is written out there stays written out.
class TwiceDifferentiated {
public:
  /// Follows calls from the bodies that some value_and_grad differentiates.
  explicit TwiceDifferentiated(mlir::Operation* scope);

  /// True if `op` is in a body whose gradient, by the way of all calls, is differentiated.
  bool contains(mlir::Operation* op) const { return contains(op->getParentOfType<ir::BodyOp>()); }
  bool contains(ir::BodyOp body) const { return bodies_.contains(body); }

private:
  llvm::DenseSet<mlir::Operation*> bodies_;
};

} // namespace tailor::passes
