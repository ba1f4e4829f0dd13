#include "runtime/train/loop_plan.h"

#include "runtime/metrics/metric.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/run_keys.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

/// "val/balanced_accuracy" -> balanced_accuracy, higher is better; a metric without a split is one of val.
Result<Criterion> criterion_from(const std::string& text, const std::string& key, const EvalKeys& eval) {
  Criterion criterion;
  const std::size_t slash = text.find('/');
  const std::string split = text.substr(0, slash == std::string::npos ? 0 : slash);
  if (split == "train" || split == "test")
    return invalid_argument("'", key, "' is '", text, "': only a metric of val may decide, never one of ",
                            split);
  criterion.metric = split == "val" ? text.substr(slash + 1) : text;
  if (split == "val" && criterion.empty())
    return invalid_argument("'", key, "' is '", text, "' and names no metric");
  criterion.higher = higher_is_better(criterion.metric);
  if (follows_size_groups(criterion.metric)) {
    TAILOR_ASSIGN_OR_RETURN(const GroupRule rule, parse_group_rule(eval.groups),
                            concat("'", key_name(&EvalKeys::groups), "'"));
    criterion.groups = to_string(rule);
  }
  return criterion;
}

} // namespace

Result<LoopPlan> LoopPlan::from(const Options& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const RunKeys run, read_keys<RunKeys>(options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvalKeys eval, read_keys<EvalKeys>(options));
  LoopPlan plan;
  plan.epochs = run.epochs;
  plan.steps = run.steps;
  plan.steps_per_launch = run.steps_per_launch;
  plan.log_steps = run.log_steps;
  plan.checkpoint_seconds = 60 * run.checkpoint_minutes;
  plan.checkpoint_every = run.checkpoint_every;
  plan.drop_last = run.drop_last;
  plan.loader_threads = static_cast<std::int32_t>(run.loader_threads);
  plan.patience = run.early_stop_patience;
  plan.tests_every_epoch = eval.test == TestWhen::kEveryEpoch;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.select,
                                criterion_from(run.keep_best, key_name(&RunKeys::keep_best), eval));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.stop,
                                criterion_from(run.early_stop_on, key_name(&RunKeys::early_stop_on), eval));
  if (run.early_stop_mode != Direction::kAuto) plan.stop.higher = run.early_stop_mode == Direction::kMax;
  plan.keeps_best = !plan.select.empty();
  // Stopping early means wanting the best epoch; one metric has one direction.
  if (!plan.keeps_best || plan.select.metric == plan.stop.metric) plan.select = plan.stop;
  return plan;
}

std::int64_t LoopPlan::num_epochs(std::int64_t draws, std::int64_t batch) const {
  if (steps == 0) return epochs;
  const std::int64_t per_epoch =
      std::max<std::int64_t>(drop_last ? draws / batch : (draws + batch - 1) / batch, 1);
  return (steps + per_epoch - 1) / per_epoch;
}

Result<std::int64_t> LoopPlan::total_steps(std::int64_t steps_per_epoch) const {
  if (steps > 0) return steps;
  std::int64_t total = 0;
  if (__builtin_mul_overflow(epochs, steps_per_epoch, &total))
    return invalid_argument(epochs, " epochs of ", steps_per_epoch, " steps are too many");
  return total;
}

} // namespace tailor::runtime
