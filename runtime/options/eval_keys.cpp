#include "runtime/options/eval_keys.h"

namespace tailor::runtime {

const KeySet<EvalKeys>& EvalKeys::keys() {
  static const KeySet<EvalKeys> set{
      "eval.",
      {
          key("weights", &EvalKeys::weights,
              {.stage = kCompiled,
               .text =
                   "weights used by evaluation and prediction; auto: ema when that method is used, else raw",
               .source = "methods 4.4",
               .choices = {"auto", "raw", "ema"}}),
          key("metrics", &EvalKeys::metrics,
              {.text = "metrics shown in the result table; empty: all that are always recorded. Those marked "
                       "\"on request\" below are computed only if they stand here or are watched",
               .source = "methods 12",
               .choices_of = "metric",
               .choices = {"per_class", "few_med_many"}}),
          key("groups", &EvalKeys::groups,
              {.text = "class groups: thresholds(few,many) | thirds | head_med_tail(a,b)",
               .source = "methods 1.3"}),
          key("test", &EvalKeys::test,
              {.text = "when the test split is measured; after every epoch invites choosing by it"}),
          key("predict.id", &EvalKeys::predict_id,
              {.stage = kCompiled,
               .text = "identifier column of predictions; default: data.columns.id, else the row number",
               .type = KeyType::kColumn,
               .unset = true}),
          key("predict.out", &EvalKeys::predict_out, {.text = "columns written by predict"}),
      }};
  return set;
}

} // namespace tailor::runtime
