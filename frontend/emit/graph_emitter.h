#pragma once

#include "frontend/graph/function.h"
#include "frontend/traced_program.h"
#include "ir/Tailor.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tailor::emission {

/// FileLineColLoc, or an unknown location.
mlir::Location mlir_location(const Location& where, mlir::MLIRContext* context);
mlir::RankedTensorType tensor_type(const TensorType& type, mlir::MLIRContext* context);
/// @group::@"name".
mlir::SymbolRefAttr state_symbol(const State& state, mlir::MLIRContext* context);
/// TraceError if an array depends on something that only a training program has.
void require_expression(const std::vector<Array>& arrays);

/// Writes recorded graphs as ops of the dialect. Nodes come out in the order they were recorded, so a dump
/// reads like the source; a body is written once, before the first entry that calls it.
class GraphEmitter {
public:
  /// `first_free_op_id`: for nodes recorded outside the program's trace.
  GraphEmitter(ir::ProgramOp program, std::int64_t first_free_op_id)
      : program_(program), next_op_id_(first_free_op_id) {}

  /// Fills `op`, whose region is empty.
  void emit_entry(const Entry& entry, ir::EntryOp op);

private:
  using Key = std::pair<const Node*, int>;
  /// One region being written: where, and which values exist in it.
  struct Frame {
    mlir::OpBuilder builder;
    std::map<Key, mlir::Value> values;
  };

  /// Ops for everything `roots` need that `frame` does not have yet.
  void emit_nodes(const std::vector<Array>& roots, Frame& frame, const std::string& suffix);
  void emit_node(const Node& node, Frame& frame, const std::string& suffix);
  mlir::Value value(const Array& array, const Frame& frame) const;
  /// The tailor.body of a function; `before`: the op in front of which it is written if it is new.
  ir::BodyOp body_of(const Function& function, mlir::Operation* before, const std::string& suffix);
  std::string unique_name(const std::string& wanted);
  std::int64_t op_id_of(const Node& node);

  ir::ProgramOp program_;
  std::int64_t next_op_id_;
  std::unordered_map<const Function*, ir::BodyOp> bodies_;
  std::unordered_map<const Node*, std::int64_t> extra_op_ids_;
  std::unordered_map<const Node*, std::string> table_names_; ///< of the fitted state that holds a table
};

} // namespace tailor::emission
