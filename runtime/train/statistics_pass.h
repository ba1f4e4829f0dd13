#pragma once
#include "runtime/train/control_rows.h"
#include "runtime/train/evaluate.h"
#include "runtime/train/feed.h"

#include <memory>
#include <optional>

namespace tailor::runtime {

/// Makes the running statistics that averaged weights are evaluated with (methods.md 4.4, "recompute"): every training row
/// once, in batches as in training and in an order that only the seed decides. So they are a function of the weights, the
/// rows and the seed, whenever they are made.
class StatisticsPass {
public:
  /// Of evaluation entry `eval_entry`; none: it has no entry that recomputes. `batch`: rows of run.batch, a micro-batch where there are several. `first_slot`: four slots
  /// from there are used.
  /// Errors   no variant for `batch`.
  static Result<std::optional<StatisticsPass>> create(Executor& executor, std::int32_t eval_entry,
                                                      std::int64_t batch, std::uint32_t first_slot);
  static constexpr std::uint32_t kSlots = Evaluator::kSlots; ///< the same ones

  Status run(const Dataset& train, const ControlRows& control, const Options& options, std::uint64_t seed);

private:
  StatisticsPass(Executor& executor, VariantId variant, std::uint32_t first_slot)
      : executor_(&executor), variant_(variant), first_slot_(first_slot) {}

  Executor* executor_;
  VariantId variant_;
  std::uint32_t first_slot_;
};

} // namespace tailor::runtime
