// Exponential moving average of the weights, evaluated in their place. methods.md 4.4.
#include "frontend/components/method.h"

namespace tailor::methods {
namespace {

struct EmaKeys {
  double decay = optim::EmaOptions().decay;
  bool warmup = optim::EmaOptions().warmup;
  optim::EmaBatchNorm bn = optim::EmaOptions().bn;

  static const runtime::KeySet<EmaKeys>& keys();
};

const runtime::KeySet<EmaKeys>& EmaKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<EmaKeys> set{
      "method.ema.",
      {
          key("decay", &EmaKeys::decay,
              {.min = 0, .max = 1, .text = "decay d of the weight average", .source = "methods 4.4"}),
          key("warmup", &EmaKeys::warmup, {.text = "d_t = min(d, (1+t)/(10+t))", .source = "methods 4.4"}),
          key("bn", &EmaKeys::bn,
              {.stage = runtime::kCompiled,
               .text = "running statistics beside the average: averaged, the latest, or of a pass before "
                       "evaluations",
               .source = "methods 4.4"}),
      }};
  return set;
}

class Ema final : public Method {
public:
  explicit Ema(const EmaKeys& keys) : average_({.decay = keys.decay, .warmup = keys.warmup, .bn = keys.bn}) {}

  void declare(TrainingProgram& program, std::int64_t) override { program.state("ema", average_); }
  void after_update(Step& step, nn::Module& net) override { step.update(average_, net); }
  optim::Ema* average() override { return &average_; }

private:
  optim::Ema average_;
};

const Registered<MethodSpec> registered{
    {.name = "ema",
     .text = "exponential moving average of the weights; eval.weights chooses it",
     .source = "methods 4.4",
     .keys = EmaKeys::keys().specs(),
     .part = Part::average,
     .make = [](const runtime::Options& options) {
       return std::make_unique<Ema>(component_keys<EmaKeys>(options));
     }}};

} // namespace
} // namespace tailor::methods
