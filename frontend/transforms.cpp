#include "frontend/transforms.h"

#include "frontend/function.h"
#include "frontend/ops/elementwise.h"
#include "frontend/trace.h"

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

/// Stores the states a body wrote.
void write_states(const Function& function, const std::vector<Array>& results) {
  Trace* trace = Trace::current();
  for (std::size_t i = 0; i < function.written_states.size(); ++i)
    trace->write(function.written_states[i], results[function.num_own_results() + i]);
}

/// Rounds of a repeat that a draw tells apart: the upper 16 bits of the pass (runtime/base/philox.h).
constexpr int kMaxRounds = 0x7fff;

Array pass_of_round(int round, const Location& location) {
  LocationScope scope(location);
  const Array pass = Trace::require("repeat", location).pass(location);
  return round == 0 ? pass : pass + static_cast<double>(round) * 0x10000;
}

/// The axes that run over the batch, without what is known of padding: a later round may have something else there.
std::vector<BatchRows> axes_only(const std::vector<Array>& arrays) {
  std::vector<BatchRows> rows;
  for (const Array& array : arrays) {
    const BatchRows known = batch_rows(array);
    rows.push_back({.axes = known.axes, .in_order = known.in_order, .count = known.count});
  }
  return rows;
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
  write_states(*function, result.results);
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
  write_states(*function, result.results);
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

std::vector<Array> repeat(int count, const std::function<std::vector<Array>(const std::vector<Array>&)>& f,
                          const std::vector<Array>& carried, const std::source_location& where) {
  const Location location = LocationScope::resolve(make_location(where));
  if (count < 1)
    throw TraceError("repeat", "repeats at least once, not " + std::to_string(count) + " times", location);
  require_usable("repeat", carried, location);
  TraceFunctionArgs args{.name = "round", .takes_pass = true, .is_round = true, .location = location};
  for (const Array& value : carried)
    args.argument_types.push_back(value.type());
  args.argument_rows = axes_only(carried);

  std::shared_ptr<const Function> function;
  for (bool settled = false; !settled;) {
    function = trace_function(args, f);
    if (function->num_own_results() != carried.size())
      throw TraceError("repeat",
                       "the function is given " + std::to_string(carried.size()) + " values and returns " +
                           std::to_string(function->num_own_results()),
                       location);
    for (std::size_t i = 0; i < carried.size(); ++i)
      if (!(function->results[i].type() == carried[i].type()))
        throw TraceError("repeat",
                         "value " + std::to_string(i) + " is " + to_string(carried[i].type()) +
                             " and becomes " + to_string(function->results[i].type()),
                         location, "every round takes what the one before returned");
    // A value that meets the rows of the batch in the first round has them in the next.
    std::vector<BatchRows> rows = axes_only(function->results);
    settled = true;
    for (std::size_t i = 0; i < carried.size(); ++i) {
      BatchRows& known = args.argument_rows[i];
      const BatchRows before = known;
      known.in_order = (known.in_order | ~known.axes) & (rows[i].in_order | ~rows[i].axes);
      known.axes |= rows[i].axes;
      known.in_order &= known.axes;
      known.count = std::max(known.count, rows[i].count);
      settled = settled && known == before;
    }
  }
  const bool draws = function->arguments.size() > carried.size();
  if (draws && Trace::require("repeat", location).in_round())
    throw TraceError(
        "repeat", "random numbers are drawn in a repeat inside the rounds of another, which would draw alike",
        location, "draw them in the outer one");
  if (draws && count > kMaxRounds)
    throw TraceError("repeat",
                     "random numbers are drawn in " + std::to_string(count) + " rounds; a draw tells " +
                         std::to_string(kMaxRounds) + " apart",
                     location);

  std::vector<Array> values = carried, captures = function->captures, results;
  for (int round = 0; round < count; ++round) {
    std::vector<Array> arguments = values;
    if (draws) arguments.push_back(pass_of_round(round, location));
    results = call(function, arguments, captures, location);
    values.assign(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(carried.size()));
    for (std::size_t w = 0; w < function->written_states.size(); ++w)
      for (std::size_t c = 0; c < captures.size(); ++c)
        if (function->captured_states[c] == function->written_states[w])
          captures[c] = results[carried.size() + w];
  }
  write_states(*function, results);
  return values;
}

Array repeat(int count, const std::function<Array(const Array&)>& f, const Array& carried,
             const std::source_location& where) {
  return repeat(
      count, [&](const std::vector<Array>& values) { return std::vector<Array>{f(values[0])}; },
      std::vector<Array>{carried}, where)[0];
}

} // namespace tailor
