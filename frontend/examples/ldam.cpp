// LDAM with deferred re-weighting (Cao et al. 2019): a head of cosines, margins that are larger for rare classes, and class
// weights by the effective number of samples from epoch 16 of 20 on. train/table_row in log.jsonl says which weights
// held: 0 none, 1 these. Try: train, train --set control.unweighted.schedule.milestones=[8], compile --explain.
#include <tailor/tailor.h>
using namespace tailor;

struct CosineNet : nn::Module {
  nn::Linear stem;
  nn::BatchNorm norm{64};
  nn::CosineLinear head;
  CosineNet(std::int64_t columns, std::int64_t classes) : stem{columns, 64}, head{64, classes} {
    add("stem", stem), add("norm", norm), add("head", head);
  }
  Array operator()(const Array& x, const Context& c) { return head(relu(norm(stem(x, c), c)), c); }
};

struct LdamDrw {
  static constexpr double scale = 30; // of the cosines: a softmax of numbers in [-1, 1] can decide nothing
  TrainingProgram program{"ldam-drw"};
  data::Plan plan =
      data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 400, .long_tail = {.r = 0.05}});
  CosineNet net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9, .weight_decay = 2e-4}};

  LdamDrw() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 20);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      const ClassStats k = s.classes();
      // 1 before epoch 16, 0 from there on; the step is the same one.
      Array unweighted =
          s.control("unweighted", schedule::step({.peak = 1, .milestones = {16}, .factor = 0}));
      LossAndGradients g = value_and_grad([&] {
        return losses::softmax_cross_entropy(
            net(s.batch().numeric, s.context()), s.batch().label,
            {.class_weights = unweighted + (1.0 - unweighted) * k.effective(),
             .margin = imbalance::ldam_margins(k.counts()),
             .valid = s.batch().valid,
             .scale = scale,
             .reduction = Reduction::weighted_mean});
      });
      s.update(net, sgd, g.gradients, s.control("lr", schedule::ldam_step(0.1)));
      s.report("loss", g.loss);
      s.report("table_row", 1.0 - unweighted);
    });
    program.eval_step(
        [&](Eval& e) { e.logits(scale * net(e.batch().numeric, e.context())); }, // without margins
        {.metrics = {"accuracy", "balanced_accuracy", "minority"}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<LdamDrw>(argc, argv);
}
