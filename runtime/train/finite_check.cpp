#include "runtime/train/finite_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tailor::runtime {
namespace {

template <class T> std::int64_t first_nonfinite(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    if (!std::isfinite(value)) return static_cast<std::int64_t>(i);
  }
  return -1;
}

std::int64_t first_nonfinite_bf16(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size() / 2; ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + 2 * i, sizeof(bits));
    constexpr std::uint16_t kExponent = 0x7F80;
    if ((bits & kExponent) == kExponent) return static_cast<std::int64_t>(i);
  }
  return -1;
}

/// Name of a numeric feature: a column, or the flag of one.
std::string feature_name(const DataSchema& schema, std::int32_t feature) {
  std::int32_t at = 0;
  const std::vector<NumericInput> inputs = schema.numeric_inputs();
  for (const NumericInput& input : inputs)
    if (at++ == feature) return input.name();
  for (const NumericInput& input : inputs)
    if (input.part == 0 && input.column->missing_flag && at++ == feature) return input.column->name;
  return concat(feature);
}

} // namespace

std::int64_t first_nonfinite(DType dtype, std::span<const std::byte> bytes) {
  switch (dtype) {
  case DType::kF32:
    return first_nonfinite<float>(bytes);
  case DType::kF64:
    return first_nonfinite<double>(bytes);
  case DType::kBF16:
    return first_nonfinite_bf16(bytes);
  default:
    return -1;
  }
}

Status check_finite_states(const ArtifactSpec& spec, const Checkpoint& checkpoint) {
  std::span<const std::byte> rest = checkpoint.states;
  for (const State& state : spec.states) {
    const std::span<const std::byte> bytes = rest.first(state.bytes);
    rest = rest.subspan(state.bytes);
    const GroupKind kind = spec.groups[static_cast<std::size_t>(state.group)].kind;
    if (kind == GroupKind::kOptimizer || kind == GroupKind::kGenerator) continue;
    if (const std::int64_t element = first_nonfinite(state.dtype, bytes); element >= 0)
      return data_loss("element ", element, " of tensor '", checkpoint_name(spec, state),
                       "' is not finite, expected finite weights")
          .with_hint(
              "the training that wrote them diverged; best.safetensors or an earlier run may be whole");
  }
  return {};
}

Status check_finite_logits(std::span<const float> logits, std::int32_t width, std::int64_t first_row,
                           const Dataset& data, const DataSchema& schema) {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) continue;
    const std::int64_t row = first_row + static_cast<std::int64_t>(i) / width;
    Status status = invalid_argument(data.place(row), ": the program's output for this row is ",
                                     std::isnan(logits[i]) ? "nan"
                                     : logits[i] > 0       ? "inf"
                                                           : "-inf",
                                     ", expected a finite number");
    const DataColumn* numeric = data.find(input_names::kNumeric);
    if (!numeric) return status;
    const auto features_of_row = static_cast<std::size_t>(numeric->input().row_elements());
    const auto features =
        numeric->values<float>().subspan(static_cast<std::size_t>(row) * features_of_row, features_of_row);
    const auto largest = std::max_element(features.begin(), features.end(),
                                          [](float a, float b) { return std::abs(a) < std::abs(b); });
    return std::move(status).with_hint(
        concat("its largest feature is column '",
               feature_name(schema, static_cast<std::int32_t>(largest - features.begin())),
               "': ", static_cast<double>(*largest), " after normalisation"));
  }
  return {};
}

} // namespace tailor::runtime
