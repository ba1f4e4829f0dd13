#include "frontend/transforms/value_and_grad.h"

#include "frontend/graph/function.h"
#include "frontend/graph/trace.h"
#include "frontend/ops/elementwise.h"

#include <algorithm>

namespace tailor {

namespace {

std::vector<Array> results_of(LossAndAux returned) {
  std::vector<Array> results{std::move(returned.loss)};
  results.insert(results.end(), returned.aux.begin(), returned.aux.end());
  return results;
}

std::vector<Array> aux_of(const Function& function, const std::vector<Array>& results) {
  return {results.begin() + 1, results.begin() + static_cast<std::ptrdiff_t>(function.num_own_results())};
}

} // namespace

LossAndGradients value_and_grad(const std::function<LossAndAux()>& loss, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  Trace::require("value_and_grad", location);
  auto function = trace_function({.name = "loss", .location = location},
                                 [&](const std::vector<Array>&) { return results_of(loss()); });
  std::vector<std::int64_t> wrt = function->parameter_positions();
  if (wrt.empty()) throw TraceError("value_and_grad", "the loss reads no trainable parameter", location);
  GradCall result = value_and_grad_call(function, {}, function->captures, wrt, location);
  write_back(*function, result.results);
  std::vector<std::pair<std::shared_ptr<const State>, Array>> gradients;
  for (std::size_t i = 0; i < wrt.size(); ++i)
    gradients.emplace_back(
        function->captured_states[static_cast<std::size_t>(wrt[i]) - function->arguments.size()],
        result.gradients[i]);
  return {result.results[0], Gradients(std::move(gradients)), aux_of(*function, result.results)};
}

ValueAndGradients value_and_grad(const std::function<LossAndAux(const std::vector<Array>&)>& body,
                                 const std::vector<Array>& arguments, const std::vector<int>& wrt,
                                 const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  TraceFunctionArgs args{.name = "function", .location = location};
  require_usable("value_and_grad", arguments, location);
  for (const Array& argument : arguments) {
    args.argument_types.push_back(argument.type());
    args.argument_rows.push_back(batch_rows(argument));
  }
  auto function =
      trace_function(args, [&](const std::vector<Array>& inputs) { return results_of(body(inputs)); });
  if (wrt.empty())
    throw TraceError("value_and_grad", "there is no argument to differentiate with respect to", location);
  std::vector<std::int64_t> positions;    // each once
  std::vector<std::size_t> place_of_each; // of wrt, in positions
  for (int position : wrt) {
    if (position < 0 || static_cast<std::size_t>(position) >= arguments.size())
      throw TraceError("value_and_grad",
                       "argument " + std::to_string(position) + " does not exist; the function has " +
                           std::to_string(arguments.size()),
                       location);
    const auto found = std::find(positions.begin(), positions.end(), position);
    place_of_each.push_back(static_cast<std::size_t>(found - positions.begin()));
    if (found == positions.end()) positions.push_back(position);
  }
  GradCall result = value_and_grad_call(function, arguments, function->captures, positions, location);
  write_back(*function, result.results);
  ValueAndGradients all{result.results[0], {}, aux_of(*function, result.results)};
  for (std::size_t place : place_of_each)
    all.gradients.push_back(result.gradients[place]);
  return all;
}

std::vector<Array> grad(const std::function<LossAndAux(const std::vector<Array>&)>& function,
                        const std::vector<Array>& arguments, const std::vector<int>& wrt,
                        const std::source_location& where) {
  return value_and_grad(function, arguments, wrt, where).gradients;
}

Array grad(const std::function<LossAndAux(const Array&)>& function, const Array& argument,
           const std::source_location& where) {
  return grad([&](const std::vector<Array>& x) { return function(x[0]); }, {argument}, {0}, where)[0];
}

} // namespace tailor
