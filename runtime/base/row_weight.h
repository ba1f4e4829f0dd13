#pragma once

namespace tailor::runtime {

/// The largest weight a row may have. Losses and weights of a batch are summed in f32, to at most 3.4e38: 1e6 rows with
/// losses of 100 fit. Beyond, the sum of the weights is infinite, the mean loss 0, and nothing trains without a word.
inline constexpr double kMaxRowWeight = 1e30;

} // namespace tailor::runtime
