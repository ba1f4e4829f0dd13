#pragma once

#include "frontend/graph/array.h"

#include <optional>

namespace tailor {

/// Operands of the cross-entropy op beyond logits and labels; an empty array leaves its clause out.
struct CrossEntropyOperands {
  Array labels_b, lambda; ///< mix: second label slot [N] and its coefficient lambda [N] of the first
  Array soft;             ///< dense target [N, K] in place of labels
  Array weights, smoothing, margin, bias; ///< [K]
  Array valid;                            ///< i32 []
};
/// The one class-aware loss of the dialect; losses/softmax_cross_entropy.h is the function users call.
/// logits [N, K], labels [N] i32 -> [N] f32 for Reduction::none, else f32 [].
Array softmax_cross_entropy_op(const Operand& logits, const Operand& labels,
                               const CrossEntropyOperands& operands, CrossEntropyOptions options);
/// One logit per row: logits [N], labels [N] i32 in {0, 1}; tables [2].
Array sigmoid_cross_entropy_op(const Operand& logits, const Operand& labels,
                               const CrossEntropyOperands& operands, CrossEntropyOptions options);

} // namespace tailor
