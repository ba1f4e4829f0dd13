// MixUp (Zhang et al. 2018) inside the step: every row is mixed with its partner, one share for the whole batch. The
// partners are a permutation of the rows that count, so padding mixes with nothing.
#include <tailor/tailor.h>
using namespace tailor;

struct Mlp : nn::Module {
  nn::Linear in, out;
  Mlp(std::int64_t columns, std::int64_t classes) : in{columns, 64}, out{64, classes} {
    add("in", in), add("out", out);
  }
  Array operator()(const Array& x, const Context& c) { return out(relu(in(x, c)), c); }
};

struct MixupMlp {
  TrainingProgram program{"mixup-in-step"};
  data::Plan plan{data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 200})};
  Mlp net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9}};

  MixupMlp() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 5);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      const Batch& batch = s.batch();
      Array partner = random_permutation(s.context(), batch.valid, s.batch_size());
      Array share = reshape(random_uniform(s.context(), {1}), {}); // Beta(1, 1)
      Array mixed = share * batch.numeric + (1.0 - share) * take(batch.numeric, partner);
      auto step = value_and_grad([&] {
        return losses::softmax_cross_entropy(
            net(mixed, s.context()), batch.label,
            {.labels_b = take(batch.label, partner), .lambda = broadcast_to(share, {s.batch_size()})});
      });
      s.update(net, sgd, step.gradients, s.control("lr", 0.1));
      s.report("loss", step.loss);
      s.report("share", share);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
};

int main(int argc, char** argv) {
  return tailor::main<MixupMlp>(argc, argv);
}
