#include "runtime/options/split_keys.h"

#include "runtime/base/status.h"

namespace tailor::runtime {

const KeySet<SplitKeys>& SplitKeys::keys() {
  static const KeySet<SplitKeys> set{
      "data.split.",
      {
          key("by", &SplitKeys::by,
              {.text = "how validation and test rows are held out", .source = "methods 11.1"}),
          key("column", &SplitKeys::column,
              {.stage = kCompiled,
               .text = "group or time column; default: data.columns.group or .time",
               .source = "",
               .only_if = "data.split.by = group|time",
               .type = KeyType::kColumn,
               .unset = true}),
          key("val", &SplitKeys::val,
              {.min = 0,
               .max = 0.9,
               .text = concat("share of validation rows; default ", SplitKeys::kValShare, ", or ",
                              SplitKeys::kValShareBesideTestFile,
                              " of the rest when data.test.file is given; of CIFAR's training images 0"),
               .source = "methods 11.1",
               .only_if = "data.split.by = stratified|group|time"}),
          key("test", &SplitKeys::test,
              {.min = 0,
               .max = 0.9,
               .text = "share of test rows; unused when data.test.file is given",
               .source = "methods 11.1",
               .only_if = "data.split.by = stratified|group|time"}),
          key("seed", &SplitKeys::seed,
              {.min = 0,
               .max = kMaxCount,
               .text = "seed that chooses the test rows",
               .source = "methods 11.1",
               .only_if = "data.split.by = stratified|group"}),
          key("val_seed", &SplitKeys::val_seed,
              {.min = 0,
               .max = kMaxCount,
               .text =
                   "seed that chooses the validation rows among the others; \"run_seed\": every seed of a "
                   "run validates on rows of its own, so that the spread over seeds holds that choice too",
               .source = "methods 11.1",
               .only_if = "data.split.by = stratified|group",
               .type = KeyType::kSeedChoice}),
      }};
  return set;
}

} // namespace tailor::runtime
