// SAM-A (Shwartz-Ziv et al. 2023): SAM whose ascent loss is weighted by a class table. methods.md 5.2.
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/shaping.h"

namespace tailor::methods {
namespace {

struct SamAKeys {
  double rho = 0.05;
  std::string table = "inv_max";
  double beta = 0.9999;
  SamRadius radius = SamRadius::fixed;
  bool adaptive = false;
  SamBatchNorm bn_stats = SamBatchNorm::first;
  bool same_rng = false;

  static const runtime::KeySet<SamAKeys>& keys();
};

const runtime::KeySet<SamAKeys>& SamAKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<SamAKeys> set{
      "method.sam-a.",
      {
          key("rho", &SamAKeys::rho,
              {.min = 0, .max = 1000, .text = "radius of the ascent step", .source = "methods 5.2"}),
          key("table", &SamAKeys::table,
              {.stage = runtime::kCompiled,
               .text = "class table a_i of the ascent loss",
               .source = "methods 5.2, C1",
               .choices_of = AscentTable::kKind}),
          key("beta", &SamAKeys::beta,
              {.min = 0,
               .max = kMaxBeta,
               .text = "beta of the effective number of samples",
               .source = "methods 2.2",
               .read_by = "method.sam-a.table"}),
          key("radius", &SamAKeys::radius,
              {.stage = runtime::kCompiled, .text = "radius rule", .source = "methods 5.2"}),
          key("adaptive", &SamAKeys::adaptive,
              {.stage = runtime::kCompiled,
               .text = "ASAM: scale the ascent by the weights",
               .source = "methods 5.1"}),
          key("bn_stats", &SamAKeys::bn_stats,
              {.stage = runtime::kCompiled,
               .text = "pass that updates running statistics",
               .source = "methods 5.1"}),
          key("same_rng", &SamAKeys::same_rng,
              {.stage = runtime::kCompiled,
               .text = "the second pass reuses the dropout masks",
               .source = "methods 5.1"}),
      }};
  return set;
}

class SamA final : public Method {
public:
  explicit SamA(SamAKeys keys) : keys_(std::move(keys)) {}

  Gradients gradients(Step& step, const LossOfWeights& loss, const Array& class_weights) override {
    SamOptions options;
    options.rho = control(step, "rho", keys_, &SamAKeys::rho);
    options.adaptive = keys_.adaptive;
    options.same_rng = keys_.same_rng;
    options.bn_stats = keys_.bn_stats;
    options.radius = keys_.radius;
    options.labels = step.batch().label;
    options.valid = step.batch().valid;
    // A field that no table reads would make a run key of it that has no effect.
    const bool reads_beta = runtime::Registry<AscentTable>::find(keys_.table)->takes_beta;
    const Operand beta =
        reads_beta ? Operand(control(step, "ascent_beta", keys_, &SamAKeys::beta)) : Operand(keys_.beta);
    options.ascent = imbalance::ascent_table(step.classes().counts(), keys_.table, beta);
    options.descent = class_weights.empty() ? ones_like(options.ascent) : class_weights;
    const SamResult result = sam([&](const Array& table) { return loss(table); }, options);
    step.report("loss", result.loss);
    step.report("ascent_loss", result.ascent_loss);
    step.report("gradient_norm", result.gradient_norm);
    return result.gradients;
  }

private:
  SamAKeys keys_;
};

const Registered<MethodSpec> registered{
    {.name = "sam-a",
     .text = "SAM whose ascent loss is weighted by a class table: climbs for rare classes",
     .source = "methods 5.2",
     .keys = SamAKeys::keys().specs(),
     .part = Part::gradients,
     .weighs_passes = true,
     .conflicts = {{"sam", "keep one of them; 'sam-a' is the class-aware form of 'sam'"}},
     .make = [](const runtime::Options& options) {
       return std::make_unique<SamA>(component_keys<SamAKeys>(options));
     }}};

} // namespace
} // namespace tailor::methods
