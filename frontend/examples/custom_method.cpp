// A method of one's own in 60 lines: a hand-written logit-adjusted cross-entropy whose ascent step looks at
// rare classes only (SAM with two tables), EMA weights for evaluation. Try: train, compile -o out.tailor,
// compile --explain.
#include <tailor/tailor.h>
using namespace tailor;

struct SmallNet : nn::Module {
  nn::Linear stem;
  nn::BatchNorm norm{64};
  nn::Dropout drop{0.1};
  nn::Linear head;
  SmallNet(std::int64_t columns, std::int64_t classes) : stem{columns, 64}, head{64, classes} {
    add("stem", stem), add("norm", norm), add("head", head); // checkpoint names
  }
  Array features(const Array& x, const Context& c) { return relu(norm(stem(x, c), c)); }
  Array operator()(const Array& x, const Context& c) { return head(drop(features(x, c), c), c); }
};

struct RareSam {
  TrainingProgram program{"la-sam-rare"};
  data::Plan plan;
  SmallNet net;
  optim::Sgd sgd{{.momentum = 0.9, .weight_decay = 2e-4}};
  optim::Ema ema{{.decay = 0.99}};

  RareSam()
      : plan(
            data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 400, .long_tail = {.r = 0.05}})),
        net(plan.num_numeric(), plan.num_classes()) {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 10); // any key of a recipe; --set changes it
    program.state("net", net), program.state("sgd", sgd), program.state("ema", ema);
    program.train_step([&](Step& s) {
      const ClassStats k = s.classes(); // symbolic [K]; known when training starts
      Array tau = s.control("tau", 1.0), rho = s.control("rho", 0.05);
      Array lr = s.control("lr", schedule::warmup_cosine({.peak = 0.1, .warmup_epochs = 2}));
      auto loss = [&](const Array& table) { // traced once, called with two tables
        Array z = net(s.batch().numeric, s.context()) + tau * log(k.prior());
        Array nll = logsumexp(z, -1) - take_along(z, s.batch().label, -1);
        return masked_mean(take(table, s.batch().label) * nll, s.batch().valid);
      };
      Array rare = where(k.counts() < mean(k.counts()), k.inv_max(), 0.0);
      SamResult g = sam(loss, {.ascent = rare, .descent = ones_like(rare), .rho = rho});
      s.update(net, sgd, g.gradients, lr);
      s.update(ema, net);
      s.report("loss", g.loss);
      s.report("sharpness", g.ascent_loss - g.loss);
    });
    program.eval_step(
        [&](Eval& e) {
          e.logits(net(e.batch().numeric, e.context()));
          e.features(net.features(e.batch().numeric, e.context()));
        },
        {.weights = ema, .metrics = {"accuracy", "minority"}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<RareSam>(argc, argv); // train | compile -o | inspect
}
