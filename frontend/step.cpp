#include "frontend/normalised_images.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/program.h"
#include "frontend/program_tracer.h"
#include "runtime/base/entry_names.h"
#include "runtime/base/glob.h"
#include "runtime/base/status.h"
#include "runtime/options/program_keys.h"

#include <algorithm>
#include <cmath>

namespace tailor {

namespace {

using runtime::OptionStage;
using runtime::OptionValue;

/// A field the data plan does not have: using it says so. Random ops draw by their op id, so a field that batches did not
/// always have takes none where it is missing (`scope` 0), or programs without it would draw otherwise.
Array missing(const std::string& field, std::uint64_t scope) {
  NameOptions message{"the batch has no " + field + ": the data plan has no such input"};
  return Array(record_in(scope, {.op = "missing",
                                 .inputs = {},
                                 .options = std::move(message),
                                 .results = {TensorType()},
                                 .location = {}}),
               0);
}

DType dtype_of(runtime::DType dtype) {
  switch (dtype) {
  case runtime::DType::kF32:
    return DType::f32;
  case runtime::DType::kBF16:
    return DType::bf16;
  case runtime::DType::kF64:
    return DType::f64;
  case runtime::DType::kI32:
    return DType::i32;
  case runtime::DType::kI64:
    return DType::i64;
  case runtime::DType::kI1:
    return DType::i1;
  case runtime::DType::kU8:
    return DType::u8;
  }
  detail::fail("batch", "unknown dtype of an input", Location());
}

Batch make_batch(const data::Schema& schema, std::int64_t rows, const Location& location) {
  Trace& trace = Trace::require("batch", location);
  const std::vector<runtime::InputColumn> columns = schema.inputs();
  auto input = [&](std::string_view name) {
    const auto found = std::find_if(columns.begin(), columns.end(),
                                    [&](const runtime::InputColumn& column) { return column.name == name; });
    if (found == columns.end())
      return missing(std::string(name), name == runtime::input_names::kRowWeight ? 0 : trace.scope());
    std::vector<std::int64_t> shape = {rows};
    shape.insert(shape.end(), found->row_shape.begin(), found->row_shape.end());
    return trace.input(found->name, {dtype_of(found->dtype), Shape(std::move(shape))}, location);
  };
  namespace names = runtime::input_names;
  Batch batch;
  batch.image = input(names::kImage);
  if (!schema.image_mean.empty()) batch.image = normalised_images(batch.image, schema, location);
  batch.numeric = input(names::kNumeric);
  batch.category = input(names::kCategory);
  batch.label = input(names::kLabel);
  batch.index = input(names::kIndex);
  batch.row_weight = input(names::kRowWeight);
  batch.valid = trace.control("valid", {DType::i32, {}}, location);
  return batch;
}

const std::string& rate_key() {
  return runtime::key_name(&runtime::OptimizerKeys::lr);
}

} // namespace

EntryScope::EntryScope(ProgramTracer& tracer, Entry& entry, Context context)
    : tracer_(tracer), entry_(entry), context_(context), batch_size_(entry.batch),
      batch_(make_batch(tracer.schema(), entry.batch, entry.location)) {}

ClassStats EntryScope::classes(const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  return ClassStats(Trace::require("classes", location).read(tracer_.class_counts(), location),
                    tracer_.schema().class_names);
}

Array EntryScope::control(const std::string& name, double value, const std::string& key,
                          const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (name.empty()) detail::fail("control", "a control field needs a name", location);
  if (!std::isfinite(value))
    detail::fail("control", runtime::concat("'", name, "' is ", value, ", not a finite number"), location);
  std::string option = key.empty() ? "control." + name : key;
  tracer_.default_option(option, value, OptionStage::kRun, location);
  // The rate may have a schedule by option, schedule.name; a number is a constant one.
  const bool is_rate = option == rate_key();
  if (is_rate)
    tracer_.default_option(schedule_prefix(option) + ".name", "constant", OptionStage::kRun, location);
  require_clock(name, is_rate, location);
  return is_rate ? tracer_.scheduled(name, option, location) : tracer_.number(name, option, location);
}

Array EntryScope::control(const std::string& name, const Schedule& schedule,
                          const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (name.empty()) detail::fail("control", "a control field needs a name", location);
  require_clock(name, true, location);
  if (const std::string problem = problem_of(schedule); !problem.empty())
    detail::fail("control", "the schedule of '" + name + "' " + problem, location);
  std::string option = name == "lr" ? rate_key() : "control." + name;
  std::string prefix = schedule_prefix(option) + ".";
  auto set = [&](const std::string& key, OptionValue value) {
    tracer_.default_option(key, std::move(value), OptionStage::kRun, location);
  };
  set(option, schedule.peak);
  for (auto& [key, value] : options_of(schedule))
    set(prefix + key, std::move(value));
  return tracer_.scheduled(name, option, location);
}

void EntryScope::require_clock(const std::string& name, bool scheduled, const Location& location) const {
  if (scheduled && entry_.kind == Entry::Kind::eval)
    detail::fail("control", "'" + name + "' has a schedule, and evaluation has no place in one", location,
                 "control(name, value) with a number of its own is the same in every evaluation");
}

Array Step::epoch_row(const std::string& name, const RowStarts& starts, const std::string& key,
                      const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  auto refuse = [&](const std::string& message, const std::string& hint = "") {
    detail::fail("epoch_row", message, location, hint);
  };
  if (name.empty()) refuse("a control field needs a name");
  if (starts.epochs.empty() == starts.fractions.empty())
    refuse("'" + name + "' needs epochs or fractions of the run at which its rows begin, one of them",
           "epoch_row(\"" + name + "\", {.fractions = {0.8}})");
  for (std::size_t i = 0; i < starts.epochs.size(); ++i)
    if (starts.epochs[i] < 1 || (i > 0 && starts.epochs[i] <= starts.epochs[i - 1]))
      refuse(runtime::concat("'", name, "' has a row from epoch ", starts.epochs[i],
                             "; rows begin at ascending epochs from 1 (row 0 is there from epoch 0)"));
  for (std::size_t i = 0; i < starts.fractions.size(); ++i)
    if (!(starts.fractions[i] > 0 && starts.fractions[i] <= 1) ||
        (i > 0 && starts.fractions[i] <= starts.fractions[i - 1]))
      refuse(runtime::concat("'", name, "' has a row from ", starts.fractions[i],
                             " of the run; rows begin at ascending fractions above 0 and at most 1 (never)"));
  const std::string option = key.empty() ? "control." + name : key;
  OptionValue::List list(starts.epochs.begin(), starts.epochs.end());
  list.insert(list.end(), starts.fractions.begin(), starts.fractions.end());
  tracer_.default_option(option, std::move(list), OptionStage::kRun, location);
  if (!starts.fractions.empty()) tracer_.may_have(runtime::epochs_key(option));
  return tracer_.control({.name = name,
                          .type = {DType::i32, {}},
                          .key = option,
                          .location = location,
                          .source = starts.epochs.empty() ? ControlField::Source::fraction_row
                                                          : ControlField::Source::epoch_row});
}

Array Step::random_uniform(const std::string& name, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (name.empty()) detail::fail("random_uniform", "a control field needs a name", location);
  return tracer_.control({.name = name,
                          .type = {DType::f32, {}},
                          .key = "",
                          .location = location,
                          .source = ControlField::Source::random_uniform});
}

Array Step::random_beta(const std::string& name, double alpha, const std::string& key,
                        const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (name.empty()) detail::fail("random_beta", "a control field needs a name", location);
  if (!(alpha > 0 && std::isfinite(alpha)))
    detail::fail("random_beta",
                 runtime::concat("'", name, "' has the parameter ", alpha, ", which must be above 0"),
                 location);
  const std::string option = key.empty() ? "control." + name : key;
  tracer_.default_option(option, alpha, OptionStage::kRun, location);
  tracer_.require_positive(option);
  return tracer_.control({.name = name,
                          .type = {DType::f32, {}},
                          .key = option,
                          .location = location,
                          .source = ControlField::Source::random_beta});
}

void Step::report(const std::string& name, const Operand& value) {
  Array scalar = detail::value_of(value);
  if (name.empty()) detail::fail("report", "a report needs a name", value.location());
  detail::require_rank("report", "'" + name + "'", scalar, 0, value.location());
  if (scalar.dtype() == DType::i1 || scalar.dtype() == DType::bf16)
    detail::fail("report", "'" + name + "' is " + to_string(scalar.type()) + ", which the log does not hold",
                 value.location(), "report cast(x, DType::f32)");
  if (runtime::is_count_report(name))
    detail::fail("report", "'" + name + "' has the ending of what counts a report", value.location(),
                 "step.count_report says of which rows a report is");
  for (const Entry::Named& known : entry_.reports)
    if (known.name == name)
      throw TraceError("report", "'" + name + "' is reported twice", value.location(),
                       "the first is at " + to_string(known.location));
  entry_.reports.push_back({name, scalar, value.location()});
}

bool Step::reports(std::string_view name) const {
  return std::any_of(entry_.reports.begin(), entry_.reports.end(),
                     [&](const Entry::Named& known) { return known.name == name; });
}

void Step::count_report(const std::string& name, const Operand& share) {
  Array scalar = detail::value_of(share);
  detail::require_type("report", "the count of '" + name + "'", scalar, {DType::f32, {}}, share.location());
  if (!reports(name)) detail::fail("report", "'" + name + "' is counted and not reported", share.location());
  const std::string count = runtime::count_report_name(name);
  if (reports(count)) detail::fail("report", "'" + name + "' is counted twice", share.location());
  entry_.reports.push_back({count, scalar, share.location()});
}

Array Step::rate(const Operand& lr) {
  if (lr.is_literal())
    detail::require_between("update", "the learning rate", lr.literal(), 0, optim::Update::kLargest,
                            lr.location());
  Array value = detail::value_of(lr);
  if (!entry_.rate) entry_.rate = {"lr", value, lr.location()}; // the log shows that of the first update
  return value;
}

void Step::freeze(const nn::Module& net, const std::vector<std::string>& patterns,
                  const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  Trace& trace = Trace::require("freeze", location);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : net.tensors())
    names.push_back(name);
  for (const std::string& pattern : patterns) {
    bool matched = false;
    for (const auto& [name, tensor] : net.tensors())
      if (runtime::matches_glob(pattern, name)) {
        trace.freeze(tensor->state());
        matched = true;
      }
    if (!matched)
      detail::fail("freeze", "'" + pattern + "' matches no tensor of the module", location,
                   optim::nearest_names(pattern, names));
  }
}

void Step::update(nn::Module& net, optim::Optimizer& optimizer, const Gradients& gradients,
                  const Operand& lr) {
  optim::Update update({.recorder = tracer_,
                        .counted = counted_,
                        .net = net,
                        .optimizer = optimizer,
                        .gradients = gradients,
                        .rate = [&] { return rate(lr); },
                        .valid = batch().valid,
                        .location = lr.location()});
  optimizer.record(update);
  update.finish();
  entry_.counted = counted_;
}

void Step::update(optim::Ema& ema, nn::Module& net, const std::source_location& where) {
  ema.record(tracer_, net, batch().valid, LocationScope::resolve(make_location(where)));
}

void Eval::logits(const Operand& logits) {
  Array value = detail::value_of(logits);
  bool rows = value.rank() == 1 || value.rank() == 2;
  if (!rows || value.shape()[0] != batch_size() || !is_float(value.dtype()))
    detail::fail("logits",
                 "expects one row of logits per sample of the batch of " + std::to_string(batch_size()) +
                     ", not " + to_string(value.type()),
                 logits.location());
  std::int64_t classes = tracer_.schema().num_classes;
  if (value.rank() == 2 ? value.shape()[1] != classes : classes != 2)
    detail::fail("logits", to_string(value.type()) + " does not fit " + std::to_string(classes) + " classes",
                 logits.location());
  add_output("logits", value, logits.location());
}

void Eval::add_output(const char* name, const Array& value, const Location& location) {
  for (const Entry::Named& known : entry_.outputs)
    if (known.name == name)
      detail::fail(name, "they are given twice in one evaluation", location,
                   "the first are at " + to_string(known.location));
  entry_.outputs.push_back({name, value, location});
}

void Eval::features(const Operand& features) {
  Array value = detail::value_of(features);
  if (value.rank() != 2 || value.shape()[0] != batch_size() || !is_float(value.dtype()))
    detail::fail("features",
                 "expects one floating-point row per sample of the batch of " + std::to_string(batch_size()) +
                     ", not " + to_string(value.type()),
                 features.location());
  add_output("features", value, features.location());
}

} // namespace tailor
