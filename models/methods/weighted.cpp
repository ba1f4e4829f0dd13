// Class-weighted loss: w_y in front of the loss of a row of class y. methods.md 2.2.
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"

namespace tailor::methods {
namespace {

enum class Divisor : std::uint8_t { weighted_mean, batch_mean };

} // namespace
} // namespace tailor::methods

template <> struct tailor::runtime::Words<tailor::methods::Divisor> {
  using Divisor = tailor::methods::Divisor;
  static constexpr std::pair<Divisor, const char*> kAll[] = {{Divisor::weighted_mean, "weighted_mean"},
                                                             {Divisor::batch_mean, "batch_mean"}};
};

namespace tailor::methods {
namespace {

struct WeightedKeys {
  std::string table = "inv_max";
  double beta = 0.9999;
  Divisor reduction = Divisor::weighted_mean;

  static const runtime::KeySet<WeightedKeys>& keys();
};

const runtime::KeySet<WeightedKeys>& WeightedKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<WeightedKeys> set{
      "method.weighted.",
      {
          key("table", &WeightedKeys::table,
              {.stage = runtime::kCompiled,
               .text = "class weights w_i of the loss",
               .source = "methods 2.2",
               .choices_of = WeightTable::kKind}),
          key("beta", &WeightedKeys::beta,
              {.min = 0,
               .max = kMaxBeta,
               .text = "beta of table effective",
               .source = "methods 2.2",
               .only_if = "method.weighted.table = effective"}),
          key("reduction", &WeightedKeys::reduction,
              {.stage = runtime::kCompiled,
               .text = "divide by the sum of weights or by the batch",
               .source = "methods 2"}),
      }};
  return set;
}

class Weighted final : public Method {
public:
  explicit Weighted(WeightedKeys keys) : keys_(std::move(keys)) {}

  void shape_loss(Step& step, losses::LossOptions& loss) override {
    // A field that no table reads would make a run key of it that has no effect.
    const bool reads_beta = runtime::Registry<WeightTable>::find(keys_.table)->takes_beta;
    const Operand beta =
        reads_beta ? Operand(control(step, "weight_beta", keys_, &WeightedKeys::beta)) : Operand(keys_.beta);
    loss.class_weights = Operand(imbalance::class_weights(step.classes().counts(), keys_.table, beta));
    loss.reduction =
        keys_.reduction == Divisor::batch_mean ? Reduction::batch_mean : Reduction::weighted_mean;
  }

private:
  WeightedKeys keys_;
};

const Registered<MethodSpec> weighted{
    {.name = "weighted",
     .text = "class weights in the loss, from the counts of the training split",
     .source = "methods 2.2",
     .keys = WeightedKeys::keys().specs(),
     .part = Part::class_weights,
     .make = [](const runtime::Options& options) {
       return std::make_unique<Weighted>(component_keys<WeightedKeys>(options));
     }}};

} // namespace
} // namespace tailor::methods
