// The gradient as a value: its norm is looked at, cut to a length and reported before the optimizer takes it. Try:
// train, compile --explain.
#include <tailor/tailor.h>
using namespace tailor;

struct Mlp : nn::Module {
  nn::Linear in, out;
  Mlp(std::int64_t columns, std::int64_t classes) : in{columns, 64}, out{64, classes} {
    add("in", in), add("out", out);
  }
  Array operator()(const Array& x, const Context& c) { return out(gelu(in(x, c)), c); }
};

struct ClippedMlp {
  TrainingProgram program{"gradient-clipping"};
  data::Plan plan{data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 200})};
  Mlp net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9}};

  ClippedMlp() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 5);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      auto step = value_and_grad([&] {
        Array z = net(s.batch().numeric, s.context());
        Array hit = cast(argmax(z, 1) == s.batch().label, DType::f32);
        // One forward: the accuracy comes out beside the loss.
        return LossAndAux{losses::softmax_cross_entropy(z, s.batch().label), {mean(hit)}};
      });
      Array limit = s.control("max_norm", 1.0);
      Gradients clipped = step.gradients.clip(limit);
      s.update(net, sgd, clipped, s.control("lr", 0.1));
      s.report("loss", step.loss);
      s.report("accuracy", step.aux[0]);
      s.report("norm", step.gradients.norm());
      s.report("clipped", clipped.norm());
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
};

int main(int argc, char** argv) {
  return tailor::main<ClippedMlp>(argc, argv);
}
