#include "runtime/data/plan.h"

#include "runtime/data/key_error.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/long_tail_keys.h"

namespace tailor::runtime {
namespace {

Status read_long_tail(const Options& options, std::optional<LongTailSpec>& result) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const LongTailKeys keys, read_keys<LongTailKeys>(options));
  const std::string& ratio_key = key_name(&LongTailKeys::r);
  if (!keys.profile) {
    if (!is_default(options, ratio_key))
      return wrong(ratio_key, " is set without ", key_name(&LongTailKeys::profile))
          .with_hint("profile = \"exp\" is the usual one");
    return {};
  }
  LongTailSpec tail;
  tail.profile = *keys.profile;
  tail.r = keys.r;
  tail.reversed = keys.reversed;
  tail.split_at = keys.step_at;
  tail.a = keys.a;
  tail.b = keys.b;
  tail.alpha = keys.alpha;
  tail.size = keys.size;
  tail.n_max = keys.n_max;
  tail.total = keys.total.value_or(0);
  tail.minority = keys.minority.value_or(0);
  tail.minority_count = keys.minority_count;
  tail.min_per_class = keys.min_per_class;
  tail.shuffle_classes = keys.class_order == ClassOrder::kShuffled;
  tail.class_order_seed = static_cast<std::uint64_t>(keys.class_order_seed);
  read_seed(keys.subset_seed, tail.subset_seed, tail.subset_follows_run);
  if (Status status = check_long_tail(tail); !status.ok()) return wrong_value(ratio_key, std::move(status));
  result = tail;
  return {};
}

/// The test split has its own profile and ratio; the profile defaults to that of the training split.
Status read_test_tail(const Options& options, DataPlan& plan) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const TestTailKeys keys, read_keys<TestTailKeys>(options));
  LongTailSpec tail = plan.long_tail.value_or(LongTailSpec{});
  tail.size = TailSize::kFixedMax;
  tail.n_max = 0;
  tail.r = keys.r;
  const std::string& ratio_key = key_name(&TestTailKeys::r);
  if (!keys.profile) {
    if (tail.r == 1.0) return {};
    if (!plan.long_tail)
      return wrong(ratio_key, " is set without ", key_name(&TestTailKeys::profile))
          .with_hint("profile = \"exp\" is the usual one");
  }
  tail.profile = keys.profile.value_or(tail.profile);
  if (Status status = check_long_tail(tail); !status.ok()) return wrong_value(ratio_key, std::move(status));
  plan.test_long_tail = tail;
  return {};
}

} // namespace

bool DataPlan::follows_run_seed() const {
  return source->follows_run_seed() || (long_tail && long_tail->subset_follows_run) ||
         (test_long_tail && test_long_tail->subset_follows_run);
}

Status at_option(const Options& options, Status status) {
  const std::string key = status.key().substr(0, status.key().find('[')); // of a list, an element
  const Option* option = options.find(key);
  if (status.ok() || !option || option->origin.empty() || option->origin == "default") return status;
  return std::move(status).with_context(option->origin);
}

Result<DataPlan> data_plan_from(const Options& options, const std::string& directory) {
  Result<DataPlan> plan = read_data_plan(options, directory);
  if (plan.ok()) return plan;
  return at_option(options, std::move(plan).status());
}

Result<DataPlan> read_data_plan(const Options& options, const std::string& directory) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataKeys keys, read_keys<DataKeys>(options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const EvalKeys eval, read_keys<EvalKeys>(options));
  DataPlan plan;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(plan.source, make_source({options, directory}));
  plan.normalisation = keys.numeric;
  TAILOR_RETURN_IF_ERROR_AS_IS(read_long_tail(options, plan.long_tail));
  TAILOR_RETURN_IF_ERROR_AS_IS(read_test_tail(options, plan));
  TAILOR_RETURN_IF_ERROR_AS_IS(
      read_text(eval.groups, key_name(&EvalKeys::groups), parse_group_rule, plan.groups));
  return plan;
}

} // namespace tailor::runtime
