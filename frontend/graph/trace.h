#pragma once

#include "frontend/graph/array.h"
#include "frontend/graph/state.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tailor {

/// A recording in progress: an entry point (train step, eval step) or a body inside one. Traces nest and
/// belong to one thread. A trace knows the current value of every state it has read or written: reads inside
/// a body come from the enclosing trace (they become arguments of the body), writes inside a body become
/// results of the body and are stored by whoever calls it.
class Trace {
public:
  enum class Kind : std::uint8_t { entry, body };
  /// Starts a recording and makes it current until destroyed. `batch`: rows of the entry's batch; a body has those of the
  /// entry it is in.
  explicit Trace(Kind kind, std::int64_t batch = 0);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// The innermost recording of this thread; null outside of any.
  static Trace* current();
  /// The same; TraceError naming `op` when there is none.
  static Trace& require(std::string_view op, const Location& location);

  std::uint64_t scope() const { return scope_; }
  Kind kind() const { return kind_; }
  Trace* parent() const { return parent_; }
  /// Rows of the batch that the entry is recorded for; 0: none.
  std::int64_t batch() const { return batch_; }
  /// True if arrays of trace `scope` may be used here: this trace or one that encloses it.
  bool sees(std::uint64_t scope) const;

  /// The value of `state` at this point of the recording.
  Array read(const std::shared_ptr<const State>& state, const Location& location);
  /// Later reads see `value`; an entry stores it at its end.
  void write(const std::shared_ptr<const State>& state, const Array& value);
  /// Reads of `from` read `to` instead (averaged weights), and writes go there.
  void redirect(const std::shared_ptr<const State>& from, std::shared_ptr<const State> to);
  std::size_t num_redirects() const { return redirects_.size(); }
  /// The newest redirections end until `count` are left.
  void end_redirects(std::size_t count);
  /// While non-empty, writing a state is a TraceError that says `why`. Returns what was set before.
  std::string forbid_writes(std::string why);

  /// From here on `state` keeps its value in this entry: gradients leave it out, writes of it are refused.
  void freeze(const std::shared_ptr<const State>& state);
  bool frozen(const State& state) const;

  using Binding = std::pair<std::shared_ptr<const State>, Array>;
  /// Every state read so far with the value found, in order of first use.
  const std::vector<Binding>& reads() const { return reads_; }
  /// Every state written with its latest value, in order of first write.
  const std::vector<Binding>& writes() const { return writes_; }

  /// A field of the control block, i32 | f32. One read per entry, shared by all bodies. `run_constant`: the
  /// host never changes it during a run.
  Array control(const std::string& name, const TensorType& type, const Location& location,
                bool run_constant = false);
  /// A batch input. One read per entry.
  Array input(const std::string& name, const TensorType& type, const Location& location);

  /// Which pass of a step this is (0, 1, ...): keys random numbers. A body that is called several times has
  /// it as an argument.
  Array pass(const Location& location);
  void set_pass(const Array& pass) { pass_ = pass; }
  /// The body of a repeat: its rounds are told apart in the upper half of the pass.
  void set_round() { is_round_ = true; }
  /// Inside the body of a repeat, at any depth.
  bool in_round() const { return is_round_ || (parent_ && parent_->in_round()); }

private:
  Array entry_read(std::vector<std::pair<std::string, Array>>& known, std::string_view op,
                   const NameOptions& what, const TensorType& type, const Location& location);

  Kind kind_;
  std::uint64_t scope_;
  Trace* parent_;
  std::int64_t batch_;
  std::vector<Binding> reads_;
  std::vector<Binding> writes_;
  std::set<const State*> frozen_;
  std::vector<std::pair<std::shared_ptr<const State>, std::shared_ptr<const State>>> redirects_;
  std::string writes_forbidden_; ///< why
  std::vector<std::pair<std::string, Array>> controls_;
  std::vector<std::pair<std::string, Array>> inputs_;
  Array pass_;
  bool is_round_ = false;
};

/// Numbers ops in the order they are traced, per program, so that a dump is the same in every process.
class OpIds {
public:
  /// Restarts at 0 while alive (one per traced program); restores the outer numbering afterwards.
  OpIds();
  ~OpIds();
  OpIds(const OpIds&) = delete;
  OpIds& operator=(const OpIds&) = delete;
  static std::int64_t next();

  /// Gives the traces of one function, once for each batch size, the same numbers while alive; what is traced afterwards goes on
  /// behind the longest. What a step draws is keyed by them, so a batch size draws the same beside others and alone.
  class Variants {
  public:
    Variants();
    ~Variants();
    Variants(const Variants&) = delete;
    Variants& operator=(const Variants&) = delete;
    /// The next size begins.
    void begin();

  private:
    std::int64_t first_, end_;
  };

private:
  std::int64_t saved_;
};

} // namespace tailor
