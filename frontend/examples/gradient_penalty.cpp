// A gradient penalty: the loss holds the gradient of the cross-entropy with respect to the input, and is differentiated
// itself, through the loss op and a layer norm. Flat in x means that a little noise changes little (double
// backpropagation, Drucker and LeCun 1992).
#include <tailor/tailor.h>
using namespace tailor;

struct SmoothNet : nn::Module {
  nn::Linear in;
  nn::LayerNorm norm{32};
  nn::Linear out;
  SmoothNet(std::int64_t columns, std::int64_t classes) : in{columns, 32}, out{32, classes} {
    add("in", in), add("norm", norm), add("out", out);
  }
  Array operator()(const Array& x, const Context& c) { return out(gelu(norm(in(x, c), c)), c); }
};

struct GradientPenalty {
  TrainingProgram program{"gradient-penalty"};
  data::Plan plan{data::blobs({.classes = 4, .dimensions = 6, .samples_per_class = 150})};
  SmoothNet net{plan.num_numeric(), plan.num_classes()};
  optim::AdamW adamw{{.weight_decay = 0.0}};

  GradientPenalty() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 4);
    program.state("net", net), program.state("adamw", adamw);
    program.train_step([&](Step& s) {
      const Batch& batch = s.batch();
      Array strength = s.control("penalty", 0.1);
      auto step = value_and_grad([&] {
        auto summed =
            [&](const Array& x) { // rows are independent: the gradient of the sum has one row for each
              return losses::softmax_cross_entropy(net(x, s.context()), batch.label,
                                                   {.reduction = Reduction::sum});
            };
        auto inner =
            value_and_grad([&](const std::vector<Array>& x) { return summed(x[0]); }, {batch.numeric});
        Array penalty = mean(sum(square(inner.gradients[0]), {1}));
        Array loss = inner.value / cast(maximum(batch.valid, 1.0), DType::f32);
        return LossAndAux{loss + strength * penalty, {loss, penalty}};
      });
      s.update(net, adamw, step.gradients, s.control("lr", 0.01));
      s.report("loss", step.aux[0]);
      s.report("penalty", step.aux[1]);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
};

int main(int argc, char** argv) {
  return tailor::main<GradientPenalty>(argc, argv);
}
