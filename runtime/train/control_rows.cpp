#include "runtime/train/control_rows.h"

#include "runtime/options/program_keys.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tailor::runtime {
namespace {

template <class T> void store(std::byte* place, std::uint32_t count, double value) {
  const T stored = static_cast<T>(value);
  for (std::uint32_t i = 0; i < count; ++i)
    std::memcpy(place + i * sizeof(T), &stored, sizeof(T));
}

void store(std::byte* place, DType dtype, std::uint32_t count, double value) {
  switch (dtype) {
  case DType::kF32:
    return store<float>(place, count, value);
  case DType::kF64:
    return store<double>(place, count, value);
  case DType::kI32:
    return store<std::int32_t>(place, count, value);
  default:
    return store<std::int64_t>(place, count, value);
  }
}

Result<double> option_number(const Options& options, const std::string& key) {
  if (const Option* option = options.find(key); option && option->value.as_bool())
    return *option->value.as_bool() ? 1.0 : 0.0;
  return options.get_number(key);
}

/// The list of a table row: one number counts as a list of one.
Result<std::vector<double>> row_starts(const Options& options, const std::string& key, bool fractions) {
  const Option* option = options.find(key);
  if (!option) return not_found("option '", key, "' is not set");
  std::vector<double> starts;
  const OptionValue::List one = {option->value};
  for (const OptionValue& item : option->value.as_list() ? *option->value.as_list() : one) {
    const std::optional<double> start = item.as_number();
    const bool in_range = start && *start >= 0 &&
                          (fractions ? *start <= 1 : *start == std::floor(*start) && *start <= INT32_MAX);
    if (!in_range || (!starts.empty() && *start <= starts.back()))
      return invalid_argument("'", key, "' must be ascending ",
                              fractions ? "fractions of the run in [0, 1]" : "epochs", ", not ",
                              option->value.to_json());
    starts.push_back(*start);
  }
  return starts;
}

} // namespace

std::string average_warmup_key(const ControlField& field) {
  return field.options_prefix + ".warmup";
}

std::int64_t first_epoch_of(double fraction, std::int64_t num_epochs) {
  constexpr double kRounding =
      1e-9; // far above the error of a product of two doubles, far below one epoch of any run
  return static_cast<std::int64_t>(std::ceil(fraction * static_cast<double>(num_epochs) - kRounding));
}

Result<ControlRows::Field> ControlRows::field_of(const ControlField& field, const Options& options) {
  Field out{.name = field.name,
            .binding = field.binding,
            .dtype = field.dtype,
            .count = field.count,
            .offset = field.offset};
  if (field.writer != FieldWriter::kHost) return out;
  const auto read_number = [&]() -> Status {
    TAILOR_ASSIGN_OR_RETURN(out.number, option_number(options, field.key),
                            concat("control field '", field.name, "'"));
    return {};
  };
  switch (field.binding) {
  case FieldBinding::kBuiltin: {
    static constexpr std::pair<const char*, Builtin> kKnown[] = {{"valid", Builtin::kValid},
                                                                 {"slot", Builtin::kSlot},
                                                                 {"rng", Builtin::kRng},
                                                                 {"step", Builtin::kStep}};
    const auto known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                    [&](const auto& pair) { return field.name == pair.first; });
    if (known == std::end(kKnown))
      return incompatible("control field '", field.name, "' is not one this runtime knows how to write");
    out.builtin = known->second;
    out.changes = true;
    return out;
  }
  case FieldBinding::kConstant:
    out.number = field.value;
    break;
  case FieldBinding::kOption:
    TAILOR_RETURN_IF_ERROR_AS_IS(read_number());
    break;
  case FieldBinding::kSchedule: {
    TAILOR_RETURN_IF_ERROR_AS_IS(read_number());
    TAILOR_ASSIGN_OR_RETURN_AS_IS(out.schedule, Schedule::create(options, field.options_prefix));
    out.changes = !out.schedule.is_constant();
    break;
  }
  case FieldBinding::kAverageDecay: {
    TAILOR_RETURN_IF_ERROR_AS_IS(read_number());
    TAILOR_ASSIGN_OR_RETURN_AS_IS(out.changes, options.get_bool(average_warmup_key(field), true));
    break;
  }
  case FieldBinding::kEpochRow:
  case FieldBinding::kFractionRow: {
    if (const std::string epochs = epochs_key(field.key);
        field.binding == FieldBinding::kFractionRow && options.has_value(epochs)) {
      out.binding = FieldBinding::kEpochRow;
      TAILOR_ASSIGN_OR_RETURN(out.starts, row_starts(options, epochs, false),
                              concat("control field '", field.name, "'"));
    } else {
      TAILOR_ASSIGN_OR_RETURN(out.starts,
                              row_starts(options, field.key, field.binding == FieldBinding::kFractionRow),
                              concat("control field '", field.name, "'"));
    }
    out.changes = true;
    break;
  }
  case FieldBinding::kRandomBeta:
    TAILOR_RETURN_IF_ERROR_AS_IS(read_number());
    if (!(out.number > 0 && std::isfinite(out.number)))
      return invalid_argument("'", field.key, "' is ", out.number,
                              ": the parameter of a Beta distribution is above 0");
    [[fallthrough]];
  case FieldBinding::kRandomUniform:
    out.random.emplace(field.name);
    out.changes = true;
    break;
  case FieldBinding::kNone:
    return internal_error("control field '", field.name, "' is bound to nothing");
  }
  if (!std::isfinite(out.number))
    return invalid_argument("control field '", field.name, "' would be ", out.number);
  const bool integer = field.dtype == DType::kI32 || field.dtype == DType::kI64;
  if (integer && !out.changes &&
      (out.number != std::floor(out.number) || std::fabs(out.number) > 2147483647.0))
    return invalid_argument("control field '", field.name, "' takes a 32-bit integer, not ", out.number);
  return out;
}

Result<ControlRows> ControlRows::create(Executor& executor, const Options& options) {
  ControlRows rows;
  for (const ControlField& field : executor.spec().control) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Field resolved, field_of(field, options));
    const bool host = field.writer == FieldWriter::kHost;
    if (host && resolved.changes) rows.changing_.push_back(rows.fields_.size());
    for (std::uint64_t row = 0; host && !resolved.changes && row < executor.options().ring_length; ++row)
      store(executor.control_row(row) + field.offset, field.dtype, field.count, resolved.number);
    rows.fields_.push_back(std::move(resolved));
  }
  return rows;
}

double ControlRows::evaluate(const Field& field, const StepValues& values) {
  switch (field.binding) {
  case FieldBinding::kSchedule:
    return field.number * field.schedule.factor(values.clock);
  case FieldBinding::kAverageDecay: {
    const auto t = static_cast<double>(values.average_updates);
    return field.changes ? std::min(field.number, (1.0 + t) / (10.0 + t)) : field.number;
  }
  case FieldBinding::kEpochRow:
  case FieldBinding::kFractionRow: {
    const std::int64_t epoch = values.clock.epoch(), num_epochs = values.clock.num_epochs();
    return static_cast<double>(std::count_if(field.starts.begin(), field.starts.end(), [&](double start) {
      return epoch >= (field.binding == FieldBinding::kEpochRow ? static_cast<std::int64_t>(start)
                                                                : first_epoch_of(start, num_epochs));
    }));
  }
  case FieldBinding::kRandomUniform:
    return field.random->uniform(values.seed, values.step);
  case FieldBinding::kRandomBeta:
    return field.random->beta(field.number, values.seed, values.step);
  default:
    return field.number;
  }
}

void ControlRows::write_builtin(const Field& field, std::byte* place, const StepValues& values) {
  switch (field.builtin) {
  case Builtin::kValid:
    std::memcpy(place, &values.valid, sizeof(values.valid));
    return;
  case Builtin::kSlot:
    std::memcpy(place, &values.slot, sizeof(values.slot));
    return;
  case Builtin::kRng: {
    const std::uint32_t words[4] = {
        static_cast<std::uint32_t>(values.seed), static_cast<std::uint32_t>(values.seed >> 32),
        static_cast<std::uint32_t>(values.epoch), static_cast<std::uint32_t>(values.draw_position)};
    std::memcpy(place, words, sizeof(words));
    return;
  }
  case Builtin::kStep:
    const auto step = static_cast<std::int32_t>(values.slot_updates);
    std::memcpy(place, &step, sizeof(step));
  }
}

void ControlRows::write(Executor& executor, std::uint64_t counter, const StepValues& values) const {
  std::byte* row = executor.control_row(counter);
  for (const std::size_t index : changing_) {
    const Field& field = fields_[index];
    if (field.binding == FieldBinding::kBuiltin)
      write_builtin(field, row + field.offset, values);
    else
      store(row + field.offset, field.dtype, field.count, evaluate(field, values));
  }
}

double ControlRows::value_of(std::int32_t field, const StepValues& values) const {
  return evaluate(fields_[static_cast<std::size_t>(field)], values);
}

std::vector<ControlRows::Row> ControlRows::rows(std::int64_t num_epochs) const {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field& field = fields_[i];
    if (!is_row(field.binding)) continue;
    Row row{field.name, static_cast<std::int32_t>(i), {}};
    for (const double start : field.starts)
      row.starts.push_back(field.binding == FieldBinding::kEpochRow ? static_cast<std::int64_t>(start)
                                                                    : first_epoch_of(start, num_epochs));
    rows.push_back(std::move(row));
  }
  return rows;
}

} // namespace tailor::runtime
