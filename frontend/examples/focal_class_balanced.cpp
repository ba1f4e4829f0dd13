// Class-balanced focal loss (Cui et al. 2019) by hand: (1 - p[y])^gamma times the cross-entropy, weighted by the
// effective number of samples of the class. Written as the formula reads; compile --explain says what became of it.
#include <tailor/tailor.h>
using namespace tailor;

struct Mlp : nn::Module {
  nn::Linear in, out;
  Mlp(std::int64_t columns, std::int64_t classes) : in{columns, 64}, out{64, classes} {
    add("in", in), add("out", out);
  }
  Array operator()(const Array& x, const Context& c) { return out(relu(in(x, c)), c); }
};

struct ClassBalancedFocal {
  TrainingProgram program{"focal-class-balanced"};
  data::Plan plan{
      data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 300, .long_tail = {.r = 0.05}})};
  Mlp net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9, .weight_decay = 2e-4}};

  ClassBalancedFocal() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 6);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      Array beta = s.control("beta", 0.999), y = s.batch().label;
      Array weights = imbalance::class_weights(s.classes().counts(), "effective", beta);
      auto step = value_and_grad([&] {
        Array log_p = take_along(log_softmax(net(s.batch().numeric, s.context()), 1), y, -1);
        Array focal = -square(1.0 - exp(log_p)) * log_p; // gamma = 2
        return mean(take(weights, y) * focal);           // over the rows that count
      });
      s.update(net, sgd, step.gradients, s.control("lr", 0.1));
      s.report("loss", step.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); },
                      {.metrics = {"accuracy", "minority"}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<ClassBalancedFocal>(argc, argv);
}
