#include "frontend/graph/function.h"

#include "frontend/graph/fitted.h"
#include "frontend/graph/trace.h"

#include <algorithm>
#include <set>
#include <unordered_set>

namespace tailor {

namespace {

/// Decides what is part of a body: what was recorded in its trace, except tables of fitted state, which are
/// the same for every batch and are passed in. Constants and broadcasts over rows are never passed; each user
/// writes its own.
class Membership {
public:
  explicit Membership(std::uint64_t scope) : scope_(scope) {}
  bool inside(const Array& array) {
    if (array.node()->op == "constant") return array.node()->scope == scope_;
    if (FittedTables::is_spread(*array.node())) return true;
    return array.node()->scope == scope_ && !tables_.is_table(array);
  }
  bool captured(const Array& array) { return array.node()->op != "constant" && !inside(array); }

private:
  std::uint64_t scope_;
  FittedTables tables_;
};

/// Nodes of the body that `roots` need, in order of recording.
std::vector<const Node*> nodes_of(Membership& members, const std::vector<Array>& roots) {
  std::vector<const Node*> found, pending;
  std::unordered_set<const Node*> seen;
  auto visit = [&](const Array& array) {
    if (members.inside(array) && seen.insert(array.node().get()).second)
      pending.push_back(array.node().get());
  };
  for (const Array& root : roots)
    visit(root);
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    found.push_back(node);
    for (const Array& input : node->inputs)
      visit(input);
  }
  std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) { return a->serial < b->serial; });
  return found;
}

bool contains(const std::vector<Array>& arrays, const Array& array) {
  return std::any_of(arrays.begin(), arrays.end(), [&](const Array& other) { return other.same_as(array); });
}

std::vector<TensorType> types_of(const std::vector<Array>& arrays) {
  std::vector<TensorType> types;
  for (const Array& array : arrays)
    types.push_back(array.type());
  return types;
}

/// Records a call. Captures are not checked: a table of fitted state may come from inside the body.
std::shared_ptr<const Node> record_call(NodeArgs args) {
  Trace* trace = Trace::current();
  return record_in(trace ? trace->scope() : 0, std::move(args));
}

std::vector<Array> checked_operands(std::string_view op, const Function& function,
                                    const std::vector<Array>& arguments, const std::vector<Array>& captures,
                                    const Location& location) {
  if (arguments.size() != function.arguments.size())
    throw TraceError(std::string(op),
                     "body '" + function.name + "' takes " + std::to_string(function.arguments.size()) +
                         " arguments but " + std::to_string(arguments.size()) + " are given",
                     location);
  require_usable(op, arguments, location);
  std::vector<Array> operands = arguments;
  operands.insert(operands.end(), captures.begin(), captures.end());
  std::vector<Array> expected = function.arguments;
  expected.insert(expected.end(), function.captures.begin(), function.captures.end());
  for (std::size_t i = 0; i < operands.size(); ++i)
    if (!(operands[i].type() == expected[i].type()))
      throw TraceError(std::string(op),
                       "argument " + std::to_string(i) + " of body '" + function.name + "' is " +
                           to_string(expected[i].type()) + " but " + to_string(operands[i].type()) +
                           " is given",
                       location);
  return operands;
}

std::vector<Array> results_of(const std::shared_ptr<const Node>& node, std::size_t first, std::size_t count) {
  std::vector<Array> arrays;
  for (std::size_t i = 0; i < count; ++i)
    arrays.emplace_back(node, static_cast<int>(first + i));
  return arrays;
}

} // namespace

std::vector<std::int64_t> Function::parameter_positions() const {
  std::vector<bool> reached(captures.size());
  std::vector<Array> pending;
  std::set<std::pair<const Node*, int>> seen;
  auto visit = [&](const Array& array) {
    if (is_float(array.dtype()) && seen.emplace(array.node().get(), array.result()).second)
      pending.push_back(array);
  };
  if (!results.empty()) visit(results.front());
  while (!pending.empty()) {
    const Array array = pending.back();
    pending.pop_back();
    const auto capture = std::find_if(captures.begin(), captures.end(),
                                      [&](const Array& other) { return other.same_as(array); });
    if (capture != captures.end())
      reached[static_cast<std::size_t>(capture - captures.begin())] = true;
    else if (array.node()->op != "stop_gradient")
      for (const Array& input : array.node()->inputs)
        visit(input);
  }
  const Trace* trace = Trace::current();
  std::vector<std::int64_t> positions;
  for (std::size_t i = 0; i < captures.size(); ++i)
    if (reached[i] && captured_states[i] && captured_states[i]->role == State::Role::parameter &&
        !(trace && trace->frozen(*captured_states[i])))
      positions.push_back(static_cast<std::int64_t>(arguments.size() + i));
  return positions;
}

std::shared_ptr<const Function>
trace_function(const TraceFunctionArgs& args,
               const std::function<std::vector<Array>(const std::vector<Array>& arguments)>& body) {
  auto function = std::make_shared<Function>();
  function->name = args.name;
  function->location = args.location;
  Trace trace(Trace::Kind::body);
  auto placeholder = [&](const TensorType& type, const std::string& name, const BatchRows& rows = {}) {
    return Array(record({.op = "argument",
                         .inputs = {},
                         .options = NameOptions{name},
                         .results = {type},
                         .location = args.location,
                         .name = name,
                         .batch_rows = {rows}}),
                 0);
  };
  for (std::size_t i = 0; i < args.argument_types.size(); ++i)
    function->arguments.push_back(
        placeholder(args.argument_types[i],
                    i < args.argument_names.size() ? args.argument_names[i] : "x" + std::to_string(i),
                    i < args.argument_rows.size() ? args.argument_rows[i] : BatchRows()));
  Array pass;
  if (args.takes_pass) {
    pass = placeholder({DType::i32, {}}, "pass");
    trace.set_pass(pass);
  }

  if (args.is_round) trace.set_round();

  function->results = body(function->arguments);
  for (const auto& [state, value] : trace.writes()) {
    function->written_states.push_back(state);
    function->results.push_back(value);
  }
  for (const Array& result : function->results)
    if (result.empty()) throw TraceError(args.name, "the body returns an empty array", args.location);

  std::vector<Array>& captures = function->captures;
  Membership members(trace.scope());
  auto capture = [&](const Array& array) {
    if (members.captured(array) && !contains(captures, array)) captures.push_back(array);
  };
  bool uses_pass = false;
  for (const Node* node : nodes_of(members, function->results)) {
    for (const Array& input : node->inputs)
      capture(input);
    uses_pass = uses_pass || (args.takes_pass && node == pass.node().get());
  }
  for (const Array& result : function->results)
    capture(result);
  if (uses_pass) function->arguments.push_back(pass);

  for (const Array& captured : captures) {
    std::shared_ptr<const State> state;
    for (const auto& [read_state, value] : trace.reads())
      if (value.same_as(captured)) state = read_state;
    function->captured_states.push_back(state);
  }
  return function;
}

std::vector<Array> call(const std::shared_ptr<const Function>& function, const std::vector<Array>& arguments,
                        const std::vector<Array>& captures, const Location& location) {
  auto node = record_call({.op = "call",
                           .inputs = checked_operands("call", *function, arguments, captures, location),
                           .results = types_of(function->results),
                           .location = location,
                           .body = function});
  return results_of(node, 0, function->results.size());
}

void write_back(const Function& function, const std::vector<Array>& results) {
  Trace* trace = Trace::current();
  for (std::size_t i = 0; i < function.written_states.size(); ++i)
    trace->write(function.written_states[i], results[function.num_own_results() + i]);
}

GradCall value_and_grad_call(const std::shared_ptr<const Function>& function,
                             const std::vector<Array>& arguments, const std::vector<Array>& captures,
                             const std::vector<std::int64_t>& wrt, const Location& location) {
  if (function->results.empty() || function->results[0].rank() != 0 ||
      !is_float(function->results[0].dtype()))
    throw TraceError("value_and_grad",
                     "the first result must be a floating-point scalar, not " +
                         (function->results.empty() ? "nothing" : to_string(function->results[0].type())),
                     location, "reduce the loss first, for example with masked_mean(loss, batch.valid)");
  std::vector<Array> operands = checked_operands("value_and_grad", *function, arguments, captures, location);
  std::vector<TensorType> results = types_of(function->results);
  for (std::int64_t position : wrt) {
    const TensorType& type = operands[static_cast<std::size_t>(position)].type();
    if (!is_float(type.dtype))
      throw TraceError("value_and_grad",
                       "argument " + std::to_string(position) + " is " + to_string(type) +
                           " and has no gradient; only floating-point arguments have one",
                       location);
    results.push_back(type);
  }
  auto node = record_call({.op = "value_and_grad",
                           .inputs = std::move(operands),
                           .options = GradOptions{wrt},
                           .results = std::move(results),
                           .location = location,
                           .body = function});
  std::size_t own = function->results.size();
  return {results_of(node, 0, own), results_of(node, own, wrt.size())};
}

} // namespace tailor
