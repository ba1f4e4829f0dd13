#include "frontend/optimizers/update.h"

#include "frontend/graph/trace.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "frontend/optimizers/recorder.h"
#include "runtime/base/glob.h"

#include <algorithm>

namespace tailor::optim {

using runtime::OptionStage;
using runtime::OptionValue;

namespace {

Location place_of(const ParameterGroup& group) {
  return group.place.known() ? group.place : LocationScope::resolve(make_location(group.where));
}

void check_group(const ParameterGroup& group, const std::vector<ParameterGroup>& groups) {
  const Location place = place_of(group);
  const bool is_word = !group.name.empty() && group.name.find('.') == std::string::npos;
  if (!is_word)
    detail::fail("update", "a parameter group needs a name without a '.', not '" + group.name + "'", place);
  for (const ParameterGroup& other : groups)
    if (&other != &group && other.name == group.name)
      detail::fail("update", "there are two parameter groups named '" + group.name + "'", place);
  if (group.match.empty())
    detail::fail("update", "parameter group '" + group.name + "' matches nothing: it has no pattern", place,
                 ".match = {\"head.*\"}");
  if (!group.lr && !group.lr_scale && !group.weight_decay)
    detail::fail("update", "parameter group '" + group.name + "' says nothing", place,
                 "a group has .lr or .lr_scale, .weight_decay or both");
  if (group.lr && group.lr_scale)
    detail::fail("update", "parameter group '" + group.name + "' has both lr and lr_scale", place);
  const std::string what = "of parameter group '" + group.name + "'";
  if (group.lr) detail::require_between("update", "lr " + what, *group.lr, 0, Update::kLargest, place);
  if (group.lr_scale)
    detail::require_between("update", "lr_scale " + what, *group.lr_scale, 0, Update::kLargest, place);
  if (group.weight_decay)
    detail::require_between("update", "weight_decay " + what, *group.weight_decay, 0, Update::kLargest,
                            place);
}

bool is_member(const ParameterGroup& group, const std::string& name) {
  return std::any_of(group.match.begin(), group.match.end(),
                     [&](const std::string& pattern) { return runtime::matches_glob(pattern, name); });
}

} // namespace

Update::Update(const Args& args)
    : recorder_(args.recorder), counted_(args.counted), net_(args.net), optimizer_(args.optimizer),
      location_(args.location), valid_(args.valid) {
  const CommonOptions& common = optimizer_.common();
  prefix_ = std::make_unique<OptionPrefix>(recorder_.prefix_of("optimizer", &optimizer_, location_));
  detail::require_between("update", "weight_decay", common.weight_decay, 0, kLargest, location_);
  choice("name", optimizer_.name());
  recorder_.default_option(prefix_->key + "weight_decay", common.weight_decay, OptionStage::kRun, location_);
  choice("decay_filter", runtime::word_of(common.decay_filter));

  Trace& trace = Trace::require("update", location_);
  for (const auto& [name, tensor] : net_.tensors()) {
    const std::shared_ptr<const State>& state = tensor->state();
    Array gradient = args.gradients.find(*state);
    if (gradient.empty()) continue;
    if (trace.frozen(*state))
      throw TraceError("update",
                       "'" + state->name + "' is frozen in this step, but there is a gradient for it",
                       location_, "step.freeze comes before the gradients are made");
    states_.push_back(state);
    weights_.push_back(trace.read(state, location_));
    gradients_.push_back(gradient);
  }
  if (states_.empty())
    throw TraceError("update", "the gradients hold no parameter of this module", location_);
  form_segments(common);
  rate_ = args.rate();
}

Update::~Update() = default;

void Update::finish() {
  const CommonOptions& common = optimizer_.common();
  const std::string who = "optimizer '" + optimizer_.name() + "' ";
  if (!wrote_weights_)
    detail::fail("update", who + "writes no weights", location_, "update.write_weights(values)");
  if (rates_.empty())
    detail::fail("update", who + "does not read the learning rate that it is given", location_,
                 "update.learning_rate(i) is that of the i-th parameter");
  const bool own_decay = std::any_of(memberships_.begin(), memberships_.end(),
                                     [](const Membership& membership) { return !membership.weight_decay; });
  if (!decays_.empty() && own_decay) return;
  const bool has_decay =
      std::any_of(common.groups.begin(), common.groups.end(),
                  [](const ParameterGroup& group) { return group.weight_decay.has_value(); });
  if (decays_.empty() && (common.weight_decay != 0 || has_decay))
    detail::fail("update", who + "has a weight decay that it does not read", location_,
                 "update.weight_decay(i) is that of the i-th parameter");
  // No field reads the key: it cannot change at run time.
  recorder_.compiled_in(prefix_->key + "weight_decay");
}

void Update::form_segments(const CommonOptions& options) {
  for (const ParameterGroup& group : options.groups)
    check_group(group, options.groups);
  std::vector<std::string> names;
  for (const auto& state : states_) {
    names.push_back(state->name);
    Membership membership;
    for (std::size_t g = 0; g < options.groups.size(); ++g) {
      const ParameterGroup& group = options.groups[g];
      if (!is_member(group, state->name)) continue;
      auto take = [&](std::optional<std::size_t>& said, bool says, const char* what) {
        if (!says) return;
        if (said)
          throw TraceError("update",
                           "parameter groups '" + options.groups[*said].name + "' and '" + group.name +
                               "' both say the " + what + " of '" + state->name + "'",
                           place_of(group), "a parameter may be in both if only one of them says it");
        said = g;
      };
      take(membership.rate, group.lr || group.lr_scale, "rate");
      take(membership.weight_decay, group.weight_decay.has_value(), "weight_decay");
    }
    auto known = std::find(memberships_.begin(), memberships_.end(), membership);
    segments_.push_back(static_cast<std::int32_t>(known - memberships_.begin()));
    if (known == memberships_.end()) memberships_.push_back(membership);
    // What a group says of its parameters goes over what the filter says of all.
    decayed_.push_back(options.decay_filter == DecayFilter::all || !state->norm_or_bias ||
                       membership.weight_decay.has_value());
    recorder_.note_decay(*state, decayed_.back());
  }
  for (const ParameterGroup& group : options.groups)
    for (const std::string& pattern : group.match)
      recorder_.note_pattern(&optimizer_, group.name, pattern, names, place_of(group));
}

Array Update::group_rate(std::size_t index) {
  const ParameterGroup& group = optimizer_.common().groups[index];
  const std::string option = prefix_->key + "groups." + group.name + ".lr";
  recorder_.default_option(option, *group.lr, OptionStage::kRun, location_);
  const Array rate =
      recorder_.number_like(rate_, prefix_->field + "group_" + group.name + "_lr", option, location_);
  if (rate.empty())
    detail::fail("update",
                 "parameter group '" + group.name +
                     "' has an lr of its own, but the step computes that of the update, and so its schedule",
                 place_of(group), ".lr_scale is a factor on it");
  return rate;
}

Array Update::group_number(std::size_t group, const char* key, double value) {
  const std::string& name = optimizer_.common().groups[group].name;
  const std::string option = prefix_->key + "groups." + name + "." + key;
  recorder_.default_option(option, value, OptionStage::kRun, location_);
  return recorder_.number(prefix_->field + "group_" + name + "_" + key, option, location_);
}

const std::vector<Array>& Update::learning_rates() {
  if (!rates_.empty()) return rates_;
  LocationScope scope(location_);
  const std::vector<ParameterGroup>& groups = optimizer_.common().groups;
  for (const auto& [index, decay] : memberships_)
    rates_.push_back(!index ? rate_
                     : groups[*index].lr
                         ? group_rate(*index)
                         : rate_ * group_number(*index, "lr_scale", *groups[*index].lr_scale));
  return rates_;
}

const std::vector<Array>& Update::weight_decays() {
  if (!decays_.empty()) return decays_;
  for (const Membership& membership : memberships_)
    decays_.push_back(
        !membership.weight_decay
            ? recorder_.number(prefix_->field + "weight_decay", prefix_->key + "weight_decay", location_)
            : group_number(*membership.weight_decay, "weight_decay",
                           *optimizer_.common().groups[*membership.weight_decay].weight_decay));
  return decays_;
}

Array Update::weight_decay(std::size_t i) {
  if (decayed_[i]) return weight_decays()[static_cast<std::size_t>(segments_[i])];
  LocationScope scope(location_);
  return constant(0.0);
}

Array Update::step() {
  for (const auto& state : states_)
    if (!counted_.insert({&optimizer_, state.get()}).second)
      throw TraceError("update",
                       "'" + state->name + "' is updated twice in a step by one " + optimizer_.name(),
                       location_, "it counts one update a step: add the gradients, or use two optimizers");
  return Trace::require("update", location_).control("step", {DType::i32, {}}, location_);
}

Array Update::number(const std::string& key, double value, double low, double high,
                     const std::string& field) {
  detail::require_between("update", key, value, low, high, location_);
  recorder_.default_option(prefix_->key + key, value, OptionStage::kRun, location_);
  return recorder_.number(prefix_->field + (field.empty() ? key : field), prefix_->key + key, location_);
}

void Update::choice(const std::string& key, OptionValue value) {
  recorder_.default_option(prefix_->key + key, std::move(value), OptionStage::kCompile, location_);
  recorder_.compiled_in(prefix_->key + key);
}

std::vector<Array> Update::read(SlotGroup& slots, const InitRule& init) {
  for (const auto& [name, tensor] : net_.tensors())
    if (tensor->state()->role == State::Role::parameter) slots.slot(tensor->state(), init, location_);
  Trace& trace = Trace::require("update", location_);
  std::vector<Array> values;
  for (const auto& state : states_) {
    const auto slot = slots.slot(state, init, location_);
    recorder_.note_slot(*slot, *state);
    values.push_back(trace.read(slot, location_));
  }
  return values;
}

Array Update::unless_empty(const Array& fresh, const Array& old) {
  if (optimizer_.keeps_empty_steps()) return fresh;
  LocationScope scope(location_);
  return where(valid_ > 0, fresh, old);
}

void Update::write(SlotGroup& slots, const std::vector<Array>& values, const InitRule& init) {
  Trace& trace = Trace::require("update", location_);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto slot = slots.slot(states_[i], init, location_);
    trace.write(slot, unless_empty(values[i], trace.read(slot, location_)));
  }
}

void Update::write_weights(const std::vector<Array>& values) {
  Trace& trace = Trace::require("update", location_);
  for (std::size_t i = 0; i < values.size(); ++i)
    trace.write(states_[i], unless_empty(values[i], weights_[i]));
  wrote_weights_ = true;
}

} // namespace tailor::optim
