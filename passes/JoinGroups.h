// Which two groups may become one kernel: the rules of architecture.md section 5 about kinds and domains, on
// top of BlockGroups, which knows about cycles.
#pragma once

#include "passes/analysis/Groups.h"
#include "passes/Grouping.h"

namespace tailor::passes {

/// Why two groups stay apart.
enum class JoinVerdict {
  unrelated, ///< no rule joins these kinds
  domain,    ///< they run over different rows and columns, or exchange a value other than lane by lane
  cycle,     ///< a third kernel stands between them
  size,      ///< the kernel would hold too many ops
  joined,    ///< they do not
};

class GroupJoiner {
public:
  /// Gives a copy of every cheap op (broadcast, constant, mask) to each of its users that can hold one, so
  /// that such values are never stored, then starts with one group per op, of the kind that the op alone has.
  explicit GroupJoiner(mlir::Block& block);

  BlockGroups& groups() { return groups_; }

  /// Joins two groups, one of which reads results of the other, or which read the same values, if the rules
  /// allow.
  JoinVerdict tryJoin(BlockGroups::GroupId a, BlockGroups::GroupId b);

  /// What tryJoin would answer.
  JoinVerdict verdict(BlockGroups::GroupId a, BlockGroups::GroupId b) const { return plan(a, b).verdict; }

  /// The groups whose results `op` reads, nearest last, each once; `op`'s own group excluded.
  llvm::SmallVector<BlockGroups::GroupId> producersOf(mlir::Operation* op) const;

  /// Number of ops that are not cheap copies.
  unsigned numWorkingOps(BlockGroups::GroupId id) const;

  /// Bytes of traffic saved by the group.
  int64_t bytesSaved(BlockGroups::GroupId id) const { return groups_.bytesSaved(id); }

  /// Writes the fused ops; see BlockGroups::materialize. Copies of one value within a group become one.
  void materialize();

private:
  struct Edge {
    Layout written, read;
  };

  /// How two groups would become one; only the verdict, if they cannot.
  struct Join {
    JoinVerdict verdict;
    BlockGroups::GroupId from = 0, to = 0;
    ir::FusionKind kind = ir::FusionKind::Single;
    Domain domain = {};
    std::optional<std::pair<BlockGroups::GroupId, Layout>> change = std::nullopt; ///< relabel this group
  };

  Join plan(BlockGroups::GroupId a, BlockGroups::GroupId b) const;

  void copyLeavesToUsers(mlir::Block& block);
  llvm::SmallVector<Edge> edges(BlockGroups::GroupId from, BlockGroups::GroupId to) const;
  std::optional<ir::FusionKind> joinedKind(BlockGroups::GroupId from, BlockGroups::GroupId to) const;
  Layout layoutOf(mlir::Operation* op, Layout alone) const;
  void relabel(BlockGroups::GroupId id, Layout layout);

  BlockGroups groups_;
  std::map<BlockGroups::GroupId, Domain> domains_;
  llvm::DenseMap<mlir::Operation*, Layout> relabelled_; ///< ops over vectors inside a group over a matrix
};

} // namespace tailor::passes
