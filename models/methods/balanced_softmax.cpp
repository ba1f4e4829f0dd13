// Balanced softmax (Ren et al. 2020): log n_i is added to the logits in training. methods.md 2.5b.
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"

namespace tailor::methods {
namespace {

class BalancedSoftmax final : public Method {
public:
  void shape_loss(Step& step, losses::LossOptions& loss) override {
    loss.bias = Operand(imbalance::log_counts(step.classes().counts()));
  }
};

const Registered<MethodSpec> balanced_softmax{
    {.name = "balanced-softmax",
     .text = "log n_i added to the logits in training",
     .source = "methods 2.5b",
     .part = Part::bias,
     .needs_class_logits = true,
     .conflicts = {{"logit-adjustment",
                    "keep one of them; 'balanced-softmax' is 'logit-adjustment' with tau = 1"}},
     .make = [](const runtime::Options&) { return std::make_unique<BalancedSoftmax>(); }}};

} // namespace
} // namespace tailor::methods
