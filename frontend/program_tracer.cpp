#include "frontend/program_tracer.h"

#include "frontend/optimizers/schedule.h"
#include "frontend/program_stages.h"
#include "runtime/base/entry_names.h"
#include "runtime/base/glob.h"
#include "runtime/base/wording.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"

#include <algorithm>
#include <unordered_set>

namespace tailor {

namespace {

using runtime::EvalKeys;
using runtime::key_name;
using runtime::ModelKeys;
using runtime::RunKeys;

/// Same ops, options and leaves: the same value, whatever trace recorded it.
bool equal_graphs(const Array& a, const Array& b) {
  if (a.same_as(b)) return true;
  const Node &x = *a.node(), &y = *b.node();
  return a.result() == b.result() && x.op == y.op && x.options == y.options && x.results == y.results &&
         x.body == y.body && x.inputs.size() == y.inputs.size() &&
         std::equal(x.inputs.begin(), x.inputs.end(), y.inputs.begin(), equal_graphs);
}

/// Calls `enter` with every value that what `entry` stores, reports or gives depends on, but for the inputs of one that it
/// refuses.
template <class Enter> void walk(const Entry& entry, const Enter& enter) {
  std::vector<const Node*> pending;
  std::unordered_set<const Node*> seen;
  auto visit = [&](const Array& array) {
    if (enter(array) && seen.insert(array.node().get()).second) pending.push_back(array.node().get());
  };
  for (const auto& [state, value] : entry.stores)
    visit(value);
  for (const Entry::Named& report : entry.reports)
    visit(report.value);
  for (const Entry::Named& output : entry.outputs)
    visit(output.value);
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    for (const Array& input : node->inputs)
      visit(input);
  }
}

/// Tables that values outside of tables use, in order of first use by recording order.
std::vector<Array> used_tables(const Entry& entry) {
  FittedTables tables;
  std::vector<Array> found;
  walk(entry, [&](const Array& array) {
    if (!tables.is_table(array)) return true;
    if (std::none_of(found.begin(), found.end(), [&](const Array& other) { return other.same_as(array); }))
      found.push_back(array);
    return false;
  });
  std::sort(found.begin(), found.end(),
            [](const Array& a, const Array& b) { return a.node()->serial < b.node()->serial; });
  return found;
}

bool reads_input(const Entry& entry, std::string_view name) {
  bool reads = false;
  walk(entry, [&](const Array& array) {
    reads |= array.node()->op == "input" && array.node()->name == name;
    return true;
  });
  return reads;
}

/// The same choice, whether it is written 1, 1.0 or [1].
bool same_value(const runtime::OptionValue& a, const runtime::OptionValue& b) {
  if (a == b) return true;
  if (a.as_number() && b.as_number()) return *a.as_number() == *b.as_number();
  if (const auto* list = a.as_list(); list && list->size() == 1 && !b.as_list())
    return same_value(list->front(), b);
  if (const auto* list = b.as_list(); list && list->size() == 1 && !a.as_list())
    return same_value(a, list->front());
  return false;
}

runtime::OptionType type_of(const runtime::OptionValue& value) {
  if (value.as_bool()) return runtime::OptionType::kBool;
  if (value.as_string()) return runtime::OptionType::kString;
  if (value.as_list()) return runtime::OptionType::kList;
  return value.as_int() ? runtime::OptionType::kInt : runtime::OptionType::kNumber;
}

/// "'tau' has a schedule here and is one number at main.cpp:4:1"
const char* source_phrase(ControlField::Source source) {
  switch (source) {
  case ControlField::Source::loop:
    return "is a field of the training loop";
  case ControlField::Source::option:
    return "is one number";
  case ControlField::Source::schedule:
    return "has a schedule";
  case ControlField::Source::average_decay:
    return "is the decay of an average";
  case ControlField::Source::epoch_row:
    return "is a row by epochs";
  case ControlField::Source::fraction_row:
    return "is a row by fractions of the run";
  case ControlField::Source::random_uniform:
    return "is drawn uniformly";
  case ControlField::Source::random_beta:
    return "is drawn from a Beta distribution";
  }
  return "is unknown";
}

StateGroup make_group(const std::string& name, StateKind kind, bool trainable, const Location& location) {
  StateGroup group;
  group.name = name;
  group.kind = kind;
  group.trainable = trainable;
  group.location = location;
  return group;
}

} // namespace

ProgramTracer::ProgramTracer(const TrainingProgram::Impl& program) : program_(program) {
  out_.name = program.name;
  out_.location = program.location;
  out_.schema = program.plan.schema();
  out_.options = program.options.values();
  for (const auto& [key, option] : program.plan.options())
    if (!out_.options.contains(key)) out_.options.set(key, option);
  auto sizes = [](const BatchSizes& batch) {
    if (batch.sizes().size() == 1) return runtime::OptionValue(batch.sizes()[0]);
    return runtime::OptionValue(runtime::OptionValue::List(batch.sizes().begin(), batch.sizes().end()));
  };
  const Location& place = program.plan.location();
  default_option(key_name(&RunKeys::batch), sizes(program.data_options.batch), runtime::OptionStage::kCompile,
                 place);
  default_option(key_name(&RunKeys::eval_batch), sizes(program.data_options.eval_batch),
                 runtime::OptionStage::kCompile, place);
  default_eval_options();
  // Read by trace_step, and by the driver for PlanMemory.
  out_.declared.insert({key_name(&RunKeys::accumulate), key_name(&RunKeys::memory_budget)});
  // Read by the runtime when training starts.
  out_.declared.insert({key_name(&ModelKeys::weights_file), key_name(&ModelKeys::weights_names),
                        key_name(&ModelKeys::weights_skip)});
  // The loop's own fields come first and are always there.
  for (const char* name : {"valid", "slot", "step"})
    out_.controls.push_back(
        {.name = name, .type = {DType::i32, {}}, .key = "", .location = program.location});
  out_.controls.push_back(
      {.name = "rng", .type = {DType::i32, {4}}, .key = "", .location = program.location});
}

void ProgramTracer::default_eval_options() {
  for (const auto& eval : program_.evals) {
    const std::vector<std::string>& metrics = eval.options.metrics;
    if (program_.evals.size() == 1) {
      default_option(key_name(&EvalKeys::weights), eval.options.weights.ema() ? "ema" : "raw",
                     runtime::OptionStage::kCompile, eval.location);
      if (!metrics.empty())
        default_option(key_name(&EvalKeys::metrics),
                       runtime::OptionValue::List(metrics.begin(), metrics.end()), runtime::OptionStage::kRun,
                       eval.location);
    }
  }
}

void ProgramTracer::check_lifetimes() const {
  const char* way_out =
      "keep it beside the program as long as that is used: tailor::main<Class> with both as members";
  for (const TrainingProgram::Group& group : program_.groups)
    if (group.alive.expired())
      throw TraceError("state", "what state group '" + group.name + "' refers to no longer exists",
                       group.location, way_out);
  for (const auto& eval : program_.evals)
    if (eval.options.weights.expired())
      throw TraceError(eval.name, "the average that evaluation reads no longer exists", eval.location,
                       way_out);
}

void ProgramTracer::check_options() const {
  for (const ControlField& field : out_.controls)
    if (field.source == ControlField::Source::option &&
        out_.options.has_value(schedule_prefix(field.key) + ".name"))
      throw TraceError("control",
                       "'" + field.name + "' is one number for a run, but '" + schedule_prefix(field.key) +
                           ".name' gives it a schedule",
                       field.location,
                       "control(\"" + field.name + "\", schedule::constant(...)) may have one");
  for (const auto& [key, location] : program_.options.places()) {
    if (out_.declared.contains(key)) continue;
    const std::string section = key.substr(0, key.find('.'));
    const bool code_decides = section == "optimizer" || section == "method" || section == "schedule" ||
                              section == "control" || section == "model";
    // What belongs to a schedule that the code asks for is read with it.
    const std::string prefix = key.substr(0, key.rfind('.'));
    const bool of_schedule = prefix == "schedule" || prefix.ends_with(".schedule");
    if (!code_decides || (of_schedule && out_.declared.contains(prefix + ".name"))) continue;
    const std::string near =
        runtime::did_you_mean(key, std::vector<std::string>(out_.declared.begin(), out_.declared.end()));
    throw TraceError("options", "nothing in this program reads '" + key + "'", location,
                     near.empty() ? "control(name, value, \"" + key + "\") would" : near);
  }
}

TracedProgram ProgramTracer::run() {
  check_lifetimes();
  if (program_.steps.empty())
    throw TraceError("program", "'" + program_.name + "' has no train_step", program_.location,
                     "program.train_step([&](Step& s) { ... }), or program.step(name, ...) for several");
  if (program_.evals.empty())
    throw TraceError("program", "'" + program_.name + "' has no eval_step", program_.location,
                     "program.eval_step([&](Eval& e) { e.logits(...); })");
  if (program_.plan.num_classes() < 2)
    throw TraceError("program", "'" + program_.name + "' has no data with at least two classes",
                     program_.location, "program.data(data::blobs(), {.batch = 64})");
  OpIds ids;
  out_.stages = name_stages(program_);
  for (const auto& step : program_.steps)
    trace_step(step);
  check_patterns();
  for (const auto& eval : program_.evals) {
    trace_eval(eval);
    if (const optim::Ema* ema = eval.options.weights.ema();
        ema && ema->options().bn == optim::EmaBatchNorm::recompute)
      trace_statistics(eval);
  }
  check_reports();
  check_row_weights();
  check_averages();
  hoist_tables();
  collect_groups();
  resolve_stages(program_, out_);
  check_options();
  out_.num_op_ids = OpIds::next();
  return std::move(out_);
}

/// Row weights that no step reads would be left out without a word.
void ProgramTracer::check_row_weights() const {
  const runtime::Column* column = schema().row_weight();
  if (!column || std::any_of(out_.entries.begin(), out_.entries.end(), [](const Entry& entry) {
        return entry.kind == Entry::Kind::step && reads_input(entry, runtime::input_names::kRowWeight);
      }))
    return;
  throw TraceError("data", "column '" + column->name + "' holds row weights, and no step reads them",
                   program_.plan.location(),
                   "give a loss .row_weights = step.batch().row_weight, or make the column no row weights");
}

std::shared_ptr<const State> ProgramTracer::class_counts() {
  if (!class_counts_) {
    class_counts_ = std::make_shared<State>();
    class_counts_->group = "fitted";
    class_counts_->name = "class_counts";
    class_counts_->type = {DType::f32, {schema().num_classes}};
    class_counts_->role = State::Role::fitted;
    class_counts_->location = program_.plan.location();
  }
  return class_counts_;
}

Array ProgramTracer::scheduled(const std::string& name, const std::string& key, const Location& location) {
  return control({.name = name,
                  .type = {DType::f32, {}},
                  .key = key,
                  .location = location,
                  .source = ControlField::Source::schedule,
                  .options_prefix = schedule_prefix(key)});
}

Array ProgramTracer::number(const std::string& name, const std::string& key, const Location& location) {
  return control({.name = name,
                  .type = {DType::f32, {}},
                  .key = key,
                  .location = location,
                  .source = ControlField::Source::option});
}

Array ProgramTracer::number_like(const Array& rate, const std::string& name, const std::string& key,
                                 const Location& location) {
  const Node& node = *rate.node();
  if (node.op == "constant") return number(name, key, location);
  if (node.op != "control_read") return {};
  const auto shared = std::find_if(out_.controls.begin(), out_.controls.end(),
                                   [&](const ControlField& field) { return field.name == node.name; });
  if (shared->source != ControlField::Source::schedule) return number(name, key, location);
  return control({.name = name,
                  .type = {DType::f32, {}},
                  .key = key,
                  .location = location,
                  .source = ControlField::Source::schedule,
                  .options_prefix = std::string(shared->options_prefix)});
}

Array ProgramTracer::average_decay(const optim::OptionPrefix& prefix, const Location& location) {
  return control({.name = prefix.field + "ema_decay",
                  .type = {DType::f32, {}},
                  .key = prefix.key + "decay",
                  .location = location,
                  .source = ControlField::Source::average_decay,
                  .options_prefix = prefix.key.substr(0, prefix.key.size() - 1)});
}

Array ProgramTracer::control(ControlField field) {
  const bool run_constant = field.source == ControlField::Source::option;
  auto known = std::find_if(out_.controls.begin(), out_.controls.end(),
                            [&](const ControlField& other) { return other.name == field.name; });
  if (known == out_.controls.end()) {
    out_.controls.push_back(field);
  } else if (known->source == ControlField::Source::loop) {
    throw TraceError("control", "'" + field.name + "' is a field of the training loop", field.location);
  } else if (known->source != field.source) {
    auto is = [](ControlField::Source source) { return source_phrase(source); };
    throw TraceError("control",
                     "'" + field.name + "' " + is(field.source) + " here and " + is(known->source) + " at " +
                         to_string(known->location),
                     field.location);
  } else if (known->key != field.key) {
    throw TraceError("control", "'" + field.name + "' is already evaluated from option '" + known->key + "'",
                     field.location);
  }
  return Trace::require("control", field.location)
      .control(field.name, field.type, field.location, run_constant);
}

void ProgramTracer::default_option(const std::string& key, runtime::OptionValue value,
                                   runtime::OptionStage stage, const Location& location) {
  out_.declared.insert(key);
  const runtime::Option* given = program_.options.values().find(key);
  if (!given) given = program_.plan.options().find(key);
  if (given && stage == runtime::OptionStage::kCompile && !same_value(given->value, value))
    throw TraceError("options",
                     "'" + key + "' is " + given->value.to_json() + " in the options, set at " +
                         given->origin + ", but the code says " + value.to_json(),
                     location, "what the code decides is changed in the code");
  if (given) {
    if (given->type != runtime::OptionType::kAny) return;
    runtime::Option typed = *given; // set() knows no type: the code does
    typed.type = type_of(value);
    out_.options.set(key, std::move(typed));
    return;
  }
  if (auto said = said_.find(key); said == said_.end())
    said_.emplace(key, Said{value, location});
  else if (!same_value(said->second.value, value))
    throw TraceError("options",
                     "'" + key + "' is " + said->second.value.to_json() + " at " +
                         to_string(said->second.location) + " and " + value.to_json() + " here",
                     location,
                     "an option has one value; a field with another value needs another name or key");
  if (out_.options.contains(key)) return;
  runtime::Option option;
  option.type = type_of(value);
  option.value = std::move(value);
  option.stage = stage;
  option.origin = to_string(location);
  out_.options.set(key, std::move(option));
}

void ProgramTracer::require_positive(const std::string& key) {
  runtime::Option option = *out_.options.find(key);
  option.limits.min = 0;
  option.limits.min_exclusive = true;
  out_.options.set(key, std::move(option));
}

void ProgramTracer::compiled_in(const std::string& key) {
  runtime::Option option = *out_.options.find(key);
  option.stage = runtime::OptionStage::kCompile;
  out_.options.set(key, std::move(option));
}

optim::OptionPrefix ProgramTracer::prefix_of(const std::string& section, const void* owner,
                                             const Location& location) {
  std::vector<const void*>& owners = owners_[section];
  if (std::find(owners.begin(), owners.end(), owner) == owners.end()) owners.push_back(owner);
  for (const TrainingProgram::Group& group : program_.groups)
    if (group.owner == owner)
      return owners.front() == owner
                 ? optim::OptionPrefix{section + ".", ""}
                 : optim::OptionPrefix{section + "." + group.name + ".", group.name + "_"};
  throw TraceError("update", "the optimizer or average has no state in this program", location,
                   "program.state(\"sgd\", sgd)");
}

void ProgramTracer::note_pattern(const void* owner, const std::string& group, const std::string& pattern,
                                 const std::vector<std::string>& names, const Location& location) {
  Pattern& known = patterns_[{owner, pattern}];
  known.group = group;
  known.location = location;
  for (const std::string& name : names) {
    known.names.push_back(name);
    known.matched = known.matched || runtime::matches_glob(pattern, name);
  }
}

void ProgramTracer::check_patterns() const {
  for (const auto& [key, pattern] : patterns_)
    if (!pattern.matched)
      throw TraceError("update",
                       "'" + key.second + "' of parameter group '" + pattern.group +
                           "' matches no parameter that is updated",
                       pattern.location, optim::nearest_names(key.second, pattern.names));
}

Entry ProgramTracer::variant_of(Entry::Kind kind, const std::string& name,
                                const std::vector<std::int64_t>& sizes, std::int64_t size,
                                const Location& location) {
  Entry entry;
  entry.entry_name = name;
  entry.name = sizes.size() == 1 ? name : name + "_b" + std::to_string(size);
  entry.kind = kind;
  entry.batch = size;
  entry.location = location;
  return entry;
}

void ProgramTracer::trace_step(const TrainingProgram::Impl::NamedStep& function) {
  const std::vector<std::int64_t>& sizes = program_.data_options.batch.sizes();
  const runtime::Result<std::int64_t> said = out_.options.get_int(key_name(&RunKeys::accumulate));
  const std::int64_t accumulate =
      said.ok() ? *said : RunKeys{}.accumulate; // a wrong value is refused by the driver
  OpIds::Variants variants;
  for (std::int64_t size : sizes) {
    variants.begin();
    Entry entry = variant_of(Entry::Kind::step, function.name, sizes, size, function.location);
    entry.accumulate = accumulate;
    Trace trace(Trace::Kind::entry, size);
    Step step(*this, entry);
    run_user_code(function.name, function.location, [&] { function.step(step); });
    note_frozen(trace);
    if (entry.rate && entry.rate->value.node()->op == "control_read") {
      entry.learning_rate = entry.rate->value.node()->name;
    } else if (entry.rate) {
      const bool says_rate = std::any_of(entry.reports.begin(), entry.reports.end(),
                                         [](const Entry::Named& report) { return report.name == "lr"; });
      if (!says_rate) entry.reports.push_back(*entry.rate);
    }
    entry.stores = trace.writes();
    if (entry.stores.empty())
      throw TraceError(function.name, "the step updates nothing", function.location,
                       "step.update(net, sgd, gradients, lr)");
    out_.entries.push_back(std::move(entry));
  }
}

void ProgramTracer::trace_eval(const TrainingProgram::Impl::NamedEval& function) {
  const std::vector<std::int64_t>& sizes = program_.data_options.eval_batch.sizes();
  OpIds::Variants variants;
  for (std::int64_t size : sizes) {
    variants.begin();
    Entry entry = variant_of(Entry::Kind::eval, function.name, sizes, size, function.location);
    Trace trace(Trace::Kind::entry, size);
    if (function.options.weights.ema()) redirect_to_average(trace, function);
    Eval eval(*this, entry);
    run_user_code(function.name, function.location, [&] { function.eval(eval); });
    if (!trace.writes().empty())
      throw TraceError(function.name,
                       "evaluation must not change state '" + trace.writes()[0].first->name + "'",
                       function.location);
    bool has_logits = std::any_of(entry.outputs.begin(), entry.outputs.end(),
                                  [](const Entry::Named& output) { return output.name == "logits"; });
    if (!has_logits)
      throw TraceError(function.name, "the step gives no logits", function.location, "e.logits(net(...))");
    out_.entries.push_back(std::move(entry));
  }
}

/// The log has one column per name.
void ProgramTracer::check_reports() const {
  std::map<std::string, const Entry::Named*> known;
  for (const Entry& entry : out_.entries)
    for (const Entry::Named& report : entry.reports) {
      const auto [first, is_new] = known.try_emplace(report.name, &report);
      if (!is_new && !(first->second->value.type() == report.value.type()))
        throw TraceError("report",
                         "'" + report.name + "' is " + to_string(report.value.type()) + " here and " +
                             to_string(first->second->value.type()) + " at " +
                             to_string(first->second->location),
                         report.location);
    }
}

std::shared_ptr<const State> ProgramTracer::table_state(const Array& table) {
  for (const auto& [known, state] : tables_)
    if (equal_graphs(known, table)) return state;
  auto state = std::make_shared<State>();
  state->group = "fitted";
  const std::string& name = table.node()->name;
  bool is_free = !name.empty() && (!class_counts_ || class_counts_->name != name) &&
                 std::none_of(tables_.begin(), tables_.end(),
                              [&](const auto& other) { return other.second->name == name; });
  state->name = is_free ? name : "table" + std::to_string(tables_.size());
  state->type = table.type();
  state->role = State::Role::fitted;
  state->location = table.node()->location;
  tables_.emplace_back(table, state);
  return state;
}

void ProgramTracer::hoist_tables() {
  for (Entry& entry : out_.entries)
    for (const Array& table : used_tables(entry))
      entry.fitted.emplace_back(table, table_state(table));
  if (tables_.empty()) return;
  Entry fit;
  fit.name = fit.entry_name = "fit";
  fit.kind = Entry::Kind::fit;
  fit.location = program_.steps.front().location;
  for (const auto& [table, state] : tables_)
    fit.stores.emplace_back(state, table);
  out_.entries.insert(out_.entries.begin(), std::move(fit));
}

void ProgramTracer::collect_groups() {
  for (const TrainingProgram::Group& declared : program_.groups) {
    if (declared.module) {
      bool trainable = declared.kind != StateKind::generator;
      StateGroup parameters = make_group(declared.name, declared.kind, trainable, declared.location);
      StateGroup buffers =
          make_group(declared.name + "_batchnorm", StateKind::batchnorm, false, declared.location);
      for (const auto& [name, tensor] : declared.module->tensors())
        (tensor->state()->role == State::Role::buffer ? buffers : parameters)
            .states.push_back(tensor->state());
      out_.groups.push_back(std::move(parameters));
      if (!buffers.states.empty()) out_.groups.push_back(std::move(buffers));
    }
    for (const auto& [name, slots] : declared.slots) {
      StateGroup group = make_group(name, declared.kind, false, declared.location);
      group.states = slots->states();
      if (!group.states.empty()) out_.groups.push_back(std::move(group));
    }
  }
  if (!class_counts_) return;
  StateGroup fitted = make_group("fitted", StateKind::fitted, false, program_.plan.location());
  fitted.states.push_back(class_counts_);
  for (const auto& [table, state] : tables_)
    fitted.states.push_back(state);
  out_.groups.push_back(std::move(fitted));
}

} // namespace tailor
