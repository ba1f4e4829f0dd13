// An inner loop on the input, the shape of M2m (Kim et al. 2020): rows walk downhill on the loss of another class, ten
// steps of a tenth along their own gradient, and are trained on as rows of that class. The network learns nothing from
// the walk itself; it is part of the step, not of the loss.
#include <tailor/tailor.h>
using namespace tailor;

struct Mlp : nn::Module {
  nn::Linear in, out;
  Mlp(std::int64_t columns, std::int64_t classes) : in{columns, 32}, out{32, classes} {
    add("in", in), add("out", out);
  }
  Array operator()(const Array& x, const Context& c) { return out(relu(in(x, c)), c); }
};

struct WalkingRows {
  TrainingProgram program{"input-steps"};
  data::Plan plan{
      data::blobs({.classes = 4, .dimensions = 6, .samples_per_class = 150, .long_tail = {.r = 0.1}})};
  Mlp net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9}};

  WalkingRows() {
    program.data(plan, {.batch = 32});
    program.options().set("run.epochs", 12);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      const Batch& batch = s.batch();
      Array target = roll(batch.label, 1, 0); // the class of another row that counts
      auto towards = [&](const Array& x) {
        return losses::softmax_cross_entropy(net(x, s.context()), target, {.reduction = Reduction::sum});
      };
      Array walked = repeat(
          10, [&](const Array& x) { return clamp(x - 0.1 * l2_normalize(grad(towards, x), 1), -3, 3); },
          batch.numeric);
      auto step = value_and_grad([&] {
        Array own = losses::softmax_cross_entropy(net(batch.numeric, s.context()), batch.label);
        Array made = losses::softmax_cross_entropy(net(walked, s.context()), target);
        return LossAndAux{own + 0.1 * made, {own, made}};
      });
      s.update(net, sgd, step.gradients, s.control("lr", 0.05));
      s.report("loss", step.aux[0]);
      s.report("made", step.aux[1]);
      s.report("moved", mean(sqrt(sum(square(walked - batch.numeric), {1}))));
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
};

int main(int argc, char** argv) {
  return tailor::main<WalkingRows>(argc, argv);
}
