// What the user calls the parts of a block, for remarks: layers by the names of their parameters, the body or entry.
#pragma once

#include "ir/Tailor.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

#include <string>

namespace tailor::passes {

class LayerNames {
public:
  /// Of the ops that `block` has now.
  explicit LayerNames(mlir::Block& block);

  /// "fc0: " or "fc0, fc1: ", the layers whose parameters the ops, or the ops they are the gradients of, read.
  std::string prefixOf(llvm::ArrayRef<mlir::Operation*> ops) const;

  /// ", in train_step"
  std::string suffix() const;

private:
  using Layers = llvm::SmallSetVector<llvm::StringRef, 4>;

  void addLayers(mlir::Operation* op, Layers& layers) const;
  llvm::StringRef parameterOf(mlir::Value value) const;

  mlir::Block& block_;
  llvm::DenseMap<int64_t, mlir::Operation*> byId_;
};

} // namespace tailor::passes
