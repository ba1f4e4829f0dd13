// Partition of a block's ops into fused groups, shared by the fusing passes. A pass decides which groups to
// join; this class knows whether joining is possible (no cycle between groups) and writes the fused ops.
#pragma once

#include "ir/Tailor.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>
#include <optional>

namespace tailor::passes {

class BlockGroups {
public:
  using GroupId = unsigned; ///< position in the block of the group's first op when the block was read

  struct Group {
    llvm::SmallVector<mlir::Operation*, 4> ops; ///< in program order
    std::optional<ir::FusionKind> kind;         ///< none: an op that no group may take
  };

  /// Every op but the terminator is a group of its own, without a kind. Ops with effects keep their order.
  explicit BlockGroups(mlir::Block& block);

  /// The group of an op of this block; none for block arguments and ops of other blocks.
  std::optional<GroupId> groupOf(mlir::Operation* op) const;
  const Group& group(GroupId id) const { return groups_.find(id)->second; }
  void setKind(GroupId id, ir::FusionKind kind) { groups_[id].kind = kind; }
  void dissolve(GroupId id) { groups_[id].kind.reset(); } ///< its ops are written one by one

  /// The groups in order of their first op.
  llvm::SmallVector<GroupId> groups() const;

  /// True if a dependence leads from one of the two groups to the other through a third: they cannot be one
  /// op.
  bool joiningCreatesCycle(GroupId a, GroupId b) const;

  /// Makes one group of kind `kind` from two. Returns its id, the smaller of the two.
  GroupId join(GroupId a, GroupId b, ir::FusionKind kind);

  /// Memory traffic in bytes that vanishes when the group is one kernel: writes of values that nobody outside
  /// needs, reads of values made inside, repeated reads of one operand.
  int64_t bytesSaved(GroupId id) const;

  /// Writes a fused op for every group with a kind and at least two ops. The block's order afterwards
  /// respects all dependences and is otherwise that of the program. `written` is called for each fused op.
  /// Call once, last.
  void materialize(llvm::function_ref<void(ir::FusedOp)> written = [](ir::FusedOp) {});

private:
  llvm::SmallVector<GroupId> successors(GroupId id) const;
  bool reachesAround(GroupId from, GroupId to) const;

  mlir::Block& block_;
  llvm::DenseMap<mlir::Operation*, GroupId> groupOf_;
  llvm::DenseMap<mlir::Operation*, unsigned> position_;
  llvm::DenseMap<mlir::Operation*, llvm::SmallVector<mlir::Operation*, 2>> dependents_;
  std::map<GroupId, Group> groups_;
};

/// Bytes of a value in memory.
int64_t bytesOf(mlir::Value value);

/// Moves `ops` (same block, in an order that respects their dependences) into one fused op in place of the
/// last one. Its results are the values used outside; its location is that of all ops together.
ir::FusedOp wrapInFused(llvm::ArrayRef<mlir::Operation*> ops, ir::FusionKind kind);

} // namespace tailor::passes
