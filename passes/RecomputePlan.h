// Which values over images every reader computes for itself, and which are written to memory.
#pragma once

#include "ir/Tailor.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace tailor::passes {

/// Decides by memory traffic. A cheap map op over images (a normalisation, relu, mask, add) may be computed again in the
/// loads of every convolution, reduction and map that reads it, which then read what it is made from; or be written
/// once, by a kernel of its own or in the stores of the convolution whose result it is made from. Normalised images
/// come from one value each, so they are never written. The sum behind a shortcut comes from two and has many readers,
/// so it is: that ends every chain.
class RecomputePlan {
public:
  explicit RecomputePlan(mlir::Block& block);

  /// True if each reader computes `value` itself.
  bool isRecomputed(mlir::Value value) const;

  /// The convolution in whose stores the written map op `op` is computed; null if it has a kernel of its own.
  mlir::Operation* hostOf(mlir::Operation* op) const { return hosts_.lookup(op); }

  /// True for the map ops that the plan decides about.
  bool isPlanned(mlir::Operation* op) const;

  /// The kernels' ops that read `value`, directly or through what they recompute.
  llvm::SmallSetVector<mlir::Operation*, 4> readersOf(mlir::Value value) const;

  /// A reader that needs `value` in memory whatever the plan says; null if there is none.
  mlir::Operation* memoryReaderOf(mlir::Value value) const;

private:
  using Ops = llvm::SmallSetVector<mlir::Operation*, 8>;
  using Values = llvm::SmallSetVector<mlir::Value, 8>;

  void collectReaders(mlir::Value value, llvm::SmallSetVector<mlir::Operation*, 4>& readers) const;
  /// The images in memory that `op` reads, and the recomputed ops on the way.
  void collectInputs(mlir::Operation* op, Values& images, Ops& recomputed) const;
  bool isMadeFrom(mlir::Value value, mlir::Value image) const;
  int64_t bytesRead(mlir::Operation* op) const;
  int64_t bytesReadWith(mlir::Operation* op, bool recomputed,
                        const llvm::SmallSetVector<mlir::Operation*, 4>& readers);
  mlir::Operation* findHost(mlir::Operation* op);
  const llvm::BitVector& dependentsOf(mlir::Operation* op);
  bool decide(mlir::Operation* op);
  void placeInStores();

  mlir::Block& block_;
  llvm::SmallVector<mlir::Operation*> ops_;
  llvm::DenseMap<mlir::Operation*, unsigned> position_;
  llvm::DenseSet<mlir::Operation*> recomputed_;
  llvm::DenseMap<mlir::Operation*, mlir::Operation*> hosts_;
  llvm::DenseMap<mlir::Operation*, llvm::BitVector> dependents_;
};

/// True if the kernel of the use's owner can compute the operand itself: element by element, not a matrix or a weight.
bool takesInLoads(mlir::OpOperand& use);

} // namespace tailor::passes
