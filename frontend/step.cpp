#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/update.h"
#include "frontend/program.h"
#include "frontend/program_tracer.h"
#include "runtime/base/status.h"

#include <cmath>
#include <limits>

namespace tailor {

namespace {

using runtime::OptionStage;
using runtime::OptionValue;

/// A field the data plan does not have: using it says so.
Array missing(const std::string& field) {
  return record1("missing", {},
                 NameOptions{"the batch has no " + field + ": the data plan has no such input"}, {}, {});
}

Batch make_batch(const data::Schema& schema, std::int64_t rows, const Location& location) {
  Trace& trace = Trace::require("batch", location);
  auto input = [&](const char* name, bool present, DType dtype, Shape shape) {
    return present ? trace.input(name, {dtype, std::move(shape)}, location) : missing(name);
  };
  Batch batch;
  batch.image = input("image", schema.image_height > 0, DType::f32,
                      {rows, schema.image_height, schema.image_width, schema.image_channels});
  batch.numeric = input("numeric", schema.num_numeric() > 0, DType::f32, {rows, schema.num_numeric()});
  batch.category = input("category", schema.num_category() > 0, DType::i32, {rows, schema.num_category()});
  batch.label = input("label", true, DType::i32, {rows});
  batch.index = input("index", true, DType::i32, {rows});
  batch.valid = trace.control("valid", {DType::i32, {}}, location);
  return batch;
}

/// Parameters of the module that have a gradient, in the module's order, with their gradients.
struct Trained {
  std::vector<std::shared_ptr<const State>> states;
  std::vector<Array> weights, gradients;
};

Trained trained(const nn::Module& net, const Gradients& gradients, const Location& location) {
  Trace& trace = Trace::require("update", location);
  Trained result;
  for (const auto& [name, tensor] : net.tensors()) {
    Array gradient = gradients.find(*tensor->state());
    if (gradient.empty()) continue;
    result.states.push_back(tensor->state());
    result.weights.push_back(trace.read(tensor->state(), location));
    result.gradients.push_back(gradient);
  }
  if (result.states.empty())
    throw TraceError("update", "the gradients hold no parameter of this module", location);
  return result;
}

std::vector<bool> decayed(const Trained& parameters, optim::DecayFilter filter) {
  std::vector<bool> flags;
  for (const auto& state : parameters.states)
    flags.push_back(filter == optim::DecayFilter::all || !state->norm_or_bias);
  return flags;
}

/// Declares a slot for every parameter of the module (so that slots are laid out like parameters) and reads
/// those of the trained ones.
std::vector<Array> read_slots(optim::SlotGroup& slots, const nn::Module& net, const Trained& parameters,
                              const Location& location) {
  for (const auto& [name, tensor] : net.tensors())
    if (tensor->state()->role == State::Role::parameter)
      slots.slot(tensor->state(), InitRule::zeros(), location);
  Trace& trace = Trace::require("update", location);
  std::vector<Array> values;
  for (const auto& state : parameters.states)
    values.push_back(trace.read(slots.slot(state, InitRule::zeros(), location), location));
  return values;
}

void write_slots(optim::SlotGroup& slots, const Trained& parameters, const std::vector<Array>& values,
                 const Location& location) {
  Trace& trace = Trace::require("update", location);
  for (std::size_t i = 0; i < values.size(); ++i)
    trace.write(slots.slot(parameters.states[i], InitRule::zeros(), location), values[i]);
}

void write_weights(const Trained& parameters, const std::vector<Array>& values, const Location& location) {
  Trace& trace = Trace::require("update", location);
  for (std::size_t i = 0; i < values.size(); ++i)
    trace.write(parameters.states[i], values[i]);
}

Array f32_scalar(const Operand& value) {
  return detail::value_of(value);
}

constexpr double kLargest = std::numeric_limits<double>::max();
constexpr const char* kRateKey = "optimizer.lr";
constexpr const char* kAverageKey = "method.ema.decay";

void check_range(const char* what, double value, double low, double high, const Location& location) {
  if (!(value >= low && value <= high))
    detail::fail("update",
                 high == kLargest
                     ? runtime::concat(what, " must be a number of at least ", low, ", not ", value)
                     : runtime::concat(what, " must be in [", low, ", ", high, "], not ", value),
                 location);
}

const char* filter_name(optim::DecayFilter filter) {
  return filter == optim::DecayFilter::all ? "all" : "no_norm_bias";
}

} // namespace

EntryScope::EntryScope(ProgramTracer& tracer, Entry& entry, Context context)
    : tracer_(tracer), entry_(entry), context_(context), batch_size_(entry.batch),
      batch_(make_batch(tracer.schema(), entry.batch, entry.location)) {}

ClassStats EntryScope::classes(const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  return ClassStats(Trace::require("classes", location).read(tracer_.class_counts(), location));
}

Array EntryScope::control(const std::string& name, double value, const std::string& key,
                          const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (name.empty()) detail::fail("control", "a control field needs a name", location);
  if (!std::isfinite(value))
    detail::fail("control", runtime::concat("'", name, "' is ", value, ", not a finite number"), location);
  std::string option = key.empty() ? "control." + name : key;
  tracer_.default_option(option, value, OptionStage::kRun, location);
  // The loop evaluates these two as they may change, which a number does only when an option says so.
  const bool is_rate = option == kRateKey, is_average = option == kAverageKey;
  if (is_rate)
    tracer_.default_option(schedule_prefix(option) + ".name", "constant", OptionStage::kRun, location);
  if (is_average) tracer_.default_option("method.ema.warmup", false, OptionStage::kCompile, location);
  const bool scheduled = is_rate || is_average;
  require_clock(name, scheduled, location);
  return tracer_.control(name, option, scheduled, location);
}

Array EntryScope::control(const std::string& name, const Schedule& schedule,
                          const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (name.empty()) detail::fail("control", "a control field needs a name", location);
  require_clock(name, true, location);
  if (const std::string problem = problem_of(schedule); !problem.empty())
    detail::fail("control", "the schedule of '" + name + "' " + problem, location);
  std::string option = name == "lr" ? kRateKey : "control." + name;
  std::string prefix = schedule_prefix(option) + ".";
  auto set = [&](const std::string& key, OptionValue value) {
    tracer_.default_option(key, std::move(value), OptionStage::kRun, location);
  };
  set(option, schedule.peak);
  for (auto& [key, value] : options_of(schedule))
    set(prefix + key, std::move(value));
  return tracer_.control(name, option, true, location);
}

void EntryScope::require_clock(const std::string& name, bool scheduled, const Location& location) const {
  if (scheduled && entry_.kind == Entry::Kind::eval)
    detail::fail("control", "'" + name + "' has a schedule, and evaluation has no place in one", location,
                 "control(name, value) with a number of its own is the same in every evaluation");
}

void Step::report(const std::string& name, const Operand& value) {
  Array scalar = detail::value_of(value);
  if (name.empty()) detail::fail("report", "a report needs a name", value.location());
  detail::require_rank("report", "'" + name + "'", scalar, 0, value.location());
  if (scalar.dtype() == DType::i1 || scalar.dtype() == DType::bf16)
    detail::fail("report", "'" + name + "' is " + to_string(scalar.type()) + ", which the log does not hold",
                 value.location(), "report cast(x, DType::f32)");
  for (const Entry::Named& known : entry_.reports)
    if (known.name == name)
      throw TraceError("report", "'" + name + "' is reported twice", value.location(),
                       "the first is at " + to_string(known.location));
  entry_.reports.push_back({name, scalar, value.location()});
}

Array Step::rate(const Operand& lr) {
  if (lr.is_literal()) check_range("the learning rate", lr.literal(), 0, kLargest, lr.location());
  Array value = f32_scalar(lr);
  // The log shows the rate of the first update: from its field, else as a report.
  if (!rate_noted_ && !tracer_.is_learning_rate(value)) entry_.rate = {"lr", value, lr.location()};
  rate_noted_ = true;
  return value;
}

void Step::update(nn::Module& net, optim::Sgd& sgd, const Gradients& gradients, const Operand& lr) {
  const Location& location = lr.location();
  const optim::SgdOptions& options = sgd.options();
  const OptionPrefix prefix = tracer_.prefix_of("optimizer", sgd.slots(), location);
  tracer_.set_decay_filter(options.decay_filter, location);
  check_range("momentum", options.momentum, 0, 1, location);
  check_range("weight_decay", options.weight_decay, 0, kLargest, location);
  bool has_momentum = options.momentum != 0;
  if (options.nesterov && !has_momentum)
    throw TraceError("update", "Nesterov needs a momentum", location, "optim::Sgd{{.momentum = 0.9}}");
  // Without momentum there are no slots, so the value cannot become non-zero at run time.
  OptionStage stage = has_momentum ? OptionStage::kRun : OptionStage::kCompile;
  auto decided = [&](const char* name, OptionValue value, OptionStage when = OptionStage::kCompile) {
    tracer_.default_option(prefix.key + name, std::move(value), when, location);
  };
  auto field = [&](const char* name) {
    return tracer_.control(prefix.field + name, prefix.key + name, false, location);
  };
  decided("name", "sgd");
  decided("momentum", options.momentum, stage);
  if (!has_momentum) tracer_.compiled_in(prefix.key + "momentum"); // also where a recipe has set it
  decided("nesterov", options.nesterov);
  decided("weight_decay", options.weight_decay, OptionStage::kRun);
  decided("decay_filter", filter_name(options.decay_filter));
  Trained parameters = trained(net, gradients, location);
  Array rate_now = rate(lr), momentum;
  std::vector<Array> momenta;
  if (has_momentum) {
    momentum = field("momentum");
    momenta = read_slots(sgd.slots(), net, parameters, location);
  }
  Array decay = field("weight_decay");
  SgdUpdate result =
      sgd_update(parameters.weights, parameters.gradients, momenta, rate_now, momentum, decay, batch().valid,
                 options.nesterov, decayed(parameters, options.decay_filter), location);
  write_weights(parameters, result.weights, location);
  write_slots(sgd.slots(), parameters, result.momenta, location);
}

void Step::update(nn::Module& net, optim::AdamW& adamw, const Gradients& gradients, const Operand& lr) {
  const Location& location = lr.location();
  const optim::AdamWOptions& options = adamw.options();
  const OptionPrefix prefix = tracer_.prefix_of("optimizer", adamw.first_moments(), location);
  tracer_.set_decay_filter(options.decay_filter, location);
  check_range("beta1", options.beta1, 0, std::nextafter(1.0, 0.0), location);
  check_range("beta2", options.beta2, 0, std::nextafter(1.0, 0.0), location);
  check_range("epsilon", options.epsilon, std::numeric_limits<double>::min(), kLargest, location);
  check_range("weight_decay", options.weight_decay, 0, kLargest, location);
  auto decided = [&](const char* name, OptionValue value, OptionStage when = OptionStage::kCompile) {
    tracer_.default_option(prefix.key + name, std::move(value), when, location);
  };
  decided("name", "adamw");
  decided("weight_decay", options.weight_decay, OptionStage::kRun);
  decided("beta1", options.beta1, OptionStage::kRun);
  decided("beta2", options.beta2, OptionStage::kRun);
  decided("eps", options.epsilon, OptionStage::kRun);
  decided("decay_filter", filter_name(options.decay_filter));
  Trained parameters = trained(net, gradients, location);
  for (const auto& state : parameters.states)
    if (!adamw_updated_.insert({&adamw, state.get()}).second)
      throw TraceError(
          "update", "'" + state->name + "' is updated twice in a step by one AdamW", location,
          "its bias correction counts one update a step: add the gradients, or use two optimizers");
  auto field = [&](const char* name, const char* key) {
    return tracer_.control(prefix.field + name, prefix.key + key, false, location);
  };
  AdamWScalars scalars;
  scalars.lr = rate(lr);
  scalars.beta1 = field("beta1", "beta1");
  scalars.beta2 = field("beta2", "beta2");
  scalars.epsilon = field("adam_eps", "eps");
  scalars.weight_decay = field("weight_decay", "weight_decay");
  scalars.step = Trace::require("update", location).control("step", {DType::i32, {}}, location);
  std::vector<Array> first = read_slots(adamw.first_moments(), net, parameters, location);
  std::vector<Array> second = read_slots(adamw.second_moments(), net, parameters, location);
  AdamWUpdate result = adamw_update(parameters.weights, parameters.gradients, first, second, scalars,
                                    batch().valid, decayed(parameters, options.decay_filter), location);
  write_weights(parameters, result.weights, location);
  write_slots(adamw.first_moments(), parameters, result.first, location);
  write_slots(adamw.second_moments(), parameters, result.second, location);
}

void Step::update(optim::Ema& ema, nn::Module& net, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  const optim::EmaOptions& options = ema.options();
  const OptionPrefix prefix = tracer_.prefix_of("method.ema", ema.slots(), location);
  check_range("decay", options.decay, 0, 1, location);
  tracer_.default_option(prefix.key + "decay", options.decay, OptionStage::kRun, location);
  tracer_.default_option(prefix.key + "warmup", options.warmup, OptionStage::kCompile, location);
  tracer_.default_option(prefix.key + "bn", options.bn == optim::EmaBatchNorm::avg ? "avg" : "copy",
                         OptionStage::kCompile, location);
  Trace& trace = Trace::require("update", location);
  Array decay = tracer_.control(prefix.field + "ema_decay", prefix.key + "decay", true, location);
  auto average = [&](optim::SlotGroup& slots, State::Role role) {
    std::vector<std::shared_ptr<const State>> states;
    std::vector<Array> averages, values;
    for (const auto& [name, tensor] : net.tensors()) {
      if (tensor->state()->role != role) continue;
      states.push_back(slots.slot(tensor->state(), InitRule::copy_of(tensor->state()), location));
      averages.push_back(trace.read(states.back(), location));
      values.push_back(trace.read(tensor->state(), location));
    }
    if (states.empty()) return;
    std::vector<Array> updated = ema_update(averages, values, decay, batch().valid, location);
    for (std::size_t i = 0; i < states.size(); ++i)
      trace.write(states[i], updated[i]);
  };
  average(ema.slots(), State::Role::parameter);
  if (options.bn == optim::EmaBatchNorm::avg) average(ema.batchnorm_slots(), State::Role::buffer);
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
