#pragma once

#include "frontend/fitted.h"
#include "frontend/program.h"

#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// State a program was given: a module's tensors, or the slots of an optimizer or average.
struct TrainingProgram::Group {
  std::string name;
  StateKind kind = StateKind::net;
  nn::Module* module = nullptr;
  std::vector<std::pair<std::string, optim::SlotGroup*>> slots; ///< group name, its slots
  Location location;
};

/// What a TrainingProgram was told, until it is traced.
struct TrainingProgram::Impl {
  std::string name;
  Location location;
  data::Plan plan;
  DataOptions data_options;
  std::vector<Group> groups;
  std::function<void(Step&)> train_step;
  Location train_location;
  std::function<void(Eval&)> eval_step;
  EvalOptions eval_options;
  Location eval_location;
  std::vector<Stage> stages{Stage{}};
  Options options;
};

/// Runs the functions of a program and gathers what they record.
class ProgramTracer {
public:
  explicit ProgramTracer(const TrainingProgram::Impl& program);
  TracedProgram run();

  // What EntryScope and Step need.
  const data::Schema& schema() const { return program_.plan.schema(); }
  std::shared_ptr<const State> class_counts();
  /// Declares a control field on first use and reads it. `scheduled`: changes during a run.
  Array control(const std::string& name, const std::string& key, bool scheduled, const Location& location);
  /// Gives `key` a value unless the recipe or program has one.
  void default_option(const std::string& key, runtime::OptionValue value, runtime::OptionStage stage,
                      const Location& location);
  /// Nothing that runs reads this option any more: the artifact has it as a compile key.
  void compiled_in(const std::string& key);
  /// TraceError unless the slots' owner was given to the program.
  void require_state(const optim::SlotGroup& slots, const Location& location) const;
  void set_decay_filter(optim::DecayFilter filter, const Location& location);

private:
  void trace_steps();
  void trace_evals();
  void redirect_to_average(Trace& trace, optim::Ema& ema) const;
  void hoist_tables();
  std::shared_ptr<const State> table_state(const Array& table);
  void collect_groups();

  const TrainingProgram::Impl& program_;
  TracedProgram out_;
  std::shared_ptr<State> class_counts_;
  /// Tables of the fit entry, in order; equal tables of different variants share one.
  std::vector<std::pair<Array, std::shared_ptr<const State>>> tables_;
  bool decay_filter_known_ = false;
};

} // namespace tailor
