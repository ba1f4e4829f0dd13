#include "frontend/graph/trace.h"

#include <algorithm>
#include <atomic>

namespace tailor {

namespace {

thread_local Trace* innermost = nullptr;
thread_local std::int64_t next_op_id = 0;
std::atomic<std::uint64_t> next_scope{0};

const Array* find(const std::vector<Trace::Binding>& bindings, const State* state) {
  for (const Trace::Binding& binding : bindings)
    if (binding.first.get() == state) return &binding.second;
  return nullptr;
}

std::string full_name(const State& state) {
  return "'" + state.group + "." + state.name + "'";
}

} // namespace

Trace::Trace(Kind kind, std::int64_t batch)
    : kind_(kind), scope_(++next_scope), parent_(innermost),
      batch_(batch == 0 && parent_ ? parent_->batch_ : batch) {
  innermost = this;
}

Trace::~Trace() {
  innermost = parent_;
}

Trace* Trace::current() {
  return innermost;
}

Trace& Trace::require(std::string_view op, const Location& location) {
  if (!innermost)
    throw TraceError(std::string(op), "used outside a train or eval step", location,
                     "state, batches and random numbers exist only while a TrainingProgram records a step");
  return *innermost;
}

bool Trace::sees(std::uint64_t scope) const {
  for (const Trace* trace = this; trace; trace = trace->parent_)
    if (trace->scope_ == scope) return true;
  return false;
}

Array Trace::read(const std::shared_ptr<const State>& state, const Location& location) {
  // Here rather than where the value comes from, so that a body captures the state that it reads.
  for (const Trace* trace = this; trace; trace = trace->parent_)
    for (auto redirect = trace->redirects_.rbegin(); redirect != trace->redirects_.rend(); ++redirect)
      if (redirect->first == state) return read(redirect->second, location);
  if (const Array* written = find(writes_, state.get())) return *written;
  if (const Array* known = find(reads_, state.get())) return *known;
  Array value;
  if (kind_ == Kind::body) {
    if (!parent_)
      throw TraceError("read", "state " + full_name(*state) + " is used outside a train or eval step",
                       location);
    value = parent_->read(state, location);
  } else {
    if (state->group.empty())
      throw TraceError("read", "tensor '" + state->name + "' belongs to no state group", location,
                       "give its module to the program: program.state(\"net\", net)");
    value = Array(record_in(scope_, {.op = "load",
                                     .inputs = {},
                                     .options = StateOptions{state},
                                     .results = {state->type},
                                     .location = location,
                                     .name = state->name}),
                  0);
  }
  reads_.emplace_back(state, value);
  return value;
}

void Trace::write(const std::shared_ptr<const State>& state, const Array& value) {
  for (const Trace* trace = this; trace; trace = trace->parent_)
    if (!trace->writes_forbidden_.empty())
      throw TraceError("write", "state " + full_name(*state) + " would change " + trace->writes_forbidden_,
                       value.node()->location, "run the network with Context{.train = false} there");
  for (const Trace* trace = this; trace; trace = trace->parent_)
    for (auto redirect = trace->redirects_.rbegin(); redirect != trace->redirects_.rend(); ++redirect)
      if (redirect->first == state) return write(redirect->second, value);
  if (!(value.type() == state->type))
    throw TraceError("write",
                     "state " + full_name(*state) + " is " + to_string(state->type) + " but the value is " +
                         to_string(value.type()),
                     value.node()->location);
  if (frozen(*state))
    throw TraceError("write",
                     "state " + full_name(*state) + " is frozen in this step and cannot get another value",
                     value.node()->location);
  for (Binding& binding : writes_)
    if (binding.first == state) {
      binding.second = value;
      return;
    }
  writes_.emplace_back(state, value);
}

void Trace::freeze(const std::shared_ptr<const State>& state) {
  frozen_.insert(state.get());
}

bool Trace::frozen(const State& state) const {
  for (const Trace* trace = this; trace; trace = trace->parent_)
    if (trace->frozen_.contains(&state)) return true;
  return false;
}

void Trace::redirect(const std::shared_ptr<const State>& from, std::shared_ptr<const State> to) {
  redirects_.emplace_back(from, std::move(to));
}

void Trace::end_redirects(std::size_t count) {
  redirects_.resize(count);
}

std::string Trace::forbid_writes(std::string why) {
  return std::exchange(writes_forbidden_, std::move(why));
}

Array Trace::entry_read(std::vector<std::pair<std::string, Array>>& known, std::string_view op,
                        const NameOptions& what, const TensorType& type, const Location& location) {
  for (const auto& [name, value] : known)
    if (name == what.name) {
      if (!(value.type() == type))
        throw TraceError(std::string(op),
                         "'" + name + "' is " + to_string(value.type()) + " and cannot be read as " +
                             to_string(type),
                         location);
      return value;
    }
  Array value(record_in(scope_, {.op = op,
                                 .inputs = {},
                                 .options = what,
                                 .results = {type},
                                 .location = location,
                                 .name = what.name}),
              0);
  known.emplace_back(what.name, value);
  return value;
}

Array Trace::control(const std::string& name, const TensorType& type, const Location& location,
                     bool run_constant) {
  if (kind_ == Kind::entry)
    return entry_read(controls_, "control_read", {name, run_constant}, type, location);
  if (!parent_) throw TraceError("control", "'" + name + "' is used outside a train or eval step", location);
  return parent_->control(name, type, location, run_constant);
}

Array Trace::input(const std::string& name, const TensorType& type, const Location& location) {
  if (kind_ == Kind::entry) return entry_read(inputs_, "input", {name}, type, location);
  if (!parent_) throw TraceError("input", "'" + name + "' is used outside a train or eval step", location);
  return parent_->input(name, type, location);
}

Array Trace::pass(const Location& location) {
  if (!pass_.empty()) return pass_;
  if (kind_ == Kind::body && parent_) return parent_->pass(location);
  pass_ = Array(record_in(scope_, {.op = "constant",
                                   .inputs = {},
                                   .options = ConstantOptions{{0.0}},
                                   .results = {{DType::i32, {}}},
                                   .location = location,
                                   .name = "pass"}),
                0);
  return pass_;
}

OpIds::OpIds() : saved_(next_op_id) {
  next_op_id = 0;
}

OpIds::~OpIds() {
  next_op_id = saved_;
}

std::int64_t OpIds::next() {
  return next_op_id++;
}

OpIds::Variants::Variants() : first_(next_op_id), end_(next_op_id) {}

OpIds::Variants::~Variants() {
  next_op_id = std::max(next_op_id, end_);
}

void OpIds::Variants::begin() {
  end_ = std::max(next_op_id, end_);
  next_op_id = first_;
}

} // namespace tailor
