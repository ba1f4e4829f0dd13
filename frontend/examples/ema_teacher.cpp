// A teacher that is the average of the student: KL(teacher || student) on noisy rows pulls the student towards its own
// past. Class-balanced weights join late, from 0.8 of the run on (deferred re-weighting), by a row of a table. Try:
// train --set run.log_steps=10, train --set control.drw=[0.5], inspect.
#include <tailor/tailor.h>
using namespace tailor;

struct Net : nn::Module {
  nn::Linear stem, head;
  Net(std::int64_t columns, std::int64_t classes) : stem{columns, 48}, head{48, classes} {
    add("stem", stem), add("head", head);
  }
  Array operator()(const Array& x, const Context& c) { return head(relu(stem(x, c)), c); }
};

struct EmaTeacher {
  TrainingProgram program{"ema-teacher"};
  data::Plan plan;
  Net net;
  optim::Sgd sgd{{.momentum = 0.9, .weight_decay = 2e-4}};
  optim::Ema ema{{.decay = 0.99}};

  EmaTeacher()
      : plan(
            data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 300, .long_tail = {.r = 0.05}})),
        net(plan.num_numeric(), plan.num_classes()) {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 10);
    program.state("net", net), program.state("sgd", sgd), program.state("ema", ema);
    program.train_step([&](Step& s) {
      const ClassStats k = s.classes();
      Array row = s.epoch_row("drw", {.fractions = {0.8}}); // 0, then 1: in the log as control/drw
      Array tables =
          concat({expand_dims(ones_like(k.counts()), 0), expand_dims(k.effective(), 0)}, 0); // [2, K]
      Array noise = s.control("noise", 0.1), temperature = s.control("temperature", 2.0),
            pull = s.control("pull", 0.5);
      auto loss = [&] {
        Array x = s.batch().numeric;
        Array noisy = x + noise * random_normal(s.context(), x.shape());
        Array z = net(x, s.context());
        Array teacher =
            ema.apply(net, [&] { return net(x, Context{.train = false}); }); // no gradient goes there
        Array log_q = log_softmax(teacher / temperature, -1);
        Array log_p = log_softmax(net(noisy, s.context()) / temperature, -1);
        Array kl = sum(exp(log_q) * (log_q - log_p), {1});
        return losses::softmax_cross_entropy(z, s.batch().label, {.class_weights = take(tables, row)}) +
               pull * masked_mean(kl, s.batch().valid);
      };
      auto g = value_and_grad(loss);
      s.update(net, sgd, g.gradients, s.control("lr", schedule::cosine({.peak = 0.1})));
      s.update(ema, net);
      s.report("loss", g.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); },
                      {.weights = ema, .metrics = {"accuracy", "balanced_accuracy", "minority"}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<EmaTeacher>(argc, argv);
}
