#pragma once

#include "frontend/graph/array.h"
#include "frontend/graph/state.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tailor {

/// A traced body: a pure function of its arguments and of what it captured.
///
/// The user's callable runs ONCE with placeholder arguments. Values made outside that it used (states, batch
/// inputs, control fields, tables) are its captures; each call may replace them, which is how SAM evaluates
/// one body at w and at w'. Results: the callable's own, then one per state the body wrote.
class Function {
public:
  std::string name; ///< "loss"
  Location location;
  std::vector<Array> arguments; ///< placeholders (op "argument")
  std::vector<Array> captures;  ///< values of enclosing traces, in order of first use
  std::vector<Array> results;
  /// captured_states[i] is the state captures[i] was read from, or null.
  std::vector<std::shared_ptr<const State>> captured_states;
  /// results[results.size() - written_states.size() + i] is the new value of written_states[i].
  std::vector<std::shared_ptr<const State>> written_states;

  std::size_t num_own_results() const { return results.size() - written_states.size(); }
  /// Positions (in arguments, then captures) of the captured parameters that the first result depends on, frozen ones
  /// left out. One that is behind a stop_gradient is not: it has no gradient, so that an update leaves it as it is, its
  /// decay included.
  std::vector<std::int64_t> parameter_positions() const;
};

struct TraceFunctionArgs {
  std::string name = "loss";
  std::vector<TensorType> argument_types = {};
  std::vector<BatchRows> argument_rows = {}; ///< which axes run over the batch; shorter: none
  std::vector<std::string> argument_names = {};
  /// The body is called several times with its own random numbers: adds a last argument `pass` (i32 scalar)
  /// when the body draws any.
  bool takes_pass = false;
  bool is_round = false; ///< the body of a repeat
  Location location;
};
/// Runs `body` once. Must be called inside a Trace or at top level (pure functions of arrays).
std::shared_ptr<const Function>
trace_function(const TraceFunctionArgs& args,
               const std::function<std::vector<Array>(const std::vector<Array>& arguments)>& body);

/// call @name(arguments, captures).
std::vector<Array> call(const std::shared_ptr<const Function>& function, const std::vector<Array>& arguments,
                        const std::vector<Array>& captures, const Location& location);
/// The states that the body wrote take their values among the results of a call, in the current trace.
void write_back(const Function& function, const std::vector<Array>& results);

/// value_and_grad @name(arguments, captures) wrt(positions): the results, then one gradient per position.
/// TraceError when the first result is not a floating-point scalar or a position is not floating point.
struct GradCall {
  std::vector<Array> results;
  std::vector<Array> gradients;
};
GradCall value_and_grad_call(const std::shared_ptr<const Function>& function,
                             const std::vector<Array>& arguments, const std::vector<Array>& captures,
                             const std::vector<std::int64_t>& wrt, const Location& location);

} // namespace tailor
