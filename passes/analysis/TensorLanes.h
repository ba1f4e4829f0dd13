// The common layout of everything multi-tensor ops work on.
//
// An optimizer step is one flat loop: parameter i, its gradient, its velocity, its perturbed copy and its
// average must lie at the same distance from the start of their regions. A *lane* is that distance: all
// values and states that stand at the same place of the roles of one op share a lane. Lanes that meet in an
// op form a *component*; within it each lane starts at a multiple of 64 bytes, every op's lanes must be neighbours,
// and so must those of each of its segments, in order, the decayed ones first.
#pragma once

#include "passes/analysis/KernelBuffers.h"
#include "passes/analysis/States.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>
#include <vector>

namespace tailor::passes {

/// The tensors behind one buffer of one launch of a multi-tensor kernel.
struct LaunchRole {
  ir::LaunchOp launch;
  KernelBuffer buffer;
  llvm::SmallVector<mlir::Value> values; ///< operands or results of the launch
};

/// The role buffers of a launch; empty unless its kernel is multi_tensor.
llvm::SmallVector<LaunchRole> launchRoles(ir::LaunchOp launch, ir::KernelOp kernel);

class TensorLanes {
public:
  struct Lane {
    unsigned component = 0;
    int64_t offset = 0;   ///< from the start of the component's region, a multiple of 64
    int64_t bytes = 0;    ///< padded to 64
    unsigned segment = 0; ///< of the parameter group; those of one op follow each other
    bool decayed = false;
  };

  /// Reads all launches of the program. A load stands for its state. Fails with an error at a launch whose
  /// roles cannot be laid out: one tensor twice in a role, tensors of different sizes in one lane, lanes that
  /// are not neighbours.
  static mlir::FailureOr<TensorLanes> compute(ir::ProgramOp program);

  /// The lane of a state or a value (of a load that of its state); none if no multi-tensor op touches it.
  const Lane* laneOf(ir::StateOp state) const;
  const Lane* laneOf(mlir::Value value) const;

private:
  unsigned nodeOf(void* key);
  unsigned rootOf(unsigned node);
  mlir::LogicalResult order(llvm::ArrayRef<LaunchRole> roles);
  /// Gives the lanes their offsets, in `order`.
  void place(llvm::ArrayRef<unsigned> order);
  /// A launch whose lanes or segments are torn apart; none if every launch is one flat loop.
  std::optional<ir::LaunchOp> firstTorn(llvm::ArrayRef<LaunchRole> roles) const;
  const Lane* find(void* key) const;
  void* keyOf(mlir::Value value) const;

  States states_;
  llvm::DenseMap<void*, unsigned> nodes_; ///< state op or value -> node
  std::vector<unsigned> parents_;         ///< union-find
  std::vector<unsigned> laneOfNode_;      ///< root node -> index into lanes_
  std::vector<Lane> lanes_;
};

} // namespace tailor::passes
