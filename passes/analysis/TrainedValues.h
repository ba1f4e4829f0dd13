// Which values need a gradient: those that depend on an argument some value_and_grad differentiates.
#pragma once

#include "llvm/ADT/DenseSet.h"

#include "ir/Tailor.h"

namespace tailor::passes {

/// A table of the loss gets no gradient, so a value that is trained cannot become one.
class TrainedValues {
public:
  /// Follows trained values through calls: an argument is trained if any caller passes a trained value.
  explicit TrainedValues(mlir::Operation* scope);

  /// True if `value` is computed from a trained argument other than through stop_gradient.
  bool contains(mlir::Value value) const;

private:
  llvm::DenseSet<mlir::Value> arguments_; ///< of bodies
};

} // namespace tailor::passes
