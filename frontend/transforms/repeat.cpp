#include "frontend/transforms/repeat.h"

#include "frontend/graph/function.h"
#include "frontend/graph/trace.h"
#include "frontend/ops/elementwise.h"

#include <algorithm>

namespace tailor {

namespace {

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
  write_back(*function, results);
  return values;
}

Array repeat(int count, const std::function<Array(const Array&)>& f, const Array& carried,
             const std::source_location& where) {
  return repeat(
      count, [&](const std::vector<Array>& values) { return std::vector<Array>{f(values[0])}; },
      std::vector<Array>{carried}, where)[0];
}

} // namespace tailor
