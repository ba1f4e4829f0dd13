#include "runtime/train/loop_plan.h"

#include "runtime/base/defaults.h"
#include "runtime/metrics/metric_table.h"

namespace tailor::runtime {
namespace {

/// "val/balanced_accuracy" -> balanced_accuracy, higher is better; a metric without a split is one of val.
Result<Criterion> criterion_from(const Options& options, const char* key) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string text, options.get_string(key, ""));
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
  for (const char* name : {"few", "med", "many"})
    if (criterion.metric == name) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string groups, options.get_string("eval.groups", ""));
      GroupRule rule;
      if (!groups.empty()) {
        TAILOR_ASSIGN_OR_RETURN(rule, parse_group_rule(groups), "'eval.groups'");
      }
      criterion.groups = to_string(rule);
    }
  return criterion;
}

} // namespace

Result<LoopPlan> LoopPlan::from(const Options& options) {
  LoopPlan plan;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.epochs, options.get_int("run.epochs", defaults::kEpochs));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.steps, options.get_int("run.steps", 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.steps_per_launch, options.get_int("run.steps_per_launch", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.log_steps, options.get_int("run.log_steps", 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.checkpoint_every, options.get_int("run.checkpoint_every", 0));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.drop_last, options.get_bool("run.drop_last", false));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::int64_t loader_threads, options.get_int("run.loader_threads", 1));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.patience, options.get_int("run.early_stop.patience", 16));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string mode, options.get_string("run.early_stop.mode", "auto"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.select, criterion_from(options, "run.keep.best"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.stop, criterion_from(options, "run.early_stop.on"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::string test, options.get_string("eval.test", "end"));
  if (test != "end" && test != "every_epoch")
    return invalid_argument("'eval.test' is '", test, "', expected end | every_epoch");
  plan.tests_every_epoch = test == "every_epoch";
  if (plan.epochs < 1 || plan.steps < 0 || plan.steps_per_launch < 1 || plan.log_steps < 0 ||
      plan.checkpoint_every < 0 || plan.patience < 1 || loader_threads < 0 || loader_threads > 64)
    return invalid_argument("run.epochs ", plan.epochs, ", run.steps ", plan.steps, ", run.steps_per_launch ",
                            plan.steps_per_launch, ", run.log_steps ", plan.log_steps,
                            ", run.checkpoint_every ", plan.checkpoint_every, ", run.early_stop.patience ",
                            plan.patience, ", run.loader_threads ", loader_threads,
                            ": one of them is impossible");
  plan.loader_threads = static_cast<std::int32_t>(loader_threads);
  if (mode != "auto") plan.stop.higher = mode == "max";
  plan.keeps_best = !plan.select.empty();
  // Stopping early means wanting the best epoch; one metric has one direction.
  if (!plan.keeps_best || plan.select.metric == plan.stop.metric) plan.select = plan.stop;
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
