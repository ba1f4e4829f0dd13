#include "frontend/components/depth.h"

#include "runtime/base/status.h"

#include <string>

namespace tailor {

const runtime::KeySet<DepthKeys>& DepthKeys::keys() {
  static const runtime::KeySet<DepthKeys> set{
      "model.",
      {
          runtime::key(
              "depth", &DepthKeys::depth,
              {.stage = runtime::kCompiled,
               .min = 1,
               .max =
                   1202, // the deepest that is published (He et al. 2016); compiling takes longer than in proportion
               .text = "layers, as names of networks count them: 20 of ResNet-20, 28 of WRN-28-10",
               .source = "methods 10",
               .unset = true}),
      }};
  return set;
}

std::int64_t blocks_of_depth(std::string_view family, std::int64_t depth, std::int64_t step,
                             std::int64_t rest) {
  using runtime::concat;
  const std::string key = runtime::key_name(&DepthKeys::depth);
  if (depth >= step + rest && (depth - rest) % step == 0) return (depth - rest) / step;
  const std::int64_t below = depth < step + rest ? 0 : (depth - rest) / step, nearest = below * step + rest;
  throw TraceError(
      std::string(family),
      depth == 0 ? concat("there are several depths, and none is set")
                 : concat("a depth of ", depth, " is not ", step, "n + ", rest, " with n of at least 1"),
      {},
      depth == 0   ? concat(key, " = ", step + rest, ", ", 2 * step + rest, ", ", 3 * step + rest, ", ...")
      : below == 0 ? concat(key, " = ", nearest + step)
                   : concat(key, " = ", nearest, " or ", nearest + step));
}

} // namespace tailor
