// Sharpness-aware minimisation (Foret et al. 2021). methods.md 5.1.
#include "frontend/components/method.h"

namespace tailor::methods {
namespace {

struct SamKeys {
  double rho = 0.05;
  bool adaptive = false;
  SamBatchNorm bn_stats = SamBatchNorm::first;
  bool same_rng = false;

  static const runtime::KeySet<SamKeys>& keys();
};

const runtime::KeySet<SamKeys>& SamKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<SamKeys> set{
      "method.sam.",
      {
          key("rho", &SamKeys::rho,
              {.min = 0, .max = 1000, .text = "radius of the ascent step", .source = "methods 5.1"}),
          key("adaptive", &SamKeys::adaptive,
              {.stage = runtime::kCompiled,
               .text = "ASAM: scale the ascent by the weights",
               .source = "methods 5.1"}),
          key("bn_stats", &SamKeys::bn_stats,
              {.stage = runtime::kCompiled,
               .text = "pass that updates running statistics",
               .source = "methods 5.1"}),
          key("same_rng", &SamKeys::same_rng,
              {.stage = runtime::kCompiled,
               .text = "the second pass reuses the dropout masks",
               .source = "methods 5.1"}),
      }};
  return set;
}

class Sam final : public Method {
public:
  explicit Sam(SamKeys keys) : keys_(keys) {}

  Gradients gradients(Step& step, const LossOfWeights& loss, const Array& class_weights) override {
    SamOptions options;
    options.rho = control(step, "rho", keys_, &SamKeys::rho);
    options.adaptive = keys_.adaptive;
    options.same_rng = keys_.same_rng;
    options.bn_stats = keys_.bn_stats;
    options.ascent = class_weights;
    options.descent = class_weights;
    const SamResult result = class_weights.empty()
                                 ? sam([&] { return loss(Array()); }, options)
                                 : sam([&](const Array& table) { return loss(table); }, options);
    step.report("loss", result.loss);
    step.report("ascent_loss", result.ascent_loss);
    step.report("gradient_norm", result.gradient_norm);
    return result.gradients;
  }

private:
  SamKeys keys_;
};

const Registered<MethodSpec> registered{{.name = "sam",
                                         .text = "gradients at w + rho g / |g|: sharpness-aware minimisation",
                                         .source = "methods 5.1",
                                         .keys = SamKeys::keys().specs(),
                                         .part = Part::gradients,
                                         .make = [](const runtime::Options& options) {
                                           return std::make_unique<Sam>(component_keys<SamKeys>(options));
                                         }}};

} // namespace
} // namespace tailor::methods
