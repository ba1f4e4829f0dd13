#include "runtime/options/image_keys.h"

namespace tailor::runtime {

const KeySet<ImageKeys>& ImageKeys::keys() {
  static const KeySet<ImageKeys> set{
      "data.image.",
      {
          key("mean", &ImageKeys::mean,
              {.stage = kCompiled,
               .text = "mean of each channel, or of all, of pixels in [0, 1]; default: that of the set",
               .source = "methods 1.4",
               .unset = true}),
          key("std", &ImageKeys::deviation,
              {.stage = kCompiled,
               .min = 0,
               .above_min = true,
               .text =
                   "standard deviation of each channel, or of all, of pixels in [0, 1]; default: that of the "
                   "set",
               .source = "methods 1.4",
               .unset = true}),
      }};
  return set;
}

} // namespace tailor::runtime
