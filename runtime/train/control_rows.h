#pragma once
#include "runtime/exec/executor.h"
#include "runtime/train/host_random.h"
#include "runtime/train/schedule.h"

#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

/// What the host knows of one step.
struct StepValues {
  std::int32_t valid = 0;         ///< rows of the batch
  std::uint32_t slot = 0;         ///< batch slot
  std::uint64_t seed = 0;         ///< rng words 0 and 1
  std::int64_t epoch = 0;         ///< rng word 2, of the whole run
  std::int64_t draw_position = 0; ///< rng word 3, of row 0 within the epoch
  std::int64_t step = 0;          ///< updates done before this one, over the whole run: random draws count it
  TrainingClock clock;            ///< where the stage is
  /// Updates done before this one since optimizer slots, and since averages, started: what corrects moments and warms
  /// averages up counts them.
  std::int64_t slot_updates = 0, average_updates = 0;
};

/// The run key that says whether an average is warmed up, of a field bound as kAverageDecay.
std::string average_warmup_key(const ControlField& field);

/// Writes the host fields of control rows. Offsets, peaks and schedules are resolved once per stage; a step
/// then writes the few fields that change.
class ControlRows {
public:
  /// Reads what `options` (of the stage) say of every host field and puts the fields that stay the same into every
  /// ring row.
  ///
  /// Errors   an option that is not a number, an integer field whose value has a fraction, rows that do not ascend, a
  ///          Beta distribution without a positive parameter.
  static Result<ControlRows> create(Executor& executor, const Options& options);

  /// Row of step `counter` of the executor.
  void write(Executor& executor, std::uint64_t counter, const StepValues& values) const;

  /// What control field `field` (an index into spec().control, of the host, not one of the loop's own) holds in a step.
  double value_of(std::int32_t field, const StepValues& values) const;

  /// A table row that changes with the epoch.
  struct Row {
    std::string name;
    std::int32_t field = -1;
    std::vector<std::int64_t> starts; ///< epochs, 0-based, at which it goes up by one
  };
  /// All of the program, where a run has `num_epochs` by its clock.
  std::vector<Row> rows(std::int64_t num_epochs) const;

private:
  enum class Builtin : std::uint8_t { kValid, kSlot, kRng, kStep };
  /// How one field is evaluated.
  struct Field {
    std::string name;
    FieldBinding binding = FieldBinding::kNone;
    Builtin builtin = Builtin::kValid;
    DType dtype = DType::kF32;
    std::uint32_t count = 1;
    std::uint64_t offset = 0;
    bool changes = false;
    double number = 0; ///< constant, option, peak, decay, parameter of Beta
    Schedule schedule = {};
    std::vector<double> starts = {}; ///< of rows: epochs, or fractions of the run
    std::optional<HostRandom> random = {};
  };
  static Result<Field> field_of(const ControlField& field, const Options& options);
  static double evaluate(const Field& field, const StepValues& values);
  static void write_builtin(const Field& field, std::byte* place, const StepValues& values);

  std::vector<Field> fields_; ///< one per control field; device fields are bound to nothing
  std::vector<std::size_t> changing_;
};

/// First epoch of the `fraction` of `num_epochs`: ceil(fraction * num_epochs), where a product within 1e-9 of a whole
/// number is that number (0.7 * 10 is not 7 in binary).
std::int64_t first_epoch_of(double fraction, std::int64_t num_epochs);

} // namespace tailor::runtime
