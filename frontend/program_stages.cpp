#include "frontend/program_stages.h"

#include "frontend/graph/error.h"
#include "runtime/base/wording.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/stage_keys.h"

#include <algorithm>
#include <set>

namespace tailor {

namespace {

using runtime::EvalKeys;
using runtime::key_name;
using runtime::RunKeys;

Location location_of(const Stage& stage) {
  return LocationScope::resolve(make_location(stage.where));
}

template <class Named> std::string names_of(const std::vector<Named>& parts) {
  std::string text;
  for (const Named& part : parts)
    text += (text.empty() ? "" : ", ") + part.name;
  return text;
}

/// "did you mean 'net'? there are net, generator"
std::string choices(const std::vector<std::string>& names, const std::string& wanted) {
  const std::string near = runtime::did_you_mean(wanted, names);
  return near + (near.empty() ? "" : " ") + "there are " + runtime::listed(names);
}

/// The one of `parts` that `name` says; the only one where it says none.
template <class Named>
std::string chosen(const char* what, const std::vector<Named>& parts, const std::string& name,
                   const std::string& stage, const Location& location) {
  if (name.empty() && parts.size() == 1) return parts.front().name;
  if (name.empty())
    throw TraceError("stages",
                     "stage '" + stage + "' names no " + what + ", and the program has " +
                         std::to_string(parts.size()) + ": " + names_of(parts),
                     location);
  std::vector<std::string> names;
  for (const Named& part : parts) {
    if (part.name == name) return name;
    names.push_back(part.name);
  }
  throw TraceError("stages",
                   "stage '" + stage + "' names the " + what + " '" + name + "', which there is not",
                   location, choices(names, name));
}

/// A compile key: a recipe has made the stage's step of it, and checked it. Code has no keys of that kind.
bool is_of_recipe(const runtime::Option& option) {
  return option.stage == runtime::OptionStage::kCompile;
}

Options options_of(const Stage& stage, const TrainingProgram::Impl::NamedEval& eval, bool several_evals,
                   const Location& location) {
  Options options = stage.options.at(location);
  const auto set = [&](const std::string& key, runtime::OptionValue value, const Location& place) {
    if (options.contains(key))
      throw TraceError("stages", "stage '" + stage.name + "' says '" + key + "' twice", place,
                       "as a member of Stage, or among its options");
    runtime::Option option;
    option.value = std::move(value);
    option.origin = to_string(place);
    options.set(key, std::move(option));
  };
  if (stage.epochs > 0) set(key_name(&RunKeys::epochs), stage.epochs, location);
  if (stage.steps > 0) set(key_name(&RunKeys::steps), stage.steps, location);
  if (!stage.sampler.empty()) set(key_name(&runtime::DataKeys::sampler), stage.sampler, location);
  const std::vector<std::string>& metrics = eval.options.metrics;
  if (const std::string& key = key_name(&EvalKeys::metrics);
      several_evals && !metrics.empty() && !options.contains(key))
    set(key, runtime::OptionValue::List(metrics.begin(), metrics.end()), eval.location);
  for (const auto& [key, option] : options)
    if (!is_of_recipe(option) && !runtime::may_differ_by_stage(key))
      throw TraceError("stages",
                       "stage '" + stage.name + "' sets '" + key + "', which is the same in all stages",
                       location, "program.options().set(\"" + key + "\", ...)");
  return options;
}

template <class Named>
void require_used(const char* what, const std::vector<Named>& parts, const std::set<std::string>& used) {
  for (const Named& part : parts)
    if (!used.contains(part.name))
      throw TraceError("stages", std::string("no stage uses the ") + what + " '" + part.name + "'",
                       part.location);
}

/// The traced groups that a declared one became, first that of its parameters: "net" is "net" and "net_batchnorm".
std::vector<const StateGroup*> traced_groups(const TrainingProgram::Group& declared,
                                             const TracedProgram& traced) {
  std::vector<std::string> names;
  if (declared.module) names = {declared.name, declared.name + "_batchnorm"};
  for (const auto& [name, slots] : declared.slots)
    names.push_back(name);
  std::vector<const StateGroup*> groups;
  for (const std::string& name : names)
    for (const StateGroup& group : traced.groups)
      if (group.name == name) groups.push_back(&group);
  return groups;
}

const TrainingProgram::Group& declared_group(const TrainingProgram::Impl& program, const std::string& name,
                                             const std::string& what, const Location& location) {
  std::vector<std::string> names;
  for (const TrainingProgram::Group& group : program.groups) {
    if (group.name == name) return group;
    names.push_back(group.name);
  }
  throw TraceError("stages", what + " the state group '" + name + "', which there is not", location,
                   choices(names, name));
}

/// Where two groups are not alike, the first tensors that disagree; empty: they are.
std::string difference(const StateGroup& from, const StateGroup& to) {
  constexpr std::size_t kShown = 3;
  const auto type_of = [](const StateGroup& group, const std::string& name) -> std::string {
    for (const auto& state : group.states)
      if (state->name == name) return to_string(state->type);
    return "not there";
  };
  std::vector<std::string> names;
  for (const StateGroup* group : {&from, &to})
    for (const auto& state : group->states)
      if (std::find(names.begin(), names.end(), state->name) == names.end()) names.push_back(state->name);
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    const std::string a = type_of(from, name), b = type_of(to, name);
    if (a == b) continue;
    if (count++ < kShown)
      text += (text.empty() ? "'" : ", '") + name + "' is " + a + " in '" + from.name + "' and " + b +
              " in '" + to.name + "'";
  }
  return count > kShown ? text + ", and " + std::to_string(count - kShown) + " more" : text;
}

class StageResolver {
public:
  StageResolver(const TrainingProgram::Impl& program, TracedProgram& traced)
      : program_(program), traced_(traced) {
    for (const Entry& entry : traced.entries) {
      for (const auto& [state, value] : entry.stores)
        stored_[entry.entry_name].insert(state->group);
      counted_[entry.entry_name].insert(entry.counted.begin(), entry.counted.end());
    }
  }

  void run() {
    for (std::size_t i = 0; i < traced_.stages.size(); ++i) {
      TracedStage& stage = traced_.stages[i];
      std::vector<StageCopy> copies;
      for (const StageCopy& copy : stage.copies)
        add_copy(stage, copy, copies);
      std::vector<std::string> wanted = std::move(stage.initialises);
      stage.initialises.clear();
      for (const std::string& name : wanted)
        initialise(stage, name, copies);
      stage.copies = std::move(copies);
      if (stage.continues) check_counts(stage, traced_.stages[i - 1]);
      start(stage, i == 0);
      type_options(stage);
      const std::set<std::string>& groups = stored_[stage.step];
      trained_.insert(groups.begin(), groups.end());
    }
  }

private:
  void add_copy(const TracedStage& stage, const StageCopy& copy, std::vector<StageCopy>& copies) {
    const std::string who = "stage '" + stage.name + "' copies";
    const TrainingProgram::Group& from = declared_group(program_, copy.from, who, stage.location);
    const TrainingProgram::Group& to = declared_group(program_, copy.to, who + " to", stage.location);
    const auto sources = traced_groups(from, traced_), targets = traced_groups(to, traced_);
    if (&from == &to) throw TraceError("stages", who + " '" + copy.from + "' to itself", stage.location);
    if (sources.empty() || targets.empty())
      throw TraceError("stages",
                       who + " '" + (sources.empty() ? copy.from : copy.to) + "', which no step uses",
                       stage.location);
    // An average that leaves running statistics to its network copies weights only.
    const bool weights_only = from.kind == StateKind::ema && sources.size() == 1;
    if (sources.size() != targets.size() && !weights_only)
      throw TraceError("stages",
                       who + " '" + copy.from + "' to '" + copy.to + "', but '" +
                           (sources.size() > targets.size() ? sources : targets).back()->name +
                           "' has no counterpart",
                       stage.location);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::string differs = difference(*sources[i], *targets[i]);
      if (!differs.empty())
        throw TraceError("stages",
                         who + " '" + copy.from + "' to '" + copy.to + "', which are not alike: " + differs,
                         stage.location);
      copies.push_back({sources[i]->name, targets[i]->name});
    }
    if (!trained_.contains(sources.front()->name))
      throw TraceError("stages",
                       who + " from '" + copy.from + "', which no stage before '" + stage.name + "' trains",
                       stage.location, "a module that starts like another: module.start_as(other)");
    for (const StateGroup* target : targets)
      trained_.insert(target->name);
  }

  void initialise(TracedStage& stage, const std::string& name, const std::vector<StageCopy>& copies) {
    const std::string who = "stage '" + stage.name + "' initialises";
    for (const StateGroup* group :
         traced_groups(declared_group(program_, name, who, stage.location), traced_)) {
      for (const StageCopy& copy : copies)
        if (copy.to == group->name)
          throw TraceError("stages", who + " '" + name + "', to which it copies '" + copy.from + "'",
                           stage.location, "copies come first: the copy would be lost");
      stage.initialises.push_back(group->name);
    }
  }

  /// The first stage starts everything but what is fitted on the data; a later one the slots and averages that its step
  /// updates, but those that it continues: the stage before has updated them. Averages of others stay: they may be
  /// teachers.
  void start(TracedStage& stage, bool first) {
    std::vector<std::string> started;
    const auto continued = [&](const std::string& group) {
      return stage.continues && stored_[previous_step_].contains(group);
    };
    for (const StateGroup& group : traced_.groups) {
      const bool listed = std::find(stage.initialises.begin(), stage.initialises.end(), group.name) !=
                          stage.initialises.end();
      const bool is_slot = group.kind == StateKind::optimizer || group.kind == StateKind::ema;
      const bool anew = first ? group.kind != StateKind::fitted
                              : is_slot && stored_[stage.step].contains(group.name) && !continued(group.name);
      const bool copied = std::any_of(stage.copies.begin(), stage.copies.end(),
                                      [&](const StageCopy& copy) { return copy.to == group.name; });
      if (listed || (anew && !copied)) started.push_back(group.name);
    }
    stage.initialises = std::move(started); // in the program's order: an average after its weights
    previous_step_ = stage.step;
  }

  /// What corrects moments, and what warms averages up, counts updates from where slots and averages start: one number a
  /// step and kind, so in a stage that continues all go on or all start.
  void check_counts(const TracedStage& stage, const TracedStage& before) const {
    const auto& now = counted_.at(stage.step);
    const auto& then = counted_.at(before.step);
    const std::set<std::string>&stored = stored_.at(stage.step), &stored_before = stored_.at(before.step);
    const auto refuse = [&](const std::string& what) {
      throw TraceError("stages", "stage '" + stage.name + "' continues '" + before.name + "', but " + what,
                       stage.location, "without continues, clock, slots and averages start anew");
    };
    const auto goes_on = [&](const optim::Optimizer* optimizer) {
      return std::any_of(then.begin(), then.end(), [&](const auto& pair) { return pair.first == optimizer; });
    };
    const bool any_goes_on =
        std::any_of(now.begin(), now.end(), [&](const auto& pair) { return goes_on(pair.first); });
    for (const auto& [optimizer, parameter] : now)
      if (any_goes_on && !then.contains({optimizer, parameter}))
        refuse(optimizer->name() + " updates '" + parameter->name +
               "' only in it: its count of updates is that of '" + before.name + "'");
    for (const StateKind kind : {StateKind::optimizer, StateKind::ema}) {
      const StateGroup *first = nullptr, *on = nullptr;
      for (const StateGroup& group : traced_.groups)
        if (group.kind == kind && stored.contains(group.name))
          (stored_before.contains(group.name) ? on : first) = &group;
      if (first && on && (kind == StateKind::ema || any_goes_on))
        refuse("'" + first->name + "' starts in it and '" + on->name +
               "' goes on: they count updates together");
    }
  }

  /// An option of a stage is one of the program's, or of its recipe: nothing else is read.
  void type_options(TracedStage& stage) {
    Options typed;
    for (const auto& [key, given] : stage.options) {
      runtime::Option option = given;
      if (const runtime::Option* whole = traced_.options.find(key); whole && !is_of_recipe(given)) {
        option.type = whole->type;
        option.limits = whole->limits;
        option.stage = whole->stage;
      }
      typed.set(key, std::move(option));
      const std::string prefix = key.substr(0, key.rfind('.'));
      const bool of_schedule = prefix == "schedule" || prefix.ends_with(".schedule");
      const bool is_read =
          traced_.declared.contains(key) || (of_schedule && traced_.declared.contains(prefix + ".name"));
      const bool of_the_loop =
          key.starts_with("run.") || key.starts_with("eval.") || key.starts_with("data.");
      if (!of_the_loop && !is_read && !is_of_recipe(given))
        throw TraceError("stages",
                         "stage '" + stage.name + "' sets '" + key + "', which nothing in this program reads",
                         stage.location);
    }
    stage.options = std::move(typed);
  }

  const TrainingProgram::Impl& program_;
  TracedProgram& traced_;
  std::string previous_step_;                           ///< of the stage before
  std::map<std::string, std::set<std::string>> stored_; ///< groups that a step changes, by its name
  /// Parameters by the optimizer that counts its updates of them, by the name of the step.
  std::map<std::string, std::set<std::pair<const optim::Optimizer*, const State*>>> counted_;
  std::set<std::string> trained_; ///< by the stages so far
};

} // namespace

void check_stages(const std::vector<Stage>& stages) {
  std::set<std::string> names;
  for (const Stage& stage : stages) {
    const Location location = location_of(stage);
    if (stage.name.empty() || stage.name.find_first_of(std::string_view(".\0", 2)) != std::string::npos)
      throw TraceError("stages", "a stage needs a name without '.', not '" + stage.name + "'", location,
                       "its options are stage.<name>.<key>");
    if (!names.insert(stage.name).second)
      throw TraceError("stages", "there are two stages named '" + stage.name + "'", location);
    if (stage.epochs < 0 || stage.steps < 0 || (stage.epochs > 0 && stage.steps > 0))
      throw TraceError("stages",
                       "stage '" + stage.name + "' has the length " + std::to_string(stage.epochs) +
                           " epochs and " + std::to_string(stage.steps) + " steps",
                       location, "one of them, above 0; without either it is run.epochs");
  }
  if (!stages.empty() && stages.front().continues)
    throw TraceError("stages",
                     "stage '" + stages.front().name + "' is the first: there is nothing it continues",
                     location_of(stages.front()));
}

std::vector<TracedStage> name_stages(const TrainingProgram::Impl& program) {
  std::vector<Stage> stages = program.stages;
  if (stages.empty() && program.steps.size() > 1)
    throw TraceError("stages",
                     "the program has " + std::to_string(program.steps.size()) + " steps (" +
                         names_of(program.steps) + ") and no stages",
                     program.location, "program.stages({{.name = \"...\", .step = \"...\"}, ...})");
  if (stages.empty()) stages.emplace_back();
  std::vector<TracedStage> traced;
  std::set<std::string> steps, evals;
  for (const Stage& stage : stages) {
    TracedStage out;
    out.location = program.stages.empty() ? program.location : location_of(stage);
    out.name = stage.name;
    out.step = chosen("step", program.steps, stage.step, stage.name, out.location);
    out.eval = chosen("evaluation", program.evals, stage.eval, stage.name, out.location);
    out.continues = stage.continues;
    out.copies = stage.copies;
    out.initialises = stage.initialises;
    const auto eval = std::find_if(program.evals.begin(), program.evals.end(),
                                   [&](const auto& known) { return known.name == out.eval; });
    out.options = options_of(stage, *eval, program.evals.size() > 1, out.location);
    steps.insert(out.step);
    evals.insert(out.eval);
    traced.push_back(std::move(out));
  }
  require_used("step", program.steps, steps);
  require_used("evaluation", program.evals, evals);
  return traced;
}

void resolve_stages(const TrainingProgram::Impl& program, TracedProgram& traced) {
  StageResolver(program, traced).run();
}

} // namespace tailor
