#include "frontend/emit/graph_emitter.h"

#include "frontend/emit/attributes.h"

#include <algorithm>
#include <unordered_set>

namespace tailor::emission {

namespace {

mlir::Type element_type(DType dtype, mlir::MLIRContext* context) {
  mlir::Builder builder(context);
  switch (dtype) {
  case DType::f32:
    return builder.getF32Type();
  case DType::bf16:
    return builder.getBF16Type();
  case DType::f64:
    return builder.getF64Type();
  case DType::i32:
    return builder.getI32Type();
  case DType::i64:
    return builder.getI64Type();
  case DType::i1:
    return builder.getI1Type();
  case DType::u8:
    return builder.getIntegerType(8, /*isSigned=*/false);
  }
  return builder.getF32Type();
}

std::vector<Array> roots_of(const Entry& entry) {
  std::vector<Array> roots;
  for (const Entry::Named& output : entry.outputs)
    roots.push_back(output.value);
  for (const Entry::Named& report : entry.reports)
    roots.push_back(report.value);
  for (const auto& [state, value] : entry.stores)
    roots.push_back(value);
  return roots;
}

} // namespace

mlir::Location mlir_location(const Location& where, mlir::MLIRContext* context) {
  if (!where.known()) return mlir::UnknownLoc::get(context);
  return mlir::FileLineColLoc::get(context, where.file, where.line, where.column);
}

mlir::RankedTensorType tensor_type(const TensorType& type, mlir::MLIRContext* context) {
  return mlir::RankedTensorType::get(type.shape.extents(), element_type(type.dtype, context));
}

mlir::SymbolRefAttr state_symbol(const State& state, mlir::MLIRContext* context) {
  return mlir::SymbolRefAttr::get(context, state.group, {mlir::FlatSymbolRefAttr::get(context, state.name)});
}

void require_expression(const std::vector<Array>& arrays) {
  std::vector<const Node*> pending;
  std::unordered_set<const Node*> seen;
  auto visit = [&](const Array& array) {
    if (seen.insert(array.node().get()).second) pending.push_back(array.node().get());
  };
  for (const Array& array : arrays)
    visit(array);
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    if (node->op == "load" || node->op == "control_read" || node->op == "input" || node->op == "argument")
      throw TraceError("eval", "the value depends on '" + node->name + "', which only a training program has",
                       node->location);
    for (const Array& input : node->inputs)
      visit(input);
  }
}

void GraphEmitter::emit_entry(const Entry& entry, ir::EntryOp op) {
  mlir::MLIRContext* context = op.getContext();
  mlir::Block& block = op.getBody().front();
  Frame frame{mlir::OpBuilder(context), {}};
  if (block.empty())
    frame.builder.setInsertionPointToEnd(&block);
  else
    frame.builder.setInsertionPoint(block.getTerminator());
  for (const auto& [table, state] : entry.fitted) {
    table_names_[table.node().get()] = state->name;
    frame.values[{table.node().get(), table.result()}] =
        ir::LoadOp::create(frame.builder, mlir_location(state->location, context),
                           tensor_type(state->type, context), state_symbol(*state, context));
  }
  emit_nodes(roots_of(entry), frame, entry.name.substr(entry.entry_name.size()));
  for (const Entry::Named& report : entry.reports)
    ir::ReportOp::create(frame.builder, mlir_location(report.location, context), report.name,
                         value(report.value, frame));
  for (const Entry::Named& output : entry.outputs)
    ir::OutputOp::create(frame.builder, mlir_location(output.location, context), output.name,
                         value(output.value, frame));
  for (const auto& [state, stored] : entry.stores)
    ir::StoreOp::create(frame.builder, mlir_location(stored.node()->location, context), value(stored, frame),
                        state_symbol(*state, context));
  if (block.empty() || !block.back().hasTrait<mlir::OpTrait::IsTerminator>())
    ir::YieldOp::create(frame.builder, op.getLoc(), mlir::ValueRange{});
}

void GraphEmitter::emit_nodes(const std::vector<Array>& roots, Frame& frame, const std::string& suffix) {
  std::vector<const Node*> pending, nodes;
  std::unordered_set<const Node*> seen;
  auto visit = [&](const Array& array) {
    bool known = frame.values.count({array.node().get(), array.result()}) != 0;
    if (!known && seen.insert(array.node().get()).second) pending.push_back(array.node().get());
  };
  for (const Array& root : roots)
    visit(root);
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    nodes.push_back(node);
    for (const Array& input : node->inputs)
      visit(input);
  }
  std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->serial < b->serial; });
  for (const Node* node : nodes)
    emit_node(*node, frame, suffix);
}

void GraphEmitter::emit_node(const Node& node, Frame& frame, const std::string& suffix) {
  mlir::MLIRContext* context = frame.builder.getContext();
  mlir::Location where = mlir_location(node.location, context);
  if (!node.name.empty()) where = mlir::NameLoc::get(mlir::StringAttr::get(context, node.name), where);
  mlir::OperationState state(where, "tailor." + std::string(node.op));
  for (const Array& input : node.inputs)
    state.operands.push_back(value(input, frame));
  for (const TensorType& type : node.results)
    state.types.push_back(tensor_type(type, context));
  add_attributes(node, state);
  if (node.body) {
    mlir::Operation* region_owner = frame.builder.getInsertionBlock()->getParentOp();
    state.addAttribute(
        "callee", mlir::FlatSymbolRefAttr::get(body_of(*node.body, region_owner, suffix).getSymNameAttr()));
  }
  state.addAttribute("op_id", frame.builder.getI64IntegerAttr(op_id_of(node)));
  mlir::Operation* op = frame.builder.create(state);
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    frame.values[{&node, static_cast<int>(i)}] = op->getResult(i);
}

mlir::Value GraphEmitter::value(const Array& array, const Frame& frame) const {
  return frame.values.at({array.node().get(), array.result()});
}

ir::BodyOp GraphEmitter::body_of(const Function& function, mlir::Operation* before,
                                 const std::string& suffix) {
  auto known = bodies_.find(&function);
  if (known != bodies_.end()) return known->second;
  mlir::MLIRContext* context = before->getContext();
  std::vector<Array> arguments = function.arguments;
  arguments.insert(arguments.end(), function.captures.begin(), function.captures.end());
  llvm::SmallVector<mlir::Type> inputs, results;
  llvm::SmallVector<llvm::StringRef> names;
  for (const Array& argument : arguments) {
    inputs.push_back(tensor_type(argument.type(), context));
    auto table = table_names_.find(argument.node().get());
    names.push_back(table != table_names_.end() ? table->second : argument.node()->name);
  }
  for (const Array& result : function.results)
    results.push_back(tensor_type(result.type(), context));
  mlir::OpBuilder builder(before);
  auto body = ir::BodyOp::create(builder, mlir_location(function.location, context),
                                 unique_name(function.name + suffix),
                                 mlir::FunctionType::get(context, inputs, results), names);
  bodies_.emplace(&function, body);
  Frame frame{mlir::OpBuilder(context), {}};
  frame.builder.setInsertionPointToEnd(&body.getBlock());
  for (std::size_t i = 0; i < arguments.size(); ++i)
    frame.values[{arguments[i].node().get(), arguments[i].result()}] =
        body.getBlock().getArgument(static_cast<unsigned>(i));
  emit_nodes(function.results, frame, suffix);
  llvm::SmallVector<mlir::Value> values;
  for (const Array& result : function.results)
    values.push_back(value(result, frame));
  ir::ReturnOp::create(frame.builder, body.getLoc(), values);
  return body;
}

std::string GraphEmitter::unique_name(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 2; mlir::SymbolTable::lookupSymbolIn(program_, name); ++i)
    name = wanted + "_" + std::to_string(i);
  return name;
}

std::int64_t GraphEmitter::op_id_of(const Node& node) {
  if (node.op_id >= 0) return node.op_id;
  auto [found, added] = extra_op_ids_.emplace(&node, next_op_id_);
  if (added) ++next_op_id_;
  return found->second;
}

} // namespace tailor::emission
