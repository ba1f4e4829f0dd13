#include "runtime/options/generated_keys.h"

namespace tailor::runtime {

const KeySet<GeneratedKeys>& GeneratedKeys::keys() {
  static const KeySet<GeneratedKeys> set{
      "data.",
      {
          key("classes", &GeneratedKeys::classes,
              {.stage = kCompiled,
               .min = 2,
               .max = 100000,
               .text = "classes of a generated set (two_moons has 2)"}),
          key("dimensions", &GeneratedKeys::dimensions,
              {.stage = kCompiled, .min = 1, .max = 100000, .text = "dimensions of blobs (two_moons has 2)"}),
          key("samples_per_class", &GeneratedKeys::samples_per_class,
              {.min = 1,
               .max = 100000000,
               .text = "training rows a class of a generated set, before the profile",
               .source = "methods 13"}),
          key("test_per_class", &GeneratedKeys::test_per_class,
              {.min = 1, .max = 100000000, .text = "test rows a class of a generated set"}),
          key("val_per_class", &GeneratedKeys::val_per_class,
              {.min = 1, .max = 100000000, .text = "validation rows a class of a generated set"}),
          key("noise", &GeneratedKeys::noise,
              {.min = 0,
               .max = 1000,
               .text = "standard deviation around the shape of the moons",
               .source = "methods 13",
               .only_if = "data.format = two_moons"}),
          key("separation", &GeneratedKeys::separation,
              {.min = 0,
               .max = 1000,
               .text = "distance of blob centres from the origin, in standard deviations",
               .only_if = "data.format = blobs"}),
          key("seed", &GeneratedKeys::seed, {.min = 0, .max = kMaxCount, .text = "seed of a generated set"}),
      }};
  return set;
}

} // namespace tailor::runtime
