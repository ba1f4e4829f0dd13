// MiSLAS in two stages (methods.md 8). Stage 1 learns the representation by MixUp; its coefficient is drawn by the host,
// one a step. Stage 2 leaves the backbone as it is (nothing updates it) and trains the classifier and a scale per class
// on class-aware draws, with more label smoothing for frequent classes. Try: train, inspect,
// train --set stage.classifier.run.epochs=5.
#include <tailor/tailor.h>
using namespace tailor;

struct Net : nn::Module {
  nn::Linear stem, head;
  nn::BatchNorm norm{64};
  Net(std::int64_t columns, std::int64_t classes) : stem{columns, 64}, head{64, classes} {
    add("stem", stem), add("norm", norm), add("head", head);
  }
  Array features(const Array& x, const Context& c) { return relu(norm(stem(x, c), c)); }
};

struct Scale : nn::Module { // LWS: logits times s, at first 1
  nn::Tensor s;
  explicit Scale(std::int64_t classes) : s({classes}, InitRule::ones()) { add("s", s); }
  Array operator()(const Array& logits) { return logits * s.read(); }
};

struct Mislas {
  TrainingProgram program{"mislas"};
  data::Plan plan;
  Net net;
  Scale scale;
  optim::Sgd sgd{{.momentum = 0.9, .weight_decay = 5e-4}};
  optim::Sgd head_sgd{{.momentum = 0.9, .weight_decay = 2e-4}};

  Mislas()
      : plan(
            data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 300, .long_tail = {.r = 0.05}})),
        net(plan.num_numeric(), plan.num_classes()), scale(plan.num_classes()) {
    program.data(plan, {.batch = 64});
    program.state("net", net), program.state("scale", scale);
    program.state("sgd", sgd), program.state("head_sgd", head_sgd);
    program.step("mixup", [&](Step& s) {
      Array lambda = s.random_beta("lambda", 1.0);
      Array x = s.batch().numeric, y = s.batch().label;
      Array other = random_permutation(s.context(), s.batch().valid, s.batch_size());
      auto loss = [&] {
        Array mixed = lambda * x + (1.0 - lambda) * take(x, other);
        Array z = net.head(net.features(mixed, s.context()), s.context());
        return losses::softmax_cross_entropy(
            z, y, {.labels_b = take(y, other), .lambda = broadcast_to(lambda, {s.batch_size()})});
      };
      auto g = value_and_grad(loss);
      s.update(net, sgd, g.gradients, s.control("lr", schedule::mislas_step(0.1)));
      s.report("loss", g.loss), s.report("lambda", lambda);
    });
    program.step("classifier", [&](Step& s) {
      const Array smoothing =
          imbalance::class_smoothing(s.classes().counts(), s.control("smoothing", 0.3), "las_concave");
      auto loss = [&] {
        Array f = stop_gradient(net.features(s.batch().numeric, Context{.train = false}));
        return losses::softmax_cross_entropy(scale(net.head(f, s.context())), s.batch().label,
                                             {.smoothing = smoothing});
      };
      auto g = value_and_grad(loss);
      Array lr = s.control("head_lr", schedule::cosine({.peak = 0.05}));
      s.update(net, head_sgd, g.gradients, lr); // its head: the backbone has no gradient
      s.update(scale, head_sgd, g.gradients, lr);
      s.report("loss", g.loss);
    });
    program.eval("whole",
                 [&](Eval& e) {
                   e.logits(scale(net.head(net.features(e.batch().numeric, e.context()), e.context())));
                 },
                 {.metrics = {"accuracy", "balanced_accuracy", "minority"}});
    program.stages({{.name = "representation", .step = "mixup", .epochs = 20},
                    {.name = "classifier", .step = "classifier", .sampler = "class_aware", .epochs = 10}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<Mislas>(argc, argv);
}
