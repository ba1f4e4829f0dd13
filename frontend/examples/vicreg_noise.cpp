// Joint training of a tabular network: cross-entropy, and VICReg between the features of two noisy copies of every row
// (Shwartz-Ziv et al. 2023). The noise differs from step to step and from copy to copy: each call draws its own. The
// projector has no bias, which the loss would not see.
#include <tailor/tailor.h>
using namespace tailor;

struct JointNet : nn::Module {
  nn::Linear body, head, projector;
  JointNet(std::int64_t columns, std::int64_t classes)
      : body{columns, 32}, head{32, classes}, projector{32, 16, {.bias = false}} {
    add("body", body), add("head", head), add("projector", projector);
  }
  Array features(const Array& x, const Context& c) { return relu(body(x, c)); }
  Array operator()(const Array& x, const Context& c) { return head(features(x, c), c); }
};

struct JointSsl {
  TrainingProgram program{"vicreg-noise"};
  data::Plan plan{
      data::blobs({.classes = 4, .dimensions = 8, .samples_per_class = 150, .long_tail = {.r = 0.1}})};
  JointNet net{plan.num_numeric(), plan.num_classes()};
  optim::AdamW adamw{{.weight_decay = 1e-4}};

  JointSsl() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 12);
    program.state("net", net), program.state("adamw", adamw);
    program.train_step([&](Step& s) {
      Array x = s.batch().numeric, weight = s.control("ssl_weight", 0.01),
            deviation = s.control("noise", 0.3);
      auto view = [&] {
        Array noisy = x + deviation * random_normal(s.context(), x.shape());
        return net.projector(net.features(noisy, s.context()), s.context());
      };
      auto step = value_and_grad([&] {
        Array supervised = losses::softmax_cross_entropy(net(x, s.context()), s.batch().label);
        Array ssl = losses::vicreg(view(), view());
        return LossAndAux{supervised + weight * ssl, {supervised, ssl}};
      });
      s.update(net, adamw, step.gradients, s.control("lr", 0.01));
      s.report("loss", step.aux[0]);
      s.report("ssl", step.aux[1]);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
};

int main(int argc, char** argv) {
  return tailor::main<JointSsl>(argc, argv);
}
