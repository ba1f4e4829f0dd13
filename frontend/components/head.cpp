#include "frontend/components/head.h"

#include "frontend/nn/cosine_linear.h"

namespace tailor {

const runtime::KeySet<HeadKeys>& HeadKeys::keys() {
  static const runtime::KeySet<HeadKeys> set{
      "model.",
      {
          runtime::key(
              "head", &HeadKeys::head,
              {.stage = runtime::kCompiled,
               .text =
                   "last layer: linear, or cosines, which ldam needs and scales; alone they decide little",
               .source = "methods 2.4"}),
      }};
  return set;
}

std::unique_ptr<nn::Layer> make_head(Head head, std::int64_t in, std::int64_t out,
                                     const nn::LinearOptions& linear) {
  if (head == Head::cosine) return std::make_unique<nn::CosineLinear>(in, out);
  return std::make_unique<nn::Linear>(in, out, linear);
}

} // namespace tailor
