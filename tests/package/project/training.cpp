// A training program of a user's own: class-balanced cross-entropy on five blobs.
#include <tailor/tailor.h>
using namespace tailor;

struct Training {
  TrainingProgram program{"own-training"};
  data::Plan plan =
      data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 200, .long_tail = {.r = 0.1}});
  nn::Linear net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9}};

  Training() {
    program.data(plan, {.batch = 32});
    program.options().set("run.epochs", 3);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      LossAndGradients g = value_and_grad([&] {
        return losses::softmax_cross_entropy(
            net(s.batch().numeric, s.context()), s.batch().label,
            {.class_weights = s.classes().inv_max(), .reduction = Reduction::weighted_mean});
      });
      s.update(net, sgd, g.gradients, s.control("lr", 0.1, "optimizer.lr"));
      s.report("loss", g.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); },
                      {.metrics = {"balanced_accuracy"}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<Training>(argc, argv);
}
