// Major-to-minor translation in three stages (methods.md 7, on a table, with two steps on the input). Stage 1 trains a
// network by ERM. Stage 2 keeps a copy of it as the generator g and trains f anew; stage 3 goes on with f, its optimizer
// and its schedule, on class-balanced rows of which rare ones are replaced: rows of frequent classes that g moved there.
// Try: train, inspect, train --set stage.translate.run.epochs=4.
#include <tailor/tailor.h>
using namespace tailor;

struct Net : nn::Module {
  nn::Linear stem, head;
  Net(std::int64_t columns, std::int64_t classes) : stem{columns, 48}, head{48, classes} {
    add("stem", stem), add("head", head);
  }
  Array operator()(const Array& x, const Context& c) { return head(relu(stem(x, c)), c); }
};

struct M2m {
  TrainingProgram program{"m2m"};
  data::Plan plan;
  Net f, g;
  optim::Sgd sgd{{.momentum = 0.9, .weight_decay = 2e-4}};

  M2m()
      : plan(
            data::blobs({.classes = 5, .dimensions = 8, .samples_per_class = 300, .long_tail = {.r = 0.05}})),
        f(plan.num_numeric(), plan.num_classes()), g(plan.num_numeric(), plan.num_classes()) {
    program.data(plan, {.batch = 64});
    program.state("net", f), program.state("generator", g), program.state("sgd", sgd);
    program.step("erm", [&](Step& s) { descend(s, s.batch().numeric); });
    program.step("m2m", [&](Step& s) { descend(s, translated(s)); });
    program.eval_step([&](Eval& e) { e.logits(f(e.batch().numeric, e.context())); },
                      {.metrics = {"accuracy", "balanced_accuracy", "minority"}});
    program.stages(
        {{.name = "generator", .step = "erm", .epochs = 8},
         {.name = "plain",
          .step = "erm",
          .epochs = 8,
          .copies = {{"net", "generator"}},
          .initialises = {"net"}},
         {.name = "translate", .step = "m2m", .sampler = "class_balanced", .epochs = 2, .continues = true}});
  }

  void descend(Step& s, const Array& x) {
    auto result =
        value_and_grad([&] { return losses::softmax_cross_entropy(f(x, s.context()), s.batch().label); });
    s.update(f, sgd, result.gradients, s.control("lr", schedule::ldam_step(0.1)));
    s.report("loss", result.loss);
  }

  /// The batch with rows of rare classes replaced where g is sure that the translation is one.
  Array translated(Step& s) {
    const Array x = s.batch().numeric, y = s.batch().label, n = s.classes().counts();
    const Context frozen{.train = false};
    Array seed = random_permutation(s.context(), s.batch().valid, s.batch_size()); // a row to start from
    Array from = take(y, seed), start = take(x, seed);
    Array surplus = maximum(take(n, from) - take(n, y), 0.0);
    Array likely = 1.0 - pow(constant(0.999), surplus);
    Array accepted = random_uniform(s.context(), {s.batch_size()}) < likely;
    Array moved = start + s.control("noise", 0.1) * random_normal(s.context(), x.shape());
    Array push = s.control("push", 0.5), length = s.control("length", 0.3);
    for (int i = 0; i < 2; ++i) {
      auto away = [&](const std::vector<Array>& at) {
        Array to = losses::softmax_cross_entropy(g(at[0], frozen), y, {.reduction = Reduction::sum});
        return to + push * sum(take_along(f(at[0], frozen), from, -1) *
                               cast(row_mask(s.batch().valid, s.batch_size()), DType::f32));
      };
      Array d = grad(away, {moved})[0];
      moved = moved - length * d / (sqrt(sum(square(d), {1}, true)) + 1e-10);
    }
    Array sure = take_along(softmax(g(moved, frozen), -1), y, -1) > s.control("sure", 0.9);
    Array rare = take(n, y) < max(n);
    Array replaced = broadcast_to(expand_dims(rare && accepted && sure, 1), x.shape());
    return stop_gradient(where(replaced, moved, x));
  }
};

int main(int argc, char** argv) {
  return tailor::main<M2m>(argc, argv);
}
