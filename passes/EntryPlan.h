// The memory plan of one entry: what PlanMemory asks for every entry of a program.
#pragma once

#include "passes/analysis/States.h"
#include "passes/analysis/TensorLanes.h"
#include "passes/PlanMemory.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <vector>

namespace tailor::passes {

using Position = int64_t; ///< of an op in its entry

/// A reshape that PlanMemory put in to move bytes: source and destination are different places.
bool isCopy(mlir::Operation* op);

/// What is common to all entries of a program.
struct ProgramPlan {
  explicit ProgramPlan(ir::ProgramOp program) : program(program), symbols(program), states(program) {}

  ir::KernelOp kernelOf(ir::LaunchOp launch) const {
    return symbols.lookup<ir::KernelOp>(launch.getKernel());
  }

  ir::ProgramOp program;
  mlir::SymbolTable symbols;
  States states;
  TensorLanes lanes;
  llvm::DenseMap<mlir::Operation*, int64_t> stateOffsets;
  llvm::DenseMap<mlir::Operation*, int64_t> controlOffsets;
  llvm::StringMap<int64_t> metricOffsets;
  std::map<std::pair<const void*, const void*>, int64_t> constantOffsets;
  /// Blocks for the regions of multi-tensor roles, by component and span. Nothing else lives there, because
  /// their padding stays zero.
  std::map<std::tuple<unsigned, int64_t, int64_t>, std::vector<int64_t>> regionBlocks;
  MemorySizes sizes;
  int64_t arenaReserved = 0; ///< region blocks, at the start of the arena
};

/// Values of one entry that lie in the arena with the distances of their lanes.
struct Column {
  llvm::SmallVector<mlir::Value> values;
  unsigned component = 0;
  int64_t low = 0, high = 0; ///< of the lanes
  Position first = 0, last = 0;
  int64_t block = -1; ///< index into ProgramPlan::regionBlocks
};

/// Decides the places of one entry's values.
class EntryPlan {
public:
  EntryPlan(ProgramPlan& plan, ir::EntryOp entry, bool reuse);

  /// Fails with an error at a `repeat`.
  mlir::LogicalResult decide();

  /// After all entries decided, so that the region blocks have their offsets. The bytes of the arena that this entry
  /// needs, region blocks included.
  int64_t place();

  /// True if the value lies in the arena by itself: not in a state, a row or a region. After decide().
  bool hasOwnPlace(mlir::Value value) const { return livesInArena(value) && !columnOf_.contains(value); }

private:
  Position positionOf(mlir::Operation* op) const { return positions_.lookup(op); }
  ir::StateOp stateOf(mlir::SymbolRefAttr name) const { return plan_.states[name]; }
  Position lastUseOf(mlir::Value value) const;
  bool mayWriteInPlace(ir::StoreOp store, ir::LaunchOp launch, unsigned result);
  void writeStatesInPlace();
  void chooseLoads();
  void reportInPlace();
  void formColumns();
  void colourColumns();
  bool livesInArena(mlir::Value value) const;

  ProgramPlan& plan_;
  ir::EntryOp entry_;
  bool reuse_;
  llvm::DenseMap<mlir::Operation*, Position> positions_;
  /// Who reads and who writes each state, in program order.
  llvm::DenseMap<mlir::Operation*, llvm::SmallVector<ir::LoadOp, 1>> loadsOf_;
  llvm::DenseMap<mlir::Operation*, llvm::SmallVector<ir::StoreOp, 1>> storesOf_;
  llvm::DenseMap<mlir::Value, ir::StateOp> inPlace_; ///< launch results written straight into a state
  llvm::DenseMap<mlir::Value, ir::ReportOp>
      reported_;                                 ///< launch results written straight into the metrics row
  llvm::DenseSet<mlir::Operation*> copiedLoads_; ///< loads whose state is overwritten before their last use
  std::vector<Column> columns_;
  llvm::DenseMap<mlir::Value, unsigned> columnOf_;
  llvm::DenseMap<mlir::Value, ir::BufferAttr> buffers_;
};

} // namespace tailor::passes
