// Sign descent with an average of the gradients (Bernstein et al. 2018, Signum).
#include <tailor/tailor.h>

namespace {

using namespace tailor;

struct SignumKeys {
  double average = 0.9;

  static const runtime::KeySet<SignumKeys>& keys() {
    static const runtime::KeySet<SignumKeys> set{
        "optimizer.",
        {runtime::key("average", &SignumKeys::average,
                      {.min = 0, .max = 1, .text = "beta of signum's average of gradients"})}};
    return set;
  }
};

/// m = beta m + (1 - beta) g;  w -= lr sign(m).
class Signum final : public optim::Optimizer {
public:
  explicit Signum(SignumKeys keys) : Optimizer(optim::CommonOptions{.weight_decay = 0}), keys_(keys) {}
  std::string name() const override { return "signum"; }
  void record(optim::Update& update) override {
    const Array beta = update.number("average", keys_.average, 0, 1);
    std::vector<Array> weights = update.weights(), averages = update.read(averages_);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      averages[i] = beta * averages[i] + (1.0 - beta) * update.gradients()[i];
      weights[i] = weights[i] - update.learning_rate(i) * sign(averages[i]);
    }
    update.write_weights(weights);
    update.write(averages_, averages);
  }

private:
  SignumKeys keys_;
  optim::SlotGroup& averages_ = add_slots();
};

const Registered<OptimizerSpec> registered{{.name = "signum",
                                            .text = "m = beta m + (1 - beta) g; w -= lr sign(m)",
                                            .source = "Bernstein et al. 2018",
                                            .keys = SignumKeys::keys().specs(),
                                            .make = [](const runtime::Options& options) {
                                              return std::make_unique<Signum>(
                                                  component_keys<SignumKeys>(options));
                                            }}};

} // namespace
