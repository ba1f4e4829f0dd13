#include "frontend/program.h"

#include "frontend/program_tracer.h"

#include <set>

namespace tailor {

namespace {

void check_name(const std::string& what, const std::string& name, const Location& location) {
  bool usable = !name.empty() && name.find('\0') == std::string::npos;
  if (!usable) throw TraceError("program", "a " + what + " needs a name", location);
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

} // namespace

TrainingProgram::TrainingProgram(std::string name, const std::source_location& where)
    : TrainingProgram(std::move(name), LocationScope::resolve(make_location(where))) {}

TrainingProgram::TrainingProgram(std::string name, const Location& location)
    : impl_(std::make_unique<Impl>()) {
  check_name("program", name, location);
  impl_->name = std::move(name);
  impl_->location = location;
}

TrainingProgram::~TrainingProgram() = default;

void TrainingProgram::data(data::Plan plan, DataOptions options) {
  check_sizes("batch", options.batch, plan.location());
  check_sizes("eval_batch", options.eval_batch, plan.location());
  impl_->plan = std::move(plan);
  impl_->data_options = std::move(options);
}

void TrainingProgram::state(const std::string& name, nn::Module& module, StateKind kind,
                            const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  add_group({.name = name, .kind = kind, .module = &module, .slots = {}, .location = location});
  for (const auto& [tensor_name, tensor] : module.tensors()) {
    State& state = *tensor->state();
    state.name = tensor_name;
    state.group = state.role == State::Role::buffer ? name + "_batchnorm" : name;
    state.location = location;
  }
}

void TrainingProgram::state(const std::string& name, optim::Sgd& sgd, const std::source_location& where) {
  sgd.slots().set_group(name);
  add_group({.name = name,
             .kind = StateKind::optimizer,
             .module = nullptr,
             .slots = {{name, &sgd.slots()}},
             .location = LocationScope::resolve(make_location(where))});
}

void TrainingProgram::state(const std::string& name, optim::AdamW& adamw, const std::source_location& where) {
  adamw.first_moments().set_group(name + "_first");
  adamw.second_moments().set_group(name + "_second");
  add_group(
      {.name = name,
       .kind = StateKind::optimizer,
       .module = nullptr,
       .slots = {{name + "_first", &adamw.first_moments()}, {name + "_second", &adamw.second_moments()}},
       .location = LocationScope::resolve(make_location(where))});
}

void TrainingProgram::state(const std::string& name, optim::Ema& ema, const std::source_location& where) {
  ema.slots().set_group(name);
  ema.batchnorm_slots().set_group(name + "_batchnorm");
  add_group({.name = name,
             .kind = StateKind::ema,
             .module = nullptr,
             .slots = {{name, &ema.slots()}, {name + "_batchnorm", &ema.batchnorm_slots()}},
             .location = LocationScope::resolve(make_location(where))});
}

void TrainingProgram::add_group(Group group) {
  check_name("state group", group.name, group.location);
  if (group.name == "fitted")
    throw TraceError("state", "the name 'fitted' is kept for what is computed from the data", group.location);
  for (const Group& known : impl_->groups)
    if (known.name == group.name)
      throw TraceError("state", "there are two state groups named '" + group.name + "'", group.location,
                       "the first is declared at " + to_string(known.location));
  impl_->groups.push_back(std::move(group));
}

void TrainingProgram::train_step(std::function<void(Step&)> step, const std::source_location& where) {
  impl_->train_step = std::move(step);
  impl_->train_location = LocationScope::resolve(make_location(where));
}

void TrainingProgram::eval_step(std::function<void(Eval&)> eval, EvalOptions options,
                                const std::source_location& where) {
  impl_->eval_step = std::move(eval);
  impl_->eval_options = std::move(options);
  impl_->eval_location = LocationScope::resolve(make_location(where));
}

void TrainingProgram::stages(std::vector<Stage> stages) {
  if (stages.empty()) throw TraceError("stages", "a program needs at least one stage", impl_->location);
  impl_->stages = std::move(stages);
}

const std::string& TrainingProgram::name() const {
  return impl_->name;
}
Options& TrainingProgram::options() {
  return impl_->options;
}
const Options& TrainingProgram::options() const {
  return impl_->options;
}

TracedProgram TrainingProgram::trace() const {
  return ProgramTracer(*impl_).run();
}

} // namespace tailor
