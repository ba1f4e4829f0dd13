// Rows that the program holds: features, labels, and what each row counts for (the amount at stake). Try: train, compile
// --explain. What it compiles trains in this program only, and predicts on tables with these columns anywhere.
#include <tailor/tailor.h>

#include <cmath>
#include <string>
#include <vector>
using namespace tailor;

/// Every 20th payment is fraud: at night, of ten times the amount, and often from abroad.
data::Plan payments(int rows) {
  std::vector<float> hour, log_amount, amount;
  std::vector<std::string> country;
  std::vector<int> fraud;
  for (int i = 0; i < rows; ++i) {
    const bool is_fraud = i % 20 == 7;
    hour.push_back(static_cast<float>(is_fraud ? i % 7 : i % 24));
    amount.push_back(static_cast<float>(10 + i * 37 % 90) * (is_fraud ? 10.0f : 1.0f));
    log_amount.push_back(std::log(amount.back()));
    country.push_back(is_fraud && i % 3 > 0 ? "abroad" : "home");
    fraud.push_back(is_fraud);
  }
  return data::in_memory(
      {{"hour", hour}, {"log_amount", log_amount}, {"country", country}}, fraud,
      {.name = "payments", .classes = {"honest", "fraud"}, .numeric = "standard", .row_weights = amount});
}

struct InMemory {
  TrainingProgram program{"in-memory"};
  data::Plan plan{payments(2000)};
  std::vector<std::int64_t> codes{plan.schema().category_capacities()[0]};
  nn::Linear net{plan.num_numeric() + codes[0], plan.num_classes()};
  optim::Sgd sgd{{.momentum = 0.9}};

  Array logits(const Batch& batch, const Context& c) {
    return net(concat({batch.numeric, nn::one_hot_columns(batch.category, codes)}, 1), c);
  }

  InMemory() {
    program.data(plan, {.batch = 64});
    program.options().set("run.epochs", 10);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      auto step = value_and_grad([&] {
        return losses::softmax_cross_entropy(
            logits(s.batch(), s.context()), s.batch().label,
            {.row_weights = s.batch().row_weight, .reduction = Reduction::weighted_mean});
      });
      s.update(net, sgd, step.gradients, s.control("lr", 0.1));
      s.report("loss", step.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(logits(e.batch(), e.context())); });
  }
};

int main(int argc, char** argv) {
  return tailor::main<InMemory>(argc, argv);
}
