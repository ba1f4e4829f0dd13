#pragma once

#include "frontend/graph/fitted.h"
#include "frontend/optimizers/recorder.h"
#include "frontend/traced_program.h"

#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// State a program was given: a module's tensors, or the slots of an optimizer or average.
struct TrainingProgram::Group {
  std::string name;
  StateKind kind = StateKind::net;
  nn::Module* module = nullptr;
  const void* owner = nullptr;                                  ///< the optimizer or average, if it is one
  std::vector<std::pair<std::string, optim::SlotGroup*>> slots; ///< group name, its slots
  std::weak_ptr<const void> alive;                              ///< expires with the module or the slots
  Location location;
};

/// What a TrainingProgram was told, until it is traced.
struct TrainingProgram::Impl {
  std::string name;
  Location location;
  data::Plan plan;
  bool has_plan = false;
  DataOptions data_options;
  std::vector<Group> groups;
  struct NamedStep {
    std::string name;
    std::function<void(Step&)> step;
    Location location;
  };
  struct NamedEval {
    std::string name;
    std::function<void(Eval&)> eval;
    EvalOptions options;
    Location location;
  };
  std::vector<NamedStep> steps;
  std::vector<NamedEval> evals;
  std::vector<Stage> stages; ///< empty: one, of the only step and evaluation
  Location stages_location;
  ProgramOptions options;
};

/// Runs the functions of a program and gathers what they record.
class ProgramTracer final : public optim::Recorder {
public:
  explicit ProgramTracer(const TrainingProgram::Impl& program);
  TracedProgram run();

  // What EntryScope and Step need.
  const data::Schema& schema() const { return program_.plan.schema(); }
  std::shared_ptr<const State> class_counts();
  /// Declares a control field on first use and reads it.
  /// Errors   TraceError when it is evaluated in another way elsewhere.
  Array control(ControlField field);
  /// The same for an f32 field from option `key` with the schedule under schedule_prefix(key).
  Array scheduled(const std::string& name, const std::string& key, const Location& location);
  /// The program reads `key` where it is set, and does without.
  void may_have(const std::string& key) { out_.declared.insert(key); }
  /// The least value of a key that default_option() gave and no recipe knows.
  void require_positive(const std::string& key);

  // What an update needs.
  optim::OptionPrefix prefix_of(const std::string& section, const void* owner,
                                const Location& location) override;
  void default_option(const std::string& key, runtime::OptionValue value, runtime::OptionStage stage,
                      const Location& location) override;
  void compiled_in(const std::string& key) override;
  Array number(const std::string& name, const std::string& key, const Location& location) override;
  Array number_like(const Array& rate, const std::string& name, const std::string& key,
                    const Location& location) override;
  Array average_decay(const optim::OptionPrefix& prefix, const Location& location) override;
  void note_pattern(const void* owner, const std::string& group, const std::string& pattern,
                    const std::vector<std::string>& names, const Location& location) override;
  void note_decay(const State& parameter, bool decays) override {
    bool& known = out_.decayed[&parameter];
    known = known || decays;
  }
  void note_slot(const State& slot, const State& parameter) override {
    if (auto known = out_.decayed.find(&parameter); known != out_.decayed.end())
      out_.decayed[&slot] = known->second;
  }

private:
  void check_lifetimes() const;
  /// Options that nothing reads, and schedules of fields that have none.
  void check_options() const;
  void check_patterns() const;
  void default_eval_options();
  /// One of the sizes that an entry is traced for: it has the entry's name, or "NAME_bSIZE" where there are several.
  static Entry variant_of(Entry::Kind kind, const std::string& name, const std::vector<std::int64_t>& sizes,
                          std::int64_t size, const Location& location);
  void trace_step(const TrainingProgram::Impl::NamedStep& step);
  void trace_eval(const TrainingProgram::Impl::NamedEval& eval);
  /// What recomputes the running statistics of the average that an evaluation reads: its function in training mode.
  void trace_statistics(const TrainingProgram::Impl::NamedEval& eval);
  void check_reports() const;
  void check_row_weights() const;
  void check_averages() const;
  /// The batch norms that no step moves keep their statistics in an average as well.
  void note_frozen(const Trace& trace);
  void redirect_to_average(Trace& trace, const TrainingProgram::Impl::NamedEval& eval) const;
  void hoist_tables();
  std::shared_ptr<const State> table_state(const Array& table);
  void collect_groups();

  const TrainingProgram::Impl& program_;
  TracedProgram out_;
  std::shared_ptr<State> class_counts_;
  /// Tables of the fit entry, in order; equal tables of different variants share one.
  std::vector<std::pair<Array, std::shared_ptr<const State>>> tables_;
  /// What the code said of an option, and where first.
  struct Said {
    runtime::OptionValue value;
    Location location;
  };
  std::map<std::string, Said> said_;
  std::map<std::string, std::vector<const void*>> owners_; ///< by section, in order of first update
  std::map<std::shared_ptr<const State>, std::int64_t>
      frozen_; ///< running statistics: recorded steps that freeze them
  std::int64_t num_recorded_steps_ = 0;
  struct Pattern {
    std::string group;
    std::vector<std::string> names; ///< that it was held against
    bool matched = false;
    Location location;
  };
  std::map<std::pair<const void*, std::string>, Pattern> patterns_; ///< by optimizer and pattern
};

} // namespace tailor
