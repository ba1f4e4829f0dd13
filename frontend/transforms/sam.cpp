#include "frontend/transforms/sam.h"

#include "frontend/graph/function.h"
#include "frontend/graph/trace.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/update.h"

namespace tailor {

namespace {

/// R of SamRadius: rho, or rho times the mean table entry of the batch's labels.
Array radius_of(const SamOptions& options, const Array& rho, Trace& trace, const Location& location) {
  if (options.radius == SamRadius::fixed) return rho;
  if (options.labels.empty())
    throw TraceError("sam", "radius batch_mean needs the labels of the batch", location,
                     "{.radius = SamRadius::batch_mean, .labels = step.batch().label}");
  Array valid = options.valid.empty() ? trace.control("valid", {DType::i32, {}}, location) : options.valid;
  LocationScope scope(location);
  Array scale = masked_mean(take(options.ascent, options.labels), valid);
  return rho * clamp(scale, 0.25, 4.0);
}

SamResult sam_passes(const std::shared_ptr<const Function>& body, const std::vector<Array>& ascent_arguments,
                     const std::vector<Array>& descent_arguments, const SamOptions& options, Trace& trace,
                     const Location& location) {
  std::vector<std::int64_t> wrt = body->parameter_positions();
  if (wrt.empty()) throw TraceError("sam", "the loss reads no trainable parameter", location);
  std::size_t num_arguments = body->arguments.size();
  auto capture_of = [&](std::int64_t position) { return static_cast<std::size_t>(position) - num_arguments; };

  // Ascent at w.
  GradCall ascent = value_and_grad_call(body, ascent_arguments, body->captures, wrt, location);
  std::vector<Array> weights;
  for (std::int64_t position : wrt)
    weights.push_back(body->captures[capture_of(position)]);
  Array norm = global_norm(ascent.gradients, options.adaptive ? weights : std::vector<Array>{}, location);
  Array rho = options.rho.is_literal() ? constant(options.rho.literal()) : options.rho.array();
  std::vector<Array> perturbed = sam_perturb(
      weights, ascent.gradients, norm, radius_of(options, rho, trace, location), options.adaptive, location);

  // Descent at w'. With `both` it continues from the running statistics of the ascent.
  std::vector<Array> captures = body->captures;
  for (std::size_t i = 0; i < wrt.size(); ++i)
    captures[capture_of(wrt[i])] = perturbed[i];
  std::size_t own = body->num_own_results();
  if (options.bn_stats == SamBatchNorm::both)
    for (std::size_t w = 0; w < body->written_states.size(); ++w)
      for (std::size_t c = 0; c < captures.size(); ++c)
        if (body->captured_states[c] == body->written_states[w]) captures[c] = ascent.results[own + w];
  GradCall descent = value_and_grad_call(body, descent_arguments, captures, wrt, location);

  const GradCall& kept = options.bn_stats == SamBatchNorm::first ? ascent : descent;
  write_back(*body, kept.results);

  std::vector<std::pair<std::shared_ptr<const State>, Array>> gradients;
  for (std::size_t i = 0; i < wrt.size(); ++i)
    gradients.emplace_back(body->captured_states[capture_of(wrt[i])], descent.gradients[i]);
  auto aux_of = [&](const GradCall& pass) {
    return std::vector<Array>(pass.results.begin() + 1,
                              pass.results.begin() + static_cast<std::ptrdiff_t>(own));
  };
  return {Gradients(std::move(gradients)),
          descent.results[0],
          ascent.results[0],
          norm,
          aux_of(descent),
          aux_of(ascent)};
}

Array pass_number(int number, const Location& location) {
  return record1("constant", {}, ConstantOptions{{static_cast<double>(number)}}, {DType::i32, {}}, location,
                 "pass");
}

SamResult traced_sam(const std::function<LossAndAux(const std::vector<Array>&)>& loss,
                     const std::vector<Array>& ascent_table, const std::vector<Array>& descent_table,
                     const SamOptions& options, const Location& location) {
  Trace& trace = Trace::require("sam", location);
  TraceFunctionArgs args{.name = "loss", .takes_pass = true, .location = location};
  for (const Array& table : ascent_table) {
    args.argument_types.push_back(table.type());
    args.argument_names.push_back("table");
  }
  auto body = trace_function(args, [&](const std::vector<Array>& arguments) {
    LossAndAux returned = loss(arguments);
    std::vector<Array> results{returned.loss};
    results.insert(results.end(), returned.aux.begin(), returned.aux.end());
    return results;
  });
  std::vector<Array> ascent = ascent_table, descent = descent_table;
  if (body->arguments.size() > ascent.size()) {
    ascent.push_back(pass_number(0, location));
    descent.push_back(options.same_rng ? ascent.back() : pass_number(1, location));
  }
  return sam_passes(body, ascent, descent, options, trace, location);
}

} // namespace

SamResult sam(const std::function<LossAndAux(const Array& table)>& loss, const SamOptions& options,
              const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (options.ascent.empty() || options.descent.empty())
    throw TraceError("sam", "a loss of a table needs an ascent and a descent table", location,
                     "sam(loss, {.ascent = classes.inv_max(), .descent = ones_like(...)})");
  if (!(options.ascent.type() == options.descent.type()))
    throw TraceError("sam",
                     "the ascent table is " + to_string(options.ascent.type()) +
                         " but the descent table is " + to_string(options.descent.type()),
                     location);
  const bool one_table = options.ascent.same_as(options.descent);
  SamOptions of_names = options;
  of_names.ascent = named(options.ascent, one_table ? "class_table" : "ascent_table");
  of_names.descent = one_table ? of_names.ascent : named(options.descent, "descent_table");
  return traced_sam([&](const std::vector<Array>& arguments) { return loss(arguments[0]); },
                    {of_names.ascent}, {of_names.descent}, of_names, location);
}

SamResult sam(const std::function<LossAndAux()>& loss, const SamOptions& options,
              const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (!options.descent.empty() || (!options.ascent.empty() && options.radius == SamRadius::fixed))
    throw TraceError("sam", "the loss takes no table, so the given one would do nothing", location,
                     "[&](const Array& table) { ... } is called with the ascent and the descent table");
  return traced_sam([&](const std::vector<Array>&) { return loss(); }, {}, {}, options, location);
}

} // namespace tailor
