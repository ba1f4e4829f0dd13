// Head and body with their own rates: one optimizer, one launch. The head learns eight times as fast as the body, and
// biases and the normalisation do not decay. --set optimizer.groups.head.lr_scale=4 changes the factor of a compiled
// program. Try: train, compile --explain.
#include <tailor/tailor.h>
using namespace tailor;

struct Body : nn::Module {
  nn::Linear fc;
  nn::BatchNorm norm{64};
  explicit Body(std::int64_t columns) : fc{columns, 64} { add("fc", fc), add("norm", norm); }
  Array operator()(const Array& x, const Context& c) { return relu(norm(fc(x, c), c)); }
};

struct Net : nn::Module {
  Body body;
  nn::Linear head;
  Net(std::int64_t columns, std::int64_t classes) : body{columns}, head{64, classes} {
    add("body", body), add("head", head);
  }
  Array operator()(const Array& x, const Context& c) { return head(body(x, c), c); }
};

struct HeadAndBody {
  TrainingProgram program{"head-and-body"};
  data::Plan plan =
      data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 400, .long_tail = {.r = 0.05}});
  Net net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9,
                  .weight_decay = 1e-3,
                  .groups = {{.name = "head", .match = {"head.*"}, .lr_scale = 8},
                             {.name = "plain", .match = {"*.bias", "*.norm.*"}, .weight_decay = 0}}}};
  optim::Ema ema{{.decay = 0.99}};

  HeadAndBody() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 10);
    program.state("net", net), program.state("sgd", sgd), program.state("ema", ema);
    program.train_step([&](Step& s) {
      auto loss = [&] {
        return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label,
                                             {.valid = s.batch().valid});
      };
      SamResult g = sam(loss, {.rho = 0.05});
      s.update(net, sgd, g.gradients, s.control("lr", schedule::cosine({.peak = 0.02})));
      s.update(ema, net);
      s.report("loss", g.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); },
                      {.weights = ema, .metrics = {"accuracy", "balanced_accuracy"}});
  }
};

int main(int argc, char** argv) {
  return tailor::main<HeadAndBody>(argc, argv);
}
