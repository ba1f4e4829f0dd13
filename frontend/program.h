#pragma once

#include "frontend/data.h"
#include "frontend/graph/context.h"
#include "frontend/imbalance/class_stats.h"
#include "frontend/nn/module.h"
#include "frontend/optimizers/ema.h"
#include "frontend/optimizers/schedule.h"
#include "frontend/optimizers/update.h"
#include "frontend/transforms/sam.h"
#include "frontend/transforms/value_and_grad.h"
#include "runtime/base/options.h"

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tailor {

using runtime::Options;

/// What is recorded, for the library's own files (frontend/traced_program.h).
struct Entry;
struct TracedProgram;
class ProgramTracer;

/// Options of a stage: {{"optimizer.lr", 0.01}, {"schedule.name", "cosine"}}, or those of a recipe, which has their
/// places.
class StageOptions {
public:
  StageOptions() = default;
  StageOptions(std::initializer_list<std::pair<std::string, runtime::OptionValue>> values)
      : values_(values) {}
  StageOptions(const Options& options) : options_(options) {}

  /// With the places; those that have none are given at `location`.
  Options at(const Location& location) const;

private:
  std::vector<std::pair<std::string, runtime::OptionValue>> values_;
  Options options_;
};

/// Group `to` gets the tensors of group `from`, which have the same names and shapes; running statistics come along.
struct StageCopy {
  std::string from, to;
};

/// One part of training; they run in order over the same state. What a stage trains is what its step updates.
///
/// When a stage begins, its copies are made; then `initialises` and, unless it continues, the slots and averages that
/// its step updates get their first value (an average starts as a copy of the weights as they are then).
struct Stage {
  std::string name = "main"; ///< without '.': option keys hold it
  std::string step = {};     ///< which step runs; empty: the only one
  std::string eval = {};     ///< by which it is evaluated; empty: the only one
  std::string sampler = {};  ///< option stage.<name>.data.sampler; empty: the program's data.sampler
  /// Length, one of them; options stage.<name>.run.epochs and stage.<name>.run.steps. 0: the program's run.epochs.
  std::int64_t epochs = 0, steps = 0;
  /// Run keys that this stage has otherwise: of its loop (run.keep.best, run.early_stop.*, ...), of schedules,
  /// optimizers, methods, control fields and evaluation. `--set stage.<name>.<key>` changes them.
  StageOptions options = {};
  /// The clock of schedules and rows, optimizer slots, averages and the best epoch go on from the stage before; else
  /// they start anew.
  bool continues = false;
  std::vector<StageCopy> copies = {};
  std::vector<std::string> initialises = {}; ///< state groups, by the names the program gave them
  std::source_location where = std::source_location::current();
};

/// Class tables that change with the epoch: where row 1, 2, ... begin. One of the two.
struct RowStarts {
  std::vector<std::int64_t> epochs = {}; ///< 0-based: {160} is row 1 from the 161st epoch on
  std::vector<double> fractions =
      {}; ///< of the epochs of the run: {0.8} is {160} where there are 200; 1: never
};

/// Options of a program beside what its code says. One that the code gives a value too (a control field, a
/// learning rate) goes over it, as `--set` does; what the code decides when it is compiled cannot be changed here.
///
/// Errors   TraceError at the line of set() when the program is traced and nothing in it reads the key;
///          unknown keys and wrong values when it is compiled, also at that line.
class ProgramOptions {
public:
  /// Any key of a recipe but what is read with the data (data::CsvArgs::more), or of the program's own fields.
  void set(const std::string& key, runtime::OptionValue value,
           const std::source_location& where = std::source_location::current());
  /// All options of a recipe, which has checked them.
  ProgramOptions& operator=(Options options);

  const Options& values() const { return values_; }
  /// Where set() was called, by key.
  const std::map<std::string, Location, std::less<>>& places() const { return places_; }

private:
  Options values_;
  std::map<std::string, Location, std::less<>> places_;
};

/// What step and eval functions share: the batch, the classes, control fields, reports.
class EntryScope {
public:
  const Batch& batch() const { return batch_; }
  /// Rows of the batch, padding included.
  std::int64_t batch_size() const { return batch_size_; }
  Context context() const { return context_; }
  /// Symbolic [K] arrays over the training split's class counts.
  ClassStats classes(const std::source_location& where = std::source_location::current());

  /// A number that may change between runs: option `key`, "control.<name>" unless given. f32 []. It stays what it
  /// is during a run, also when the key is optimizer.lr: a schedule is asked for below.
  /// Errors   TraceError when the same name or key is given another value elsewhere in the program.
  Array control(const std::string& name, double value, const std::string& key = "",
                const std::source_location& where = std::source_location::current());
  /// The same with a schedule. The field `lr` uses optimizer.lr and schedule.*; others control.<name>.*.
  /// Train steps only: evaluation has no place in a schedule.
  Array control(const std::string& name, const Schedule& schedule,
                const std::source_location& where = std::source_location::current());

protected:
  EntryScope(ProgramTracer& tracer, Entry& entry, Context context);
  ProgramTracer& tracer_;
  Entry& entry_;

private:
  void require_clock(const std::string& name, bool scheduled, const Location& location) const;

  Context context_;
  std::int64_t batch_size_;
  Batch batch_;
};

/// The train step being recorded.
class Step : public EntryScope {
public:
  Step(ProgramTracer& tracer, Entry& entry) : EntryScope(tracer, entry, Context{.train = true}) {}

  /// The row of a table [R, ...] in use, i32 []: take(table, row). 0 at first, one more at every start, by the clock of
  /// the stage (0-based epochs). Option `key`, "control.<name>" unless given, is the list; beside a list of fractions
  /// option <key>_epoch, where it is set, says epochs instead. Logged as control/<name>.
  /// Errors   TraceError unless the starts are ascending and of one kind.
  Array epoch_row(const std::string& name, const RowStarts& starts, const std::string& key = "",
                  const std::source_location& where = std::source_location::current());
  /// A number in [0, 1) that the host draws for every step, f32 []: a function of the run's seed, the name and the
  /// updates done (runtime/train/host_random.h), so a resumed run draws the same.
  Array random_uniform(const std::string& name,
                       const std::source_location& where = std::source_location::current());
  /// The same from Beta(alpha, alpha); alpha > 0 is option `key`, "control.<name>" unless given.
  Array random_beta(const std::string& name, double alpha, const std::string& key = "",
                    const std::source_location& where = std::source_location::current());

  /// A scalar per step for log.jsonl: `train/<name>` is its mean over the epoch's steps, weighted by their valid
  /// rows; with run.log_steps every so many steps `step/<name>`. "loss" is the one that progress shows.
  void report(const std::string& name, const Operand& value);
  /// Which share of this step's rows report `name` is of, f32 [] in [0, 1]: 0 where it is of none and has no value, as a mean
  /// by weights that are all 0. It weighs the step in `train/<name>`.
  void count_report(const std::string& name, const Operand& share);
  /// Whether it reports `name` by now.
  bool reports(std::string_view name) const;

  /// These tensors of `net` keep their values in this step, whatever else it does: parameters get no gradient, no
  /// update, no weight decay, and SAM's ascent leaves them where they are. A batch norm whose running statistics match
  /// normalises with them, as in evaluation, and does not move them; freeze only "*.weight" and "*.bias" to let them
  /// follow the data. Patterns are globs over whole names (`*` any letters, dots included; `?` one):
  /// step.freeze(net, {"backbone.*"}). Comes before the gradients are made.
  /// Errors   TraceError for a pattern that matches nothing, with the nearest names.
  void freeze(const nn::Module& net, const std::vector<std::string>& patterns,
              const std::source_location& where = std::source_location::current());

  /// One optimizer step of `net` with `gradients`. Parameters without a gradient stay as they are.
  void update(nn::Module& net, optim::Optimizer& optimizer, const Gradients& gradients, const Operand& lr);
  /// Moves the average towards the parameters as they are now (after the optimizer's update).
  void update(optim::Ema& ema, nn::Module& net,
              const std::source_location& where = std::source_location::current());

private:
  /// The rate of an update as a value, noted for the log.
  Array rate(const Operand& lr);

  optim::Update::Counted counted_;
};

/// The eval step being recorded; also what `predict` runs.
class Eval : public EntryScope {
public:
  Eval(ProgramTracer& tracer, Entry& entry, const Context& context = {.train = false})
      : EntryScope(tracer, entry, context) {}

  /// [N, K], or [N] for one-logit programs. Required, once.
  void logits(const Operand& logits);
  /// [N, D]: representation for collapse metrics and feature export.
  void features(const Operand& features);

private:
  void add_output(const char* name, const Array& value, const Location& location);
};

/// 64 or {16, 64, 256}: the step is recorded once per size.
class BatchSizes {
public:
  BatchSizes(std::int64_t size) : sizes_{size} {}
  BatchSizes(int size) : sizes_{size} {}
  BatchSizes(std::initializer_list<std::int64_t> sizes) : sizes_(sizes) {}
  explicit BatchSizes(std::vector<std::int64_t> sizes) : sizes_(std::move(sizes)) {}
  const std::vector<std::int64_t>& sizes() const { return sizes_; }

private:
  std::vector<std::int64_t> sizes_;
};

struct DataOptions {
  BatchSizes batch = 64;
  BatchSizes eval_batch = 256;
};

/// Whose parameters an eval step reads: the trained ones, or their average.
class EvalWeights {
public:
  EvalWeights() = default;
  EvalWeights(optim::Ema& ema) : ema_(&ema), alive_(ema.lifetime().watch()) {}
  optim::Ema* ema() const { return ema_; }

  /// The average was there once and is gone.
  bool expired() const { return ema_ && alive_.expired(); }

private:
  optim::Ema* ema_ = nullptr;
  std::weak_ptr<const void> alive_;
};

struct EvalOptions {
  EvalWeights weights = {};
  std::vector<std::string> metrics = {}; ///< option eval.metrics
};

/// A whole training program: state, steps, evaluations, stages, data, options. It holds functions; `trace`
/// runs them and returns the recorded graph.
///
/// Lifetime  modules, optimizers and averages are referred to, not owned; the functions are copied, but what a
///           lambda captures by reference (`[&]`, `[this]`) is not. All of it must be there whenever the program
///           is traced: keep them in one class with the program (tailor::main<Class>). A module, optimizer or
///           average that is gone is a TraceError; other captures cannot be checked.
/// Errors    TraceError from every call that is wrong in itself, and from trace(). A second data plan is one, two
///           steps, evaluations or stages of one name, a step or evaluation that no stage uses.
class TrainingProgram {
public:
  explicit TrainingProgram(std::string name,
                           const std::source_location& where = std::source_location::current());
  TrainingProgram(std::string name, const Location& location);
  ~TrainingProgram();
  TrainingProgram(const TrainingProgram&) = delete;
  TrainingProgram& operator=(const TrainingProgram&) = delete;

  void data(data::Plan plan, DataOptions options = {});

  /// Gives a module's tensors to the state group `name` (buffers to `<name>_batchnorm`).
  void state(const std::string& name, nn::Module& module, StateKind kind = StateKind::net,
             const std::source_location& where = std::source_location::current());
  void state(const std::string& name, optim::Optimizer& optimizer,
             const std::source_location& where = std::source_location::current());
  void state(const std::string& name, optim::Ema& ema,
             const std::source_location& where = std::source_location::current());

  /// What one stage, or several, do with a batch of training rows.
  void step(const std::string& name, std::function<void(Step&)> step,
            const std::source_location& where = std::source_location::current());
  /// How a stage is evaluated; that of the last one predicts.
  void eval(const std::string& name, std::function<void(Eval&)> eval, EvalOptions options = {},
            const std::source_location& where = std::source_location::current());
  /// The parts of training, in order. Without it there is one, `main`, of the only step and evaluation.
  void stages(std::vector<Stage> stages, const std::source_location& where = std::source_location::current());

  /// step("train_step", ...) and eval("eval_step", ...): for a program with one of each.
  void train_step(std::function<void(Step&)> step,
                  const std::source_location& where = std::source_location::current());
  void eval_step(std::function<void(Eval&)> eval, EvalOptions options = {},
                 const std::source_location& where = std::source_location::current());

  const std::string& name() const;
  /// State groups given to it so far.
  std::size_t num_states() const;
  ProgramOptions& options();
  const Options& options() const;

  /// Runs the functions once per batch size and returns what they recorded. Every call gives the same
  /// program.
  TracedProgram trace() const;

  struct Group; ///< of the library's own files (program_tracer.h)
  struct Impl;

private:
  friend class ProgramTracer;
  void add_group(Group group);
  /// What two groups would both hold, for a message; empty: nothing.
  static std::string shared_state(const Group& known, const Group& group);
  std::unique_ptr<Impl> impl_;
};

} // namespace tailor
