#pragma once

#include "runtime/exec/executor.h"

#include <memory>

namespace tailor::backend::reference {

/// What was compared and found equal within the tolerance.
struct CheckCounts {
  uint64_t steps = 0, launches = 0;
  double worst = 0; ///< the largest difference, as a part of what was allowed there
};

struct CheckOptions {
  uint64_t every = 1;                  ///< checks steps 0, every, 2 * every, ... (of any entry)
  std::shared_ptr<CheckCounts> counts; ///< is added to, if given
};

/// `--check reference[:every N]`: compares what each kernel launch of a compiled step leaves in memory with the reference.
///
/// Before a checked step the executor's own state, control row and batch slot are handed to a ReferenceExecutor. After
/// it the reference runs the same step from the IR of phase `planned`, rounding where kernels store; each launch is
/// compared and then replaced by what the executor's launch left, so that the next one starts from the executor's own
/// operands. One kernel's rounding is compared, never what later ops make of it: Adam divides a gradient that is noise
/// by its own size. Operands come from what launches left, not from memory, so memory that is overwritten too early
/// shows. State and outputs must then be equal to the bit.
///
/// Tolerance.h says what may differ; parameters, slots and averages are held to it by what an update changes. Other
/// values out of tolerance are computed once more by the reference with noise of the size of a rounding in every value
/// and of all terms of a sum, and may differ, beside that tolerance, by 100 times what it moves any element of the tensor
/// by: sums that cancel have the rounding of what cancelled. The first launch that differs stops the step,
/// at its worst element:
///
///   step 12, command 7 (kernel 'rows_64x10_1f3a', recipe.toml:4:3): result 0 element 5 is 1.25 but the
///   reference says 1.5; f32 values of this tensor may differ by 6.1e-05
///
/// Sets the observer of `executor`, which keeps everything it needs alive.
/// Errors   kIncompatible if the artifact does not hold the IR of phase `planned`; a step fails with
///          kInternal as above.
/// Cost     hundreds of times the step itself, and memory for all its values.
[[nodiscard]] runtime::Status attachCheck(runtime::Executor& executor, const CheckOptions& options = {});

} // namespace tailor::backend::reference
