#include "runtime/options/data_keys.h"

namespace tailor::runtime {

const KeySet<DataKeys>& DataKeys::keys() {
  static const KeySet<DataKeys> set{
      "data.",
      {
          key("format", &DataKeys::format,
              {.stage = kCompiled, .text = "where the rows come from", .choices_of = "source"}),
          key("numeric", &DataKeys::numeric,
              {.stage = kCompiled,
               .text = "normalisation of numeric columns, fitted on the training split",
               .source = "methods 11.1"}),
          key("sampler", &DataKeys::sampler,
              {.text = "order in which rows are drawn", .source = "methods 3", .choices_of = "sampler"}),
          key("augment.use", &DataKeys::augment,
              {.text = "what is done to every training image it draws, in this order; the short form is "
                       "augment = [\"crop\", \"flip\"]",
               .source = "methods 9",
               .choices_of = "augmentation"}),
      }};
  return set;
}

} // namespace tailor::runtime
