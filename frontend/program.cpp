#include "frontend/program.h"

#include "frontend/program_stages.h"
#include "frontend/program_tracer.h"

#include <set>

namespace tailor {

namespace {

void check_name(const std::string& what, const std::string& name, const Location& location) {
  bool usable = !name.empty() && name.find('\0') == std::string::npos;
  if (!usable) throw TraceError("program", what + " needs a name", location);
}

void check_sizes(const char* what, const BatchSizes& sizes, const Location& location) {
  std::set<std::int64_t> seen;
  if (sizes.sizes().empty()) throw TraceError("data", std::string(what) + " is an empty list", location);
  for (std::int64_t size : sizes.sizes()) {
    if (size < 1 || size > (std::int64_t{1} << 24))
      throw TraceError("data",
                       std::string(what) + " must be between 1 and 16777216, not " + std::to_string(size),
                       location);
    if (!seen.insert(size).second)
      throw TraceError("data", std::string(what) + " holds " + std::to_string(size) + " twice", location);
  }
}

/// The name is usable and none of `known` has it; `what` with its article.
template <class Parts>
void require_new(const char* op, const std::string& what, const Parts& known, const std::string& name,
                 const Location& location) {
  check_name(what, name, location);
  for (const auto& part : known)
    if (part.name == name)
      throw TraceError(op, "there is already " + what + " '" + name + "', at " + to_string(part.location),
                       location,
                       "one function may do both: it is recorded as it runs; others need names of their own");
}

} // namespace

void ProgramOptions::set(const std::string& key, runtime::OptionValue value,
                         const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  runtime::Option option;
  option.value = std::move(value);
  option.origin = to_string(location);
  values_.set(key, std::move(option));
  places_.insert_or_assign(key, location);
}

ProgramOptions& ProgramOptions::operator=(Options options) {
  values_ = std::move(options);
  places_.clear();
  return *this;
}

Options StageOptions::at(const Location& location) const {
  Options all;
  for (const auto& [key, value] : values_) {
    runtime::Option option;
    option.value = value;
    option.origin = to_string(location);
    all.set(key, std::move(option));
  }
  all.merge(options_);
  return all;
}

TrainingProgram::TrainingProgram(std::string name, const std::source_location& where)
    : TrainingProgram(std::move(name), LocationScope::resolve(make_location(where))) {}

TrainingProgram::TrainingProgram(std::string name, const Location& location)
    : impl_(std::make_unique<Impl>()) {
  check_name("a program", name, location);
  impl_->name = std::move(name);
  impl_->location = location;
}

TrainingProgram::~TrainingProgram() = default;

void TrainingProgram::data(data::Plan plan, DataOptions options) {
  check_sizes("batch", options.batch, plan.location());
  check_sizes("eval_batch", options.eval_batch, plan.location());
  if (impl_->has_plan)
    throw TraceError("data", "the program has a data plan already, from " + to_string(impl_->plan.location()),
                     plan.location());
  impl_->has_plan = true;
  impl_->plan = std::move(plan);
  impl_->data_options = std::move(options);
}

void TrainingProgram::state(const std::string& name, nn::Module& module, StateKind kind,
                            const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  add_group({.name = name,
             .kind = kind,
             .module = &module,
             .slots = {},
             .alive = module.lifetime().watch(),
             .location = location});
  for (const auto& [tensor_name, tensor] : module.tensors()) {
    State& state = *tensor->state();
    state.name = tensor_name;
    state.group = state.role == State::Role::buffer ? name + "_batchnorm" : name;
    state.location = location;
  }
}

void TrainingProgram::state(const std::string& name, optim::Optimizer& optimizer,
                            const std::source_location& where) {
  Group group{.name = name,
              .kind = StateKind::optimizer,
              .owner = &optimizer,
              .slots = {},
              .alive = optimizer.lifetime().watch(),
              .location = LocationScope::resolve(make_location(where))};
  for (auto& [suffix, slots] : optimizer.slots()) {
    slots.set_group(name + suffix);
    group.slots.emplace_back(name + suffix, &slots);
  }
  add_group(std::move(group));
}

void TrainingProgram::state(const std::string& name, optim::Ema& ema, const std::source_location& where) {
  ema.slots().set_group(name);
  ema.batchnorm_slots().set_group(name + "_batchnorm");
  add_group({.name = name,
             .kind = StateKind::ema,
             .owner = &ema,
             .slots = {{name, &ema.slots()}, {name + "_batchnorm", &ema.batchnorm_slots()}},
             .alive = ema.lifetime().watch(),
             .location = LocationScope::resolve(make_location(where))});
}

std::string TrainingProgram::shared_state(const Group& known, const Group& group) {
  if (known.owner && known.owner == group.owner) return "the optimizer or average";
  if (!known.module || !group.module) return "";
  for (const auto& [name, tensor] : known.module->tensors())
    for (const auto& [other, same] : group.module->tensors())
      if (tensor->state() == same->state()) return "'" + other + "'";
  return "";
}

void TrainingProgram::add_group(Group group) {
  check_name("a state group", group.name, group.location);
  if (group.name == "fitted")
    throw TraceError("state", "the name 'fitted' is kept for what is computed from the data", group.location);
  for (const Group& known : impl_->groups) {
    if (known.name == group.name)
      throw TraceError("state", "there are two state groups named '" + group.name + "'", group.location,
                       "the first is declared at " + to_string(known.location));
    if (known.alive.expired()) continue; // trace() says so
    const std::string shared = shared_state(known, group);
    if (!shared.empty())
      throw TraceError("state",
                       shared + " belongs to state group '" + known.name + "' already, since " +
                           to_string(known.location),
                       group.location, "a tensor has one group");
  }
  impl_->groups.push_back(std::move(group));
}

void TrainingProgram::step(const std::string& name, std::function<void(Step&)> step,
                           const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  require_new("step", "a step", impl_->steps, name, location);
  impl_->steps.push_back({name, std::move(step), location});
}

void TrainingProgram::eval(const std::string& name, std::function<void(Eval&)> eval, EvalOptions options,
                           const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  require_new("eval", "an evaluation", impl_->evals, name, location);
  impl_->evals.push_back({name, std::move(eval), std::move(options), location});
}

void TrainingProgram::train_step(std::function<void(Step&)> step, const std::source_location& where) {
  this->step("train_step", std::move(step), where);
}

void TrainingProgram::eval_step(std::function<void(Eval&)> eval, EvalOptions options,
                                const std::source_location& where) {
  this->eval("eval_step", std::move(eval), std::move(options), where);
}

void TrainingProgram::stages(std::vector<Stage> stages, const std::source_location& where) {
  const Location location = LocationScope::resolve(make_location(where));
  if (!impl_->stages.empty())
    throw TraceError(
        "stages", "the program has its stages already, from " + to_string(impl_->stages_location), location);
  if (stages.empty()) throw TraceError("stages", "a program needs at least one stage", location);
  check_stages(stages);
  impl_->stages = std::move(stages);
  impl_->stages_location = location;
}

const std::string& TrainingProgram::name() const {
  return impl_->name;
}
std::size_t TrainingProgram::num_states() const {
  return impl_->groups.size();
}
ProgramOptions& TrainingProgram::options() {
  return impl_->options;
}
const Options& TrainingProgram::options() const {
  return impl_->options.values();
}

TracedProgram TrainingProgram::trace() const {
  return ProgramTracer(*impl_).run();
}

} // namespace tailor
