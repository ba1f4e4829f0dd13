// An optimizer of one's own, with state: Lion (Chen et al. 2023). Its slots are saved and resumed, its numbers are run
// keys (--set optimizer.beta2=0.98), weight decay and parameter groups work as for the others, and a step whose batch is
// all padding moves nothing. Try: train, compile -o out.tailor.
#include <tailor/tailor.h>
using namespace tailor;

/// w -= lr (sign(b1 m + (1 - b1) g) + decay w);  m = b2 m + (1 - b2) g.
class Lion : public optim::Optimizer {
public:
  explicit Lion(double weight_decay) : Optimizer({.weight_decay = weight_decay}) {}
  std::string name() const override { return "lion"; }
  void record(optim::Update& update) override {
    Array beta1 = update.number("beta1", 0.9, 0, 1), beta2 = update.number("beta2", 0.99, 0, 1);
    std::vector<Array> w = update.weights(), m = update.read(momenta_);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const Array& g = update.gradients()[i];
      Array direction = sign(beta1 * m[i] + (1.0 - beta1) * g) + update.weight_decay(i) * w[i];
      w[i] = w[i] - update.learning_rate(i) * direction;
      m[i] = beta2 * m[i] + (1.0 - beta2) * g;
    }
    update.write_weights(w);
    update.write(momenta_, m);
  }

private:
  optim::SlotGroup& momenta_ = add_slots();
};

struct LionProgram {
  TrainingProgram program{"lion"};
  data::Plan plan =
      data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 400, .long_tail = {.r = 0.05}});
  nn::Linear net{plan.num_numeric(), plan.num_classes()};
  Lion lion{0.01};

  LionProgram() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 10);
    program.state("net", net), program.state("lion", lion);
    program.train_step([&](Step& s) {
      LossAndGradients g = value_and_grad([&] {
        return losses::softmax_cross_entropy(
            net(s.batch().numeric, s.context()), s.batch().label,
            {.class_weights = s.classes().inv_max(), .reduction = Reduction::weighted_mean});
      });
      s.update(net, lion, g.gradients, s.control("lr", schedule::cosine({.peak = 0.02})));
      s.report("loss", g.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); },
                      {.metrics = {"accuracy", "balanced_accuracy"}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<LionProgram>(argc, argv);
}
