#pragma once
#include "runtime/train/checkpoint.h"

namespace tailor::runtime {

/// Index of the first element that is NaN or infinite, or -1. Integers are finite.
std::int64_t first_nonfinite(DType dtype, std::span<const std::byte> bytes);

/// Weights to score with hold finite numbers. Optimizer and generator states are not looked at: no eval entry
/// reads them.
/// Errors    kDataLoss naming the tensor and the element.
Status check_finite_states(const ArtifactSpec& spec, const Checkpoint& checkpoint);

/// Rows `first_row` .. of `data` gave `logits` [rows, width], all finite: no probability or decision can be made
/// of a NaN.
/// Errors    kInvalidArgument naming the row's place and, as the likely cause, its largest feature.
Status check_finite_logits(std::span<const float> logits, std::int32_t width, std::int64_t first_row,
                           const Dataset& data, const DataSchema& schema);

} // namespace tailor::runtime
