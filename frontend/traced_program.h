#pragma once

#include "frontend/graph/trace.h"
#include "frontend/program.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// A scalar or small vector the host writes before every step (VerifyPhases: no other scalar may vary).
struct ControlField {
  std::string name;
  TensorType type;
  std::string key; ///< option the host evaluates it from; empty for the loop's own (valid, slot, rng, step)
  Location location;
  /// How the host evaluates it, as tailor.control_field says. A field from an option keeps its value for a stage:
  /// tables may depend on it.
  enum class Source : std::uint8_t {
    loop,
    option,
    schedule,
    average_decay,
    epoch_row,
    fraction_row,
    random_uniform,
    random_beta
  };
  Source source = Source::loop;
  std::string options_prefix = {}; ///< of what shapes a schedule or a decay: "schedule", "method.ema"
};

/// One recorded entry point for one batch size.
struct Entry {
  enum class Kind : std::uint8_t {
    fit,
    step,
    eval,
    statistics ///< recomputes what an evaluation with averaged weights normalises with (EmaBatchNorm::recompute)
  };
  struct Named {
    std::string name;
    Array value;
    Location location;
  };
  std::string name;       ///< "train_step", or "train_step_b64" when there are several variants
  std::string entry_name; ///< "train_step"
  Kind kind = Kind::step;
  std::int64_t batch = 0;      ///< rows, of one micro-batch; 0 for fit
  std::int64_t accumulate = 1; ///< micro-batches of a step
  std::vector<Trace::Binding> stores;
  std::vector<Named> reports;
  std::vector<Named> outputs;
  /// The learning rate of the step's first update. A control field is named in `learning_rate`, another value is
  /// reported as "lr".
  std::optional<Named> rate;
  std::string learning_rate;
  /// Parameters by the optimizer that counts its updates of them.
  std::set<std::pair<const optim::Optimizer*, const State*>> counted;
  /// Tables the fit entry computes: reading the value means loading the state.
  std::vector<std::pair<Array, std::shared_ptr<const State>>> fitted;
  Location location;
};

/// A stage with everything looked up.
struct TracedStage {
  std::string name, step, eval;
  bool continues = false;
  std::vector<StageCopy> copies;        ///< of groups as they are emitted
  std::vector<std::string> initialises; ///< the same; all but the fitted ones in the first stage
  Options options;
  Location location;
};

/// Everything the compiler reads: what TrainingProgram::trace returns.
struct TracedProgram {
  std::string name;
  Location location;
  std::vector<StateGroup> groups;
  std::vector<ControlField> controls;
  std::vector<Entry>
      entries; ///< fit first, then steps, then evals, each before its statistics; variants by batch size
  std::vector<TracedStage> stages;
  std::int64_t num_op_ids = 0; ///< op ids used by the trace
  std::map<const State*, bool>
      decayed; ///< of what an optimizer updates, and its slots: whether any lets it decay
  data::Schema schema;
  Options options;
  std::set<std::string, std::less<>> declared; ///< keys of `options` that the program's code reads or decides
};

} // namespace tailor
