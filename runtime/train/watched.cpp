#include "runtime/train/watched.h"

#include "runtime/data/source.h"
#include "runtime/metrics/extremes.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/options/split_keys.h"
#include "runtime/train/evaluation_json.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

constexpr std::string_view kClassAccuracy = "class_accuracy/";

std::string class_name(const DataSchema& schema, std::size_t k) {
  return k < schema.class_names.size() ? schema.class_names[k] : concat(k);
}

/// "'a' (3 rows in training), 'b' (2)" of the classes without a row in `rows`, five at most; empty: there are
/// none.
std::string absent_classes(const DataSchema& schema, const std::vector<std::int64_t>& training,
                           const std::vector<std::int64_t>& rows, std::size_t& num_absent) {
  constexpr std::size_t kShown = 5;
  std::string text;
  num_absent = 0;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] > 0) continue;
    if (num_absent++ >= kShown) continue;
    text += concat(num_absent > 1 ? ", '" : "'", class_name(schema, k), "' (", training[k],
                   num_absent > 1     ? ")"
                   : training[k] == 1 ? " row in training)"
                                      : " rows in training)");
  }
  return num_absent > kShown ? text + ", ..." : text;
}

/// The keys that watch `criterion`, as a command line names them.
std::string watching_keys(const LoopPlan& plan, const Criterion& criterion) {
  const bool stops = plan.stop == criterion, selects = plan.keeps_best && plan.select == criterion;
  const std::string &stop = key_name(&RunKeys::early_stop_on), &keep = key_name(&RunKeys::keep_best);
  return stops && selects ? concat(stop, " and ", keep) : stops ? stop : keep;
}

/// Why no model would be told apart by `metric`.
std::string reason(const std::string& metric, const EvaluationPlan& evaluation, const EvaluationResult& right,
                   const DataBundle& data, const DataSchema& schema) {
  const auto group = std::find_if(right.groups.begin(), right.groups.end(),
                                  [&](const ClassGroup& known) { return known.name == metric; });
  if (group != right.groups.end() && group->classes.empty()) {
    const auto [least, most] =
        std::minmax_element(data.train.class_counts.begin(), data.train.class_counts.end());
    return concat("no class is in group '", metric, "': ", key_name(&EvalKeys::groups), " is ",
                  to_string(evaluation.groups), ", the classes have ", *least, " to ", *most,
                  " training rows");
  }
  std::size_t num_absent = 0;
  const std::string absent =
      absent_classes(schema, data.train.class_counts, data.val.class_counts, num_absent);
  if (num_absent == 0) return "every model has the same value on the validation split";
  return concat("the validation split (", data.val.num_rows, " rows) has no row of ",
                num_absent == 1 ? "class " : concat(num_absent, " classes: "), absent);
}

} // namespace

void add_watched(const LoopPlan& plan, EvaluationPlan& evaluation) {
  const std::vector<std::string> standard = metric_names(evaluation.num_classes);
  for (const std::string& metric : {plan.select.metric, plan.stop.metric}) {
    const auto is = [&](const std::string& known) { return known == metric; };
    if (metric.empty() || metric.starts_with(kClassAccuracy) ||
        std::any_of(standard.begin(), standard.end(), is) ||
        std::any_of(evaluation.requested.begin(), evaluation.requested.end(), is))
      continue;
    evaluation.requested.push_back(metric);
  }
}

Status check_watched(const LoopPlan& plan, const EvaluationPlan& evaluation, const DataBundle& data,
                     const DataSchema& schema, const Options& options) {
  if (plan.select.empty() && plan.stop.empty()) return {};
  if (data.val.empty())
    return invalid_argument("'val/", plan.stop.empty() ? plan.select.metric : plan.stop.metric,
                            "' is to be watched, but there is no validation split")
        .with_hint(way_to_validate(options));
  TAILOR_ASSIGN_OR_RETURN(const Extremes ends, extremes(evaluation, data.val.class_counts),
                          watching_keys(plan, plan.stop.empty() ? plan.select : plan.stop));
  const MetricValues right = values_of(ends.right, schema), wrong = values_of(ends.wrong, schema);
  for (const Criterion& criterion : {plan.stop, plan.select}) {
    if (criterion.empty()) continue;
    const std::string keys = watching_keys(plan, criterion);
    if (std::none_of(right.begin(), right.end(),
                     [&](const auto& known) { return known.first == criterion.metric; }))
      return invalid_argument("'val/", criterion.metric, "' is to be watched (", keys,
                              "), but the evaluation has no such metric");
    const std::optional<double> best = metric_value(right, criterion.metric);
    if (best && best != metric_value(wrong, criterion.metric)) continue;
    const std::string why = reason(criterion.metric, evaluation, ends.right, data, schema);
    return invalid_argument(
               "'val/", criterion.metric, "' is to be watched (", keys, "), but ",
               best ? concat("it is ", *best, " whatever is trained: ") : "it can never be measured: ", why)
        .with_hint(concat("watch a metric that exists, as val/loss, or give validation rows of every class: ",
                          way_to_validate(options), ", or another ", key_name(&SplitKeys::val_seed)));
  }
  return {};
}

Result<std::vector<std::string>> absent_class_warnings(const EvaluationPlan& evaluation,
                                                       const DataBundle& data, const DataSchema& schema) {
  std::vector<std::string> warnings;
  for (const auto& [name, split] : {std::pair("validation", &data.val), std::pair("test", &data.test)}) {
    if (split->empty()) continue;
    std::size_t num_absent = 0;
    const std::string classes =
        absent_classes(schema, data.train.class_counts, split->class_counts, num_absent);
    if (num_absent == 0) continue;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const Extremes ends, extremes(evaluation, split->class_counts));
    std::string absent;
    for (const Metric& metric : ends.right.metrics) {
      // A group without a class is absent in every split, whatever rows it has.
      const auto group = std::find_if(ends.right.groups.begin(), ends.right.groups.end(),
                                      [&](const ClassGroup& known) { return known.name == metric.name; });
      const bool empty_group = group != ends.right.groups.end() && group->classes.empty();
      const bool measures = metric.value && metric.value != ends.wrong.find(metric.name)->value;
      if (!measures && !empty_group) absent += (absent.empty() ? "" : ", ") + metric.name;
    }
    warnings.push_back(
        concat("the ", name, " split has no row of ",
               num_absent == 1 ? "class " : concat(num_absent, " of ", schema.num_classes, " classes: "),
               classes, "; ", absent.empty() ? "" : concat("it cannot measure ", absent, ", and "),
               "averages over classes leave ", num_absent == 1 ? "it" : "them", " out"));
  }
  return warnings;
}

} // namespace tailor::runtime
