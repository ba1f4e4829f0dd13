#include "runtime/train/control_rows.h"

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

/// "method.ema.decay" -> "method.ema.warmup"
std::string sibling(const std::string& key, const char* name) {
  return key.substr(0, key.rfind('.') + 1) + name;
}

} // namespace

Result<ControlRows> ControlRows::create(Executor& executor, const Options& options, const Stage& stage) {
  ControlRows rows;
  for (const ControlField& field : executor.spec().control) {
    if (field.writer != FieldWriter::kHost) continue;
    Changing changing{Source::kValid, field.dtype, field.count, field.offset, 0, false, {}};
    double constant = 0;
    bool changes = false;
    switch (field.binding) {
    case FieldBinding::kBuiltin:
      if (field.name != "valid" && field.name != "slot" && field.name != "rng" && field.name != "step")
        return incompatible("control field '", field.name, "' is not one this runtime knows how to write");
      changing.source = field.name == "valid"  ? Source::kValid
                        : field.name == "slot" ? Source::kSlot
                        : field.name == "rng"  ? Source::kRng
                                               : Source::kStep;
      changes = true;
      break;
    case FieldBinding::kConstant:
      constant = field.value;
      break;
    case FieldBinding::kTableRow:
      constant = stage.class_table_row;
      break;
    case FieldBinding::kOption: {
      TAILOR_ASSIGN_OR_RETURN(constant, option_number(options, field.key),
                              concat("control field '", field.name, "'"));
      break;
    }
    case FieldBinding::kSchedule: {
      TAILOR_ASSIGN_OR_RETURN(changing.peak, option_number(options, field.key),
                              concat("control field '", field.name, "'"));
      TAILOR_ASSIGN_OR_RETURN_AS_IS(changing.schedule, Schedule::create(options, schedule_prefix(field.key)));
      changing.source = Source::kSchedule;
      constant = changing.peak;
      changes = !changing.schedule.is_constant();
      break;
    }
    case FieldBinding::kEmaDecay: {
      TAILOR_ASSIGN_OR_RETURN(changing.peak, option_number(options, field.key),
                              concat("control field '", field.name, "'"));
      TAILOR_ASSIGN_OR_RETURN_AS_IS(changing.warmup, options.get_bool(sibling(field.key, "warmup"), true));
      changing.source = Source::kEmaDecay;
      constant = changing.peak;
      changes = changing.warmup;
      break;
    }
    case FieldBinding::kNone:
      return internal_error("control field '", field.name, "' is bound to nothing");
    }
    if (!std::isfinite(constant))
      return invalid_argument("control field '", field.name, "' would be ", constant);
    const bool integer = field.dtype == DType::kI32 || field.dtype == DType::kI64;
    if (integer && !changes && (constant != std::floor(constant) || std::fabs(constant) > 2147483647.0))
      return invalid_argument("control field '", field.name, "' takes a 32-bit integer, not ", constant);
    const RateField rate = field.name == "lr"            ? RateField::kByName
                           : field.key == "optimizer.lr" ? RateField::kByKey
                                                         : RateField::kNone;
    if (rate > rows.rate_field_) {
      rows.rate_field_ = rate;
      rows.changing_rate_ = changes ? std::ssize(rows.changing_) : -1;
      rows.constant_rate_ = constant;
    }
    if (changes) {
      rows.changing_.push_back(std::move(changing));
      continue;
    }
    for (std::uint64_t row = 0; row < executor.options().ring_length; ++row)
      store(executor.control_row(row) + field.offset, field.dtype, field.count, constant);
  }
  return rows;
}

void ControlRows::write(Executor& executor, std::uint64_t counter, const StepValues& values) const {
  std::byte* row = executor.control_row(counter);
  for (const Changing& field : changing_) {
    std::byte* place = row + field.offset;
    switch (field.source) {
    case Source::kValid:
      std::memcpy(place, &values.valid, sizeof(values.valid));
      break;
    case Source::kSlot:
      std::memcpy(place, &values.slot, sizeof(values.slot));
      break;
    case Source::kRng: {
      const std::uint32_t words[4] = {
          static_cast<std::uint32_t>(values.seed), static_cast<std::uint32_t>(values.seed >> 32),
          static_cast<std::uint32_t>(values.epoch), static_cast<std::uint32_t>(values.draw_position)};
      std::memcpy(place, words, sizeof(words));
      break;
    }
    case Source::kStep: {
      const auto step = static_cast<std::int32_t>(values.step);
      std::memcpy(place, &step, sizeof(step));
      break;
    }
    case Source::kSchedule:
      store(place, field.dtype, field.count, field.peak * field.schedule.factor(values.clock));
      break;
    case Source::kEmaDecay: {
      const auto t = static_cast<double>(values.step);
      store(place, field.dtype, field.count, std::min(field.peak, (1.0 + t) / (10.0 + t)));
      break;
    }
    }
  }
}

std::optional<double> ControlRows::learning_rate(const TrainingClock& clock) const {
  if (rate_field_ == RateField::kNone) return std::nullopt;
  if (changing_rate_ < 0) return constant_rate_;
  const Changing& field = changing_[static_cast<std::size_t>(changing_rate_)];
  if (field.source != Source::kSchedule) return std::nullopt; // an average's decay that is called `lr`
  return field.peak * field.schedule.factor(clock);
}

} // namespace tailor::runtime
