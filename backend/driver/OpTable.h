// Which ops a program had when it was traced and differentiated, and what became of each.
#pragma once

#include "passes/Remarks.h"
#include "runtime/artifact/spec.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::backend {

class OpTable {
public:
  /// Adds every op that has an id and is not in the table yet. Call at `traced` (the user's ops) and at
  /// `differentiated` (their gradients). Where a program records other ops for another batch size, one id is of several:
  /// "tailor.exp or tailor.tanh".
  void add(mlir::ModuleOp module);

  bool empty() const { return rows_.empty(); }
  /// One record per op, by id, and one for every other id in `planned`. An op that none of the launches of
  /// `planned` carries out is explained: by the remark about its line, by the role it has outside of kernels,
  /// or as not needed.
  std::vector<runtime::OpRecord> records(mlir::ModuleOp planned,
                                         const std::vector<passes::Remark>& remarks) const;

private:
  struct Row {
    std::string name;
    std::string location;
    std::vector<passes::SourceLine> lines;
    int64_t vjpOf = -1;
    std::string role; ///< why it is no kernel, for the ops that name memory
  };
  llvm::MapVector<int64_t, Row> rows_;
};

} // namespace tailor::backend
