#include "frontend/graph/array.h"

#include "frontend/graph/trace.h"

#include <atomic>
#include <utility>

namespace tailor {

namespace {

std::atomic<std::uint64_t> next_serial{0};

Evaluator& evaluator() {
  static Evaluator instance;
  return instance;
}

void check_input(std::string_view op, const Array& input, const Location& location) {
  if (input.empty())
    throw TraceError(std::string(op), "an operand is an empty array", location,
                     "an Array made by its default constructor holds no value");
  const Node& node = *input.node();
  if (node.op == "missing")
    throw TraceError(std::string(op), std::get<NameOptions>(node.options).name, location);
  if (node.scope == 0) return;
  Trace* trace = Trace::current();
  if (trace && trace->sees(node.scope)) return;
  throw TraceError(
      std::string(op),
      "operand " + to_string(input.type()) + " made at " + to_string(node.location) +
          " belongs to a function that has ended",
      location,
      "return it from the function; beside a loss in LossAndAux{loss, {value}}, to find it in `aux`");
}

std::vector<std::vector<double>> evaluated(const std::vector<Array>& arrays, const Location& location) {
  require_usable("eval", arrays, location);
  if (!evaluator())
    throw TraceError("eval", "no evaluator is linked", location,
                     "build the program with tailor_program() of CMake, or call register_services() first");
  return evaluator()(arrays);
}

} // namespace

const TensorType& Array::type() const {
  if (!node_) throw TraceError("array", "an empty array has no type", {});
  if (node_->op == "missing")
    throw TraceError("array", std::get<NameOptions>(node_->options).name, node_->location);
  return node_->results[static_cast<std::size_t>(result_)];
}

std::vector<double> Array::eval() const {
  if (empty()) throw TraceError("eval", "an empty array has no value", {});
  return evaluated({*this}, node_->location).front();
}

std::vector<std::vector<double>> eval(const std::vector<Array>& arrays, const std::source_location& where) {
  if (arrays.empty()) return {};
  return evaluated(arrays, LocationScope::resolve(make_location(where)));
}

Node::~Node() {
  // A long chain would otherwise destroy itself recursively, one stack frame per op.
  std::vector<std::shared_ptr<const Node>> pending;
  auto take = [&](std::vector<Array>& inputs) {
    for (Array& input : inputs) {
      std::shared_ptr<const Node> node = input.node();
      input = Array();
      if (node && node.use_count() == 1) pending.push_back(std::move(node));
    }
  };
  take(inputs);
  while (!pending.empty()) {
    std::shared_ptr<const Node> node = std::move(pending.back());
    pending.pop_back();
    // The last owner may take the inputs: nobody else can see the node any more.
    take(const_cast<Node&>(*node).inputs);
  }
}

std::shared_ptr<const Node> record_in(std::uint64_t scope, NodeArgs args) {
  auto node = std::make_shared<Node>();
  node->op = args.op;
  node->inputs = std::move(args.inputs);
  node->options = std::move(args.options);
  node->results = std::move(args.results);
  node->location = args.location;
  node->name = std::move(args.name);
  node->body = std::move(args.body);
  for (const TensorType& type : node->results)
    for (std::int64_t extent : type.shape.extents())
      if (extent < 1)
        throw TraceError(std::string(node->op), to_string(type) + " has an extent below 1", node->location);
  node->batch_rows = args.batch_rows.empty() ? infer_batch_rows(*node) : std::move(args.batch_rows);
  node->serial = ++next_serial;
  node->op_id = scope ? OpIds::next() : -1;
  node->scope = scope;
  return node;
}

void require_usable(std::string_view op, const std::vector<Array>& inputs, const Location& location) {
  for (const Array& input : inputs)
    check_input(op, input, location);
}

std::shared_ptr<const Node> record(NodeArgs args) {
  require_usable(args.op, args.inputs, args.location);
  Trace* trace = Trace::current();
  return record_in(trace ? trace->scope() : 0, std::move(args));
}

Array record1(std::string_view op, std::vector<Array> inputs, OpOptions options, TensorType result,
              const Location& location, std::string name) {
  return Array(record({.op = op,
                       .inputs = std::move(inputs),
                       .options = std::move(options),
                       .results = {std::move(result)},
                       .location = location,
                       .name = std::move(name)}),
               0);
}

Array named(const Array& array, std::string name) {
  if (array.empty() || !array.node()->name.empty() || array.node()->results.size() != 1) return array;
  const Node& node = *array.node();
  auto copy = std::make_shared<Node>();
  copy->op = node.op;
  copy->inputs = node.inputs;
  copy->options = node.options;
  copy->results = node.results;
  copy->batch_rows = node.batch_rows;
  copy->location = node.location;
  copy->name = std::move(name);
  copy->body = node.body;
  copy->serial = node.serial;
  copy->op_id = node.op_id;
  copy->scope = node.scope;
  return Array(std::move(copy), 0);
}

void register_evaluator(Evaluator evaluate) {
  evaluator() = std::move(evaluate);
}

} // namespace tailor
