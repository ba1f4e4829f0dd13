#pragma once

#include "frontend/graph/array.h"
#include "runtime/base/options.h"

#include <string>
#include <vector>

namespace tailor {
struct State;
}

namespace tailor::optim {

/// Where an optimizer or average has its numbers.
struct OptionPrefix {
  std::string key;   ///< "optimizer.", "optimizer.head."
  std::string field; ///< "", "head_"
};

/// What updates ask of the program that they are recorded in: options, control fields, and notes of what they did.
class Recorder {
public:
  /// The options of an optimizer or average: the plain ones ("optimizer.") for the first of its kind that a step updates
  /// with, those of its state group for the others.
  /// Errors   TraceError unless it was given to the program.
  virtual OptionPrefix prefix_of(const std::string& section, const void* owner, const Location& location) = 0;
  /// Gives `key` the value that the code says, unless the recipe or the program's options have one: that goes over
  /// a run key.
  /// Errors   TraceError when the code says something else elsewhere, or when the options contradict what it
  ///          decides at compile time.
  virtual void default_option(const std::string& key, runtime::OptionValue value, runtime::OptionStage stage,
                              const Location& location) = 0;
  /// Nothing that runs reads this option any more: the artifact has it as a compile key.
  virtual void compiled_in(const std::string& key) = 0;

  /// The control field `name`, f32 []: the number of option `key`. Declares it on first use.
  /// Errors   TraceError when it is evaluated in another way elsewhere.
  virtual Array number(const std::string& name, const std::string& key, const Location& location) = 0;
  /// The same with the schedule of the field that `rate` reads; empty where `rate` is neither a field nor a literal.
  virtual Array number_like(const Array& rate, const std::string& name, const std::string& key,
                            const Location& location) = 0;
  /// The same for the decay of an average, which `prefix.key` has the options of.
  virtual Array average_decay(const OptionPrefix& prefix, const Location& location) = 0;

  /// A pattern of a parameter group met the parameters `names`. One that never matches is an error of the program.
  virtual void note_pattern(const void* owner, const std::string& group, const std::string& pattern,
                            const std::vector<std::string>& names, const Location& location) = 0;
  /// An optimizer updates `parameter`, with weight decay or without.
  virtual void note_decay(const State& parameter, bool decays) = 0;
  /// A slot or average of `parameter` is laid out like it.
  virtual void note_slot(const State& slot, const State& parameter) = 0;

protected:
  ~Recorder() = default;
};

} // namespace tailor::optim
