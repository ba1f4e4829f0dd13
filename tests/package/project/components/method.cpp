// Flooding (Ishida et al. 2020): the loss descends to a level and no further.
#include <tailor/tailor.h>

namespace {

using namespace tailor;

struct FloodingKeys {
  double level = 0.05;

  static const runtime::KeySet<FloodingKeys>& keys() {
    static const runtime::KeySet<FloodingKeys> set{
        "method.flooding.",
        {runtime::key("level", &FloodingKeys::level, {.min = 0, .text = "the loss that is not gone below"})}};
    return set;
  }
};

class Flooding final : public Method {
public:
  explicit Flooding(FloodingKeys keys) : keys_(keys) {}
  Gradients gradients(Step& step, const LossOfWeights& loss, const Array& class_weights) override {
    const Array level = control(step, "flooding_level", keys_, &FloodingKeys::level);
    const LossAndGradients flooded = value_and_grad([&] { return abs(loss(class_weights) - level) + level; });
    step.report("loss", flooded.loss);
    return flooded.gradients;
  }

private:
  FloodingKeys keys_;
};

const Registered<MethodSpec> registered{{.name = "flooding",
                                         .text = "gradients of |loss - level| + level",
                                         .source = "Ishida et al. 2020",
                                         .keys = FloodingKeys::keys().specs(),
                                         .part = Part::gradients,
                                         .make = [](const runtime::Options& options) {
                                           return std::make_unique<Flooding>(
                                               component_keys<FloodingKeys>(options));
                                         }}};

} // namespace
