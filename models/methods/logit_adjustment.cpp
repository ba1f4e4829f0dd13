// Logit adjustment (Menon et al. 2021): tau log p_i is added to the logits in training. methods.md 2.5b.
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"

namespace tailor::methods {
namespace {

struct LogitAdjustmentKeys {
  double tau = 1.0;

  static const runtime::KeySet<LogitAdjustmentKeys>& keys();
};

const runtime::KeySet<LogitAdjustmentKeys>& LogitAdjustmentKeys::keys() {
  static const runtime::KeySet<LogitAdjustmentKeys> set{
      "method.logit-adjustment.",
      {
          runtime::key("tau", &LogitAdjustmentKeys::tau,
                       {.min = 0,
                        .max = 100,
                        .text = "bias tau * log p_i added to the logits in training",
                        .source = "methods 2.5b"}),
      }};
  return set;
}

class LogitAdjustment final : public Method {
public:
  explicit LogitAdjustment(LogitAdjustmentKeys keys) : keys_(keys) {}

  void shape_loss(Step& step, losses::LossOptions& loss) override {
    const Array tau = control(step, "tau", keys_, &LogitAdjustmentKeys::tau);
    loss.bias = Operand(imbalance::log_prior(step.classes().counts(), tau));
  }

private:
  LogitAdjustmentKeys keys_;
};

const Registered<MethodSpec> logit_adjustment{{.name = "logit-adjustment",
                                               .text = "tau log p_i added to the logits in training",
                                               .source = "methods 2.5b",
                                               .keys = LogitAdjustmentKeys::keys().specs(),
                                               .part = Part::bias,
                                               .needs_class_logits = true,
                                               .make = [](const runtime::Options& options) {
                                                 return std::make_unique<LogitAdjustment>(
                                                     component_keys<LogitAdjustmentKeys>(options));
                                               }}};

} // namespace
} // namespace tailor::methods
