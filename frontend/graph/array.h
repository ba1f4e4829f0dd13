#pragma once

#include "frontend/graph/batch_rows.h"
#include "frontend/graph/error.h"
#include "frontend/graph/op_options.h"
#include "frontend/graph/shape.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tailor {

class Function;
struct Node;

/// One result of a recorded op. An Array computes nothing: it is a shared handle on a node of the graph that
/// a TrainingProgram gathers and the compiler reads. Copying is cheap and shares the node.
class Array {
public:
  /// Empty: belongs to no graph; using it in an op is a TraceError.
  Array() = default;
  Array(std::shared_ptr<const Node> node, int result) : node_(std::move(node)), result_(result) {}

  bool empty() const { return node_ == nullptr; }
  const TensorType& type() const;
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  int rank() const { return shape().rank(); }

  const std::shared_ptr<const Node>& node() const { return node_; }
  int result() const { return result_; }
  /// The same value (not: equal content).
  bool same_as(const Array& other) const { return node_ == other.node_ && result_ == other.result_; }

  /// Computes the value now, with the compiler and executor that are linked (backend/driver registers them).
  /// Row-major, converted to double. Fails with TraceError when no evaluator is linked, and when the array
  /// depends on something only a training program has (a batch, a control field, state).
  std::vector<double> eval() const;

private:
  std::shared_ptr<const Node> node_;
  int result_ = 0;
};

/// A recorded op. Immutable once built.
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node(); ///< releases long chains without recursion

  std::string_view op; ///< mnemonic in the dialect, "softmax_cross_entropy"; a string literal
  std::vector<Array> inputs;
  OpOptions options;
  std::vector<TensorType> results;
  std::vector<BatchRows> batch_rows; ///< of the results; empty: none runs over the rows of a batch
  Location location;
  std::string name;                     ///< what the user calls it; becomes the SSA name
  std::shared_ptr<const Function> body; ///< call, value_and_grad
  std::uint64_t serial = 0;             ///< order of recording in this process
  std::int64_t op_id = -1;              ///< identity of the op across all passes; assigned when traced
  std::uint64_t scope = 0; ///< the trace it was recorded in (frontend/graph/trace.h); 0 outside any
};

/// An operand of an op: an array or a number, with the place where it was written. Functions take Operand so
/// that `relu(x)` records the caller's file:line:column without a macro. A number has no type of its own: it
/// becomes a constant of the type of the array it meets.
class Operand {
public:
  Operand(const Array& array, const std::source_location& where = std::source_location::current())
      : array_(array), location_(LocationScope::resolve(make_location(where))) {}
  Operand(double literal, const std::source_location& where = std::source_location::current())
      : literal_(literal), is_literal_(true), location_(LocationScope::resolve(make_location(where))) {}
  Operand(const Array& array, const Location& location) : array_(array), location_(location) {}

  bool is_literal() const { return is_literal_; }
  double literal() const { return literal_; }
  const Array& array() const { return array_; }
  const Location& location() const { return location_; }

private:
  Array array_;
  double literal_ = 0;
  bool is_literal_ = false;
  Location location_;
};

/// Records one op in the current trace. Used by the op builders, which check shapes; this checks that every
/// input exists and belongs to the current trace or one around it.
struct NodeArgs {
  std::string_view op;
  std::vector<Array> inputs;
  OpOptions options = NoOptions{};
  std::vector<TensorType> results;
  Location location;
  std::string name = "";
  std::shared_ptr<const Function> body = nullptr;
  std::vector<BatchRows> batch_rows = {}; ///< of an argument; of other ops they follow from the operands
};
std::shared_ptr<const Node> record(NodeArgs args);
/// Without the check, into trace `scope`: reads of an entry from inside a body, calls with their captures.
std::shared_ptr<const Node> record_in(std::uint64_t scope, NodeArgs args);
/// The check alone: TraceError when an input is empty, missing or of a trace that has ended.
void require_usable(std::string_view op, const std::vector<Array>& inputs, const Location& location);
/// record for an op with one result.
Array record1(std::string_view op, std::vector<Array> inputs, OpOptions options, TensorType result,
              const Location& location, std::string name = "");
/// The same op under a name, which dumps and states derived from it carry. An array that has a name keeps it.
Array named(const Array& array, std::string name);

/// The values of several arrays; what they share is computed once. Otherwise as Array::eval.
std::vector<std::vector<double>> eval(const std::vector<Array>& arrays,
                                      const std::source_location& where = std::source_location::current());

/// What Array::eval calls. Registered by backend/driver when it is linked.
using Evaluator = std::function<std::vector<std::vector<double>>(const std::vector<Array>&)>;
void register_evaluator(Evaluator evaluator);

} // namespace tailor
