#include "runtime/train/loop_plan.h"

#include "runtime/metrics/evaluation.h"

namespace tailor::runtime {
namespace {

/// "val/balanced_accuracy" -> "balanced_accuracy"; a metric without a split is one of val.
Result<std::string> validation_metric(const Options& options, const char* key) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string text, options.get_string(key, ""));
  const std::size_t slash = text.find('/');
  const std::string split = slash == std::string::npos ? "val" : text.substr(0, slash);
  if (split != "val")
    return invalid_argument("'", key, "' is '", text, "': only a metric of val may decide, never one of ",
                            split);
  return slash == std::string::npos ? text : text.substr(slash + 1);
}

} // namespace

Result<LoopPlan> LoopPlan::from(const Options& options) {
  LoopPlan plan;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.epochs, options.get_int("run.epochs", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.steps, options.get_int("run.steps", 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.steps_per_launch, options.get_int("run.steps_per_launch", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.checkpoint_every, options.get_int("run.checkpoint_every", 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.drop_last, options.get_bool("run.drop_last", false));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int64_t loader_threads, options.get_int("run.loader_threads", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.patience, options.get_int("run.early_stop.patience", 16));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string mode, options.get_string("run.early_stop.mode", "auto"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.select_on, validation_metric(options, "run.keep.best"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.stop_on, validation_metric(options, "run.early_stop.on"));
  if (plan.epochs < 1 || plan.steps < 0 || plan.steps_per_launch < 1 || plan.checkpoint_every < 0 ||
      plan.patience < 1 || loader_threads < 0 || loader_threads > 64)
    return invalid_argument("run.epochs ", plan.epochs, ", run.steps ", plan.steps, ", run.steps_per_launch ",
                            plan.steps_per_launch, ", run.checkpoint_every ", plan.checkpoint_every,
                            ", run.early_stop.patience ", plan.patience, ", run.loader_threads ",
                            loader_threads, ": one of them is impossible");
  plan.loader_threads = static_cast<std::int32_t>(loader_threads);
  plan.stop_higher = mode == "auto" ? higher_is_better(plan.stop_on) : mode == "max";
  plan.select_higher = higher_is_better(plan.select_on);
  if (plan.select_on.empty()) { // stopping early means wanting the best epoch
    plan.select_on = plan.stop_on;
    plan.select_higher = plan.stop_higher;
  }
  return plan;
}

Result<std::int64_t> LoopPlan::total_steps(std::int64_t steps_per_epoch) const {
  if (steps > 0) return steps;
  std::int64_t total = 0;
  if (__builtin_mul_overflow(epochs, steps_per_epoch, &total))
    return invalid_argument(epochs, " epochs of ", steps_per_epoch, " steps are too many");
  return total;
}

} // namespace tailor::runtime
